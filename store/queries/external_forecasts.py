"""External forecasts: stored unchanged, and scored beside published forecasts."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from store.models import ExternalForecast, ExternalForecastScore, Series
from store.queries import catalog
from store.queries.hubverse_format import CONTRADICTS, SAME
from tables import Faults

TARGET = ("series_id", "model_id", "reference_date", "month", "months", "measure")
IDENTITY = (*TARGET, "output_type", "probability")


class AppendedForecasts(NamedTuple):
    """How many statements were new, and how many were known already."""

    inserted: int
    unchanged: int


def append(session: Session, *, dataset: str, frame: pd.DataFrame) -> AppendedForecasts:
    """Store forecasts as checked by `hubverse_format.check_hubverse`, all of them or none; they are immutable.

    Raises UnknownDataset, `tabular.BadRows` for a series that the dataset has not, or a statement that is kept with
    another value, or that contradicts one.
    """
    catalog.dataset(session, dataset)
    rows = frame.assign(series_id=_series_ids(session, dataset, frame))
    known = _known(session, rows)
    keys = list(rows[list(IDENTITY)].itertuples(index=False, name=None))
    before = np.array([known.get(key, np.nan) for key in keys])
    faults = Faults()
    changed = np.isfinite(before) & (before != rows["value"].to_numpy())
    faults.add(rows["value"], changed, "was stated with another value before")
    same = np.array([known.get((*key[:-2], SAME.get(key[-2]), key[-1]), np.nan) for key in keys])
    faults.add(rows["value"], np.isfinite(same) & (same != rows["value"].to_numpy()), CONTRADICTS)
    faults.stop()
    new = rows[np.isnan(before)]
    if len(new):
        records = new[[*IDENTITY, "value"]].to_dict("records")
        session.execute(sa.insert(ExternalForecast), records)
    return AppendedForecasts(len(new), len(rows) - len(new))


def datasets(session: Session) -> list[str]:
    """The datasets with external forecasts, by code."""
    query = sa.select(col(Series.dataset_id)).distinct().order_by(col(Series.dataset_id))
    rows = session.execute(query.where(col(Series.id).in_(sa.select(col(ExternalForecast.series_id)))))
    return list(rows.scalars())


def has_model(session: Session, dataset: str, model: str) -> bool:
    """Whether any forecast of a model is stored of a dataset."""
    mine = sa.select(col(ExternalForecast.series_id)).join(Series, col(Series.id) == ExternalForecast.series_id)
    query = mine.where(col(Series.dataset_id) == dataset, col(ExternalForecast.model_id) == model)
    return session.execute(query.limit(1)).first() is not None


def _series_ids(session: Session, dataset: str, frame: pd.DataFrame) -> list[int]:
    stored = {
        (series.flow, series.partner, series.sector): series.id for series in catalog.series(session, dataset).rows
    }
    ids = [stored.get(key, 0) for key in frame[["flow", "partner", "sector"]].itertuples(index=False, name=None)]
    faults = Faults()
    location = frame["partner"].rename("location")
    faults.add(location, np.array(ids) == 0, f"with this target is no series of {dataset}")
    faults.stop()
    return ids


def _known(session: Session, rows: pd.DataFrame) -> dict[tuple[Any, ...], float]:
    columns = [col(getattr(ExternalForecast, name)) for name in (*IDENTITY, "value")]
    mine = (
        col(ExternalForecast.series_id).in_(set(rows["series_id"].tolist())),
        col(ExternalForecast.model_id).in_(set(rows["model_id"].tolist())),
    )
    found = session.execute(sa.select(*columns).where(*mine))
    return {(row[0], row[1], pd.Timestamp(row[2]), pd.Timestamp(row[3]), *row[4:-1]): row[-1] for row in found}


class ScoringPair(NamedTuple):
    """An external and a published forecast of the same level, to be scored, in the dataset's unit.

    Ours is of the run with the latest knowledge that was no later than the reference date; `statements` holds the
    output type, the probability and the value of each.
    """

    series_id: int
    model_id: str
    reference_date: date
    month: date
    months: int
    statements: list[list[Any]]
    run_id: int
    step: int
    our_point: float
    first_value: float | None
    latest_value: float


def due_pairs(session: Session, dataset_id: str) -> list[ScoringPair]:
    """Forecasts whose target was observed, revised, or forecast by another run since they were last scored."""
    return [ScoringPair(*row) for row in session.execute(_DUE, {"dataset": dataset_id})]


# Who speaks on the day a figure is known, or later, does not forecast it.
_DUE = sa.text("""
    WITH external AS (
        SELECT o.series_id, o.model_id, o.reference_date, o.month, o.months,
               jsonb_agg(jsonb_build_array(o.output_type, o.probability, o.value) ORDER BY o.probability) AS statements
        FROM external_forecast o JOIN series s ON s.id = o.series_id
        WHERE s.dataset_id = :dataset AND o.measure = 'level'
        GROUP BY o.series_id, o.model_id, o.reference_date, o.month, o.months
    )
    SELECT external.*, ours.run_id, ours.step, ours.median, ours.first_value, ours.latest_value
    FROM external
    JOIN LATERAL (
        SELECT k.run_id, k.step, k.median, CASE WHEN NOT k.backfilled THEN k.first_value END AS first_value,
               k.latest_value
        FROM tracking k JOIN run r ON r.id = k.run_id
        WHERE k.series_id = external.series_id AND k.month = external.month AND k.months = external.months
          AND r.as_of <= external.reference_date AND external.reference_date < k.first_vintage
        ORDER BY r.as_of DESC, r.finished_at DESC, r.id DESC LIMIT 1
    ) AS ours ON true
    LEFT JOIN external_forecast_score c
      ON c.measure = 'level' AND (c.series_id, c.model_id, c.reference_date, c.month, c.months)
       = (external.series_id, external.model_id, external.reference_date, external.month, external.months)
    WHERE (c.run_id, c.first_value, c.latest_value)
          IS DISTINCT FROM (ours.run_id, ours.first_value, ours.latest_value)
    ORDER BY external.series_id, external.model_id, external.reference_date, external.month, external.months
""")


def write_scores(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store scores, in the place of earlier ones of the same forecasts; the caller commits."""
    if not rows:
        return
    statement = insert(ExternalForecastScore)
    key = set(TARGET)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
    session.execute(statement.on_conflict_do_update(index_elements=sorted(key), set_=changed), list(rows))


class DerivedTarget(NamedTuple):
    """An external forecast of growth or of a balance, with its statements, and how it was scored last."""

    series_id: int
    model_id: str
    reference_date: date
    month: date
    months: int
    measure: str
    statements: list[list[Any]]
    run_id: int | None
    first_value: float | None
    latest_value: float | None


def derived_targets(session: Session, dataset_id: str) -> list[DerivedTarget]:
    """The external forecasts of growth and of balances of a dataset."""
    return [DerivedTarget(*row) for row in session.execute(_DERIVED, {"dataset": dataset_id})]


_DERIVED = sa.text("""
    WITH external AS (
        SELECT o.series_id, o.model_id, o.reference_date, o.month, o.months, o.measure,
               jsonb_agg(jsonb_build_array(o.output_type, o.probability, o.value) ORDER BY o.probability) AS statements
        FROM external_forecast o JOIN series s ON s.id = o.series_id
        WHERE s.dataset_id = :dataset AND o.measure <> 'level'
        GROUP BY o.series_id, o.model_id, o.reference_date, o.month, o.months, o.measure
    )
    SELECT external.*, c.run_id, c.first_value, c.latest_value
    FROM external
    LEFT JOIN external_forecast_score c USING (series_id, model_id, reference_date, month, months, measure)
    ORDER BY external.series_id, external.model_id, external.reference_date, external.month, external.measure
""")


class Comparison(NamedTuple):
    """An external forecast and, for an observed target, its scores beside the published ones.

    In the dataset's unit, or in per cent for growth; `backtest` as in ExternalForecastScore.
    """

    series_id: int
    model_id: str
    reference_date: date
    month: date
    months: int
    measure: str
    run_id: int | None
    step: int | None
    point: float | None
    our_point: float | None
    first_value: float | None
    latest_value: float | None
    quantiles: int | None
    first_wis: float | None
    our_first_wis: float | None
    latest_wis: float | None
    our_latest_wis: float | None
    backtest: bool | None


class ComparisonPage(NamedTuple):
    """Some comparisons by series, month, model and reference date, and how many there are in all."""

    rows: list[Comparison]
    total: int


def page(
    session: Session,
    series_ids: Sequence[int],
    *,
    balances: Sequence[int] = (),
    model: str | None = None,
    start: date | None = None,
    end: date | None = None,
    scored: bool | None = None,
    growth: bool | None = None,
    limit: int,
    offset: int = 0,
) -> ComparisonPage:
    """Forecasts from outside of some series and their growth, and of the balances kept with the exports in `balances`.

    Narrowed by who made them, by month, by whether they are scored, and to growth rates or to others.
    """
    given = {
        "series": list(series_ids),
        "balances": list(balances),
        "model": model,
        "start": start,
        "end": end,
        "scored": scored,
        "growth": growth,
    }
    total = session.execute(sa.text(f"SELECT count(*) {_FROM}"), given).scalar_one()
    rows = session.execute(_PAGE, given | {"limit": limit, "offset": offset})
    return ComparisonPage([Comparison(*row) for row in rows], total)


_FROM = """
    FROM (
        SELECT DISTINCT series_id, model_id, reference_date, month, months, measure
        FROM external_forecast
        WHERE measure = 'balance' AND series_id = ANY(:balances) OR measure <> 'balance' AND series_id = ANY(:series)
    ) AS external
    LEFT JOIN external_forecast_score c USING (series_id, model_id, reference_date, month, months, measure)
    WHERE (:model ::text IS NULL OR model_id = :model)
      AND (:start ::date IS NULL OR month >= :start) AND (:end ::date IS NULL OR month <= :end)
      AND (:scored ::bool IS NULL OR (c.run_id IS NOT NULL) = :scored)
      AND (:growth ::bool IS NULL OR (measure = 'pc1') = :growth)
"""
_PAGE = sa.text(f"""
    SELECT {", ".join(Comparison._fields)} {_FROM}
    ORDER BY measure <> 'level', measure, array_position(CAST(:series AS int[]), series_id), month, months, model_id,
             reference_date
    LIMIT :limit OFFSET :offset
""")


class ExternalPoint(NamedTuple):
    """An external point forecast of one month: a value or its growth."""

    model_id: str
    reference_date: date
    measure: str
    value: float


def points(session: Session, series_id: int, month: date, *, made_by: date) -> list[ExternalPoint]:
    """Medians and means of a month's value or growth, made by a day, oldest first; a median after a mean."""
    columns = [col(getattr(ExternalForecast, name)) for name in ExternalPoint._fields]
    query = sa.select(*columns).where(
        col(ExternalForecast.series_id) == series_id,
        col(ExternalForecast.month) == month,
        col(ExternalForecast.months) == 1,
        col(ExternalForecast.measure) != "balance",
        col(ExternalForecast.probability).in_((0.0, 0.5)),
        col(ExternalForecast.reference_date) <= made_by,
    )
    rows = session.execute(query.order_by(col(ExternalForecast.reference_date), col(ExternalForecast.probability)))
    return [ExternalPoint(*row) for row in rows]


class ModelRecord(NamedTuple):
    """How a model did on first prints beside ours, over the same `n` targets of a measure.

    In the dataset's unit, or in per cent for growth.

    The absolute errors, both, are over those `points` of them of which it gave a point; None where there is none.
    `better` is the share of the `n` on which its weighted interval score was below ours.
    """

    model_id: str
    measure: str
    n: int
    points: int
    mae: float | None
    our_mae: float | None
    wis: float
    our_wis: float | None
    better: float | None


def by_model(session: Session, series_ids: Sequence[int], *, balances: Sequence[int] = ()) -> list[ModelRecord]:
    """Mean scores of each model by measure, on some series and balances as in `page`, by model."""
    rows = session.execute(_BY_MODEL, {"series": list(series_ids), "balances": list(balances)})
    return [ModelRecord(*row) for row in rows]


_BY_MODEL = sa.text("""
    SELECT model_id, measure, count(*), count(point), avg(abs(first_value - point)),
           avg(abs(first_value - our_point)) FILTER (WHERE point IS NOT NULL),
           avg(first_wis), avg(our_first_wis), avg((first_wis < our_first_wis)::int::float8)
    FROM external_forecast_score
    WHERE first_value IS NOT NULL AND (
        measure = 'balance' AND series_id = ANY(:balances) OR measure <> 'balance' AND series_id = ANY(:series)
    )
    GROUP BY model_id, measure ORDER BY model_id, measure
""")
