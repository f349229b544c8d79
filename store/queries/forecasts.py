"""Forecasts of a run: written once by COPY, read by series.

Every series of a run has the same months, cutoff + 1 to cutoff + horizon, and the same draws.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import repeat
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import ArrayLike, NDArray
from sqlmodel import Session, col

from store import grids
from store.binary_copy import copy_arrays
from store.database import binary_cursor
from store.models import (
    Dataset,
    Forecast,
    ForecastPath,
    ForecastQuantile,
    ForecastStatus,
    ForecastWeight,
    Observation,
    Partner,
    Run,
    Sector,
    Series,
)
from store.queries import catalog, retention, run_indicators
from store.queries.run_indicators import UsedIndicator

FloatArray = NDArray[np.float64]
Paths = NDArray[np.float32]
SERIES_AT_ONCE = 100
"""How many series' paths are encoded before they are sent."""


def write(
    session: Session,
    run_id: int,
    *,
    series_ids: ArrayLike,
    months: ArrayLike,
    mean: FloatArray,
    median: FloatArray,
    probabilities: Sequence[float],
    quantiles: FloatArray,
    paths: Paths,
    weights: Mapping[str, FloatArray],
) -> int:
    """Store a run's forecasts in the dataset's unit; gives how many months of series were written.

    Shapes: `series_ids` (S,), `months` (H,) datetime64, `mean` and `median` (S, H), `quantiles` (S, P, H) in
    the order of `probabilities` (P,), `paths` (S, N, H), each of `weights` (S,).
    """
    ids, when = np.asarray(series_ids), np.asarray(months).astype("datetime64[M]")
    count, horizon = len(ids), len(when)
    grid: dict[str, ArrayLike] = {
        "run_id": run_id,
        "series_id": np.repeat(ids, horizon),
        "month": np.tile(when, count),
        "step": np.tile(np.arange(1, horizon + 1), count),
    }
    written = copy_arrays(session, Forecast, {**grid, "mean": mean.ravel(), "median": median.ravel()})
    own: dict[str, ArrayLike] = {"probabilities": np.tile(probabilities, (count, 1)), "values": quantiles}
    copy_arrays(session, ForecastQuantile, {"run_id": run_id, "series_id": ids, **own})
    _write_paths(session, run_id, ids, paths)
    for forecaster, weight in weights.items():
        row: dict[str, ArrayLike] = {"series_id": ids, "forecaster": forecaster, "weight": weight}
        copy_arrays(session, ForecastWeight, {"run_id": run_id, **row})
    return written


def _write_paths(session: Session, run_id: int, ids: NDArray[Any], paths: Paths) -> None:
    count, draws, steps = paths.shape
    for start in range(0, count, SERIES_AT_ONCE):
        some = slice(start, start + SERIES_AT_ONCE)
        by_step = np.swapaxes(paths[some], 1, 2)
        row: dict[str, ArrayLike] = {
            "run_id": run_id,
            "series_id": ids[some],
            "draws": draws,
            "steps": steps,
            "values": grids.encode(by_step).reshape(len(by_step), -1),
        }
        copy_arrays(session, ForecastPath, row)


class CoveredSeries(NamedTuple):
    """A series that a run forecasts."""

    id: int
    flow: str
    partner: str
    sector: str


class Coverage(NamedTuple):
    """Contents of a run, which never change once it is published.

    `series` are in the order of flow, partner, sector; `partners` and `sectors` are names by code, groups among
    them; `members` are the partners of each group; `probabilities` are those of the stored quantiles;
    `backfilled` says whether an observation it may have seen is a revised value in place of a first print;
    `indicators` are those it knew months of beyond its cutoff; `statuses` are those of series that ended or whose last
    value is unusual, by series number.
    """

    dataset: str
    unit: str
    series: tuple[CoveredSeries, ...]
    partners: Mapping[str, str]
    sectors: dict[str, str]
    members: Mapping[str, tuple[str, ...]]
    probabilities: tuple[float, ...]
    backfilled: bool
    indicators: tuple[UsedIndicator, ...] = ()
    statuses: Mapping[int, str] = MappingProxyType({})


def coverage(session: Session, run_id: int) -> Coverage:
    """Contents of a run: its series, with names of partners and sectors, and its stored probabilities."""
    # A thinned run has no paths, only its monthly forecasts.
    paths = sa.select(col(ForecastPath.series_id)).where(col(ForecastPath.run_id) == run_id)
    months = sa.select(col(Forecast.series_id)).where(col(Forecast.run_id) == run_id, col(Forecast.step) == 1)
    covered = months if retention.thinned_on(session, run_id) else paths
    rows = session.execute(
        sa.select(*(col(getattr(Series, name)) for name in CoveredSeries._fields))
        .add_columns(col(Partner.name), col(Sector.name))
        .join(Partner, col(Partner.code) == col(Series.partner))
        .join(Sector, col(Sector.code) == col(Series.sector))
        .where(col(Series.id).in_(covered))
    ).all()
    series = sorted((CoveredSeries(*row[:4]) for row in rows), key=lambda entry: entry[1:])
    dataset_id, reporter, unit, as_of = session.execute(
        sa.select(col(Dataset.id), col(Dataset.reporter), col(Dataset.unit), col(Run.as_of))
        .join(Run, col(Run.dataset_id) == col(Dataset.id))
        .where(col(Run.id) == run_id)
    ).one()
    # Groups of the partners that the run covers: later partners belong to none of them.
    groups = catalog.groups_among(session, {entry.partner for entry in series}, reporter=reporter)
    return Coverage(
        dataset=dataset_id,
        unit=unit,
        series=tuple(series),
        partners={row[2]: row[4] for row in rows} | {group.code: group.label for group in groups},
        sectors={row[3]: row[5] for row in rows},
        members={group.code: group.members for group in groups},
        probabilities=_probabilities(session, run_id, series[0].id) if series else (),
        backfilled=_is_backfilled(session, dataset_id, as_of),
        indicators=tuple(used for used in run_indicators.used(session, run_id) if used.leads),
        statuses=statuses(session, run_id),
    )


def _probabilities(session: Session, run_id: int, series_id: int) -> tuple[float, ...]:
    stored = sa.select(col(ForecastQuantile.probabilities)).where(
        col(ForecastQuantile.run_id) == run_id, col(ForecastQuantile.series_id) == series_id
    )
    return tuple(session.scalar(stored) or ())


def statuses(session: Session, run_id: int) -> dict[int, str]:
    """The statuses of the series of a run that have one, by series number."""
    found = session.execute(
        sa.select(col(ForecastStatus.series_id), col(ForecastStatus.status)).where(col(ForecastStatus.run_id) == run_id)
    )
    return dict(found.all())


def _is_backfilled(session: Session, dataset_id: str, as_of: date) -> bool:
    backfilled = (
        sa.select(col(Observation.series_id))
        .join(Series, col(Series.id) == col(Observation.series_id))
        .where(
            col(Series.dataset_id) == dataset_id,
            col(Observation.backfilled),
            col(Observation.vintage) <= as_of,
        )
    )
    return bool(session.execute(sa.select(backfilled.exists())).scalar_one())


class MonthForecast(NamedTuple):
    """A month of a series: mean, median, and the quantiles of the probabilities asked for, in their order."""

    series_id: int
    step: int
    mean: float
    median: float
    quantiles: Sequence[float]


def months(
    session: Session, run_id: int, series_ids: Sequence[int], *, horizon: int, probabilities: Sequence[float]
) -> Iterator[MonthForecast]:
    """Stored forecasts of some series up to `horizon` months ahead, by series and step.

    `probabilities` must be among those stored, ascending.
    """
    parameters = {"run": run_id, "series": list(series_ids), "horizon": horizon}
    with binary_cursor(session) as cursor:
        found = cursor.execute(_MONTHS if probabilities else _MEANS, parameters).fetchall()
    for series_id, means, medians, stored, values in found:
        rows = [values[stored.index(probability)] for probability in probabilities]
        # As many months as there are means: the quantiles are stored for the whole horizon of the run.
        by_month = zip(*rows, strict=True) if rows else repeat(())
        for step, (mean, median, quantiles) in enumerate(zip(means, medians, by_month, strict=False), start=1):
            yield MonthForecast(series_id, step, mean, median, quantiles)


# One row a series: the months as arrays, and all of its quantiles.
_MONTHS = """
    SELECT q.series_id, f.means, f.medians, q.probabilities, q.values
    FROM forecast_quantile q CROSS JOIN LATERAL (
        SELECT array_agg(mean) AS means, array_agg(median) AS medians FROM (
            SELECT mean, median FROM forecast
            WHERE run_id = q.run_id AND series_id = q.series_id AND step <= %(horizon)s ORDER BY step
        ) AS ordered
    ) AS f
    WHERE q.run_id = %(run)s AND q.series_id = ANY(%(series)s) ORDER BY q.series_id
"""
# The same without quantiles.
_MEANS = """
    SELECT series_id, array_agg(mean ORDER BY step), array_agg(median ORDER BY step), NULL, NULL FROM forecast
    WHERE run_id = %(run)s AND series_id = ANY(%(series)s) AND step <= %(horizon)s GROUP BY series_id ORDER BY series_id
"""


_PATHS = "SELECT series_id, draws, steps, values FROM forecast_path WHERE run_id = %s AND series_id = ANY(%s)"


def paths(session: Session, run_id: int, series_ids: Sequence[int]) -> Paths:
    """Joint draws of some series in the order asked for, shape (S, draws, steps), in the dataset's unit.

    A draw differs from the one written by at most 1/65,534 of the range of its series and month (`store/grids.py`).

    Raises RunThinned, and KeyError for a series that the run does not cover.
    """
    with binary_cursor(session) as cursor:
        cursor.execute(_PATHS, (run_id, list(series_ids)))
        found = {row[0]: row[1:] for row in cursor}
    if not found:
        retention.refuse_thinned(session, run_id)
    draws, steps = next(iter(found.values()))[:2] if found else (0, 0)
    joint = np.empty((len(series_ids), draws, steps), dtype=np.float32)
    for position, series_id in enumerate(series_ids):
        joint[position] = grids.decode(found[series_id][2], draws).T
    return joint


def weights(session: Session, run_id: int, series_ids: Sequence[int]) -> dict[int, dict[str, float]]:
    """Each forecaster's share in the combination of some series."""
    rows = session.execute(
        sa.select(col(ForecastWeight.series_id), col(ForecastWeight.forecaster), col(ForecastWeight.weight))
        .where(col(ForecastWeight.run_id) == run_id, col(ForecastWeight.series_id).in_(series_ids))
        .order_by(col(ForecastWeight.series_id), col(ForecastWeight.forecaster))
    )
    shares: dict[int, dict[str, float]] = {}
    for series_id, forecaster, weight in rows:
        shares.setdefault(series_id, {})[forecaster] = weight
    return shares


def write_statuses(session: Session, run_id: int, statuses: Mapping[int, str]) -> None:
    """Store the statuses of a run, by series number."""
    session.add_all(
        ForecastStatus(run_id=run_id, series_id=series_id, status=status) for series_id, status in statuses.items()
    )
    session.flush()
