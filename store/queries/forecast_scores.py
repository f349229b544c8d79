"""Scores of published forecasts: due ones, stored ones, and series that drift."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from store.models import Tracking
from store.queries import score_arrays
from store.queries.score_arrays import Entry

WINDOW = 12
"""How many of a series' latest targets a rolling error and coverage are taken over."""
LEAST = 4
"""Minimum number of targets for drift."""
DRIFT = 2.0
"""A series drifts when its rolling error exceeds this multiple of the backtest's."""


class DueForecast(NamedTuple):
    """A published forecast whose target was observed or revised since it was last scored, in the dataset's unit.

    `months` is 2 for January and February in one figure: `mean` is then the sum of both, `median` and `quantiles` are
    None, for they must be taken from joint paths. `quantiles` follow the probabilities asked for.
    """

    run_id: int
    series_id: int
    month: date
    months: int
    step: int
    mean: float
    median: float | None
    quantiles: list[float] | None
    first_value: float
    first_vintage: date
    backfilled: bool
    latest_value: float
    latest_vintage: date
    backtest_mae: float | None
    backtest_coverage: float | None


def runs_to_score(session: Session, dataset_id: str) -> list[int]:
    """Published runs of a dataset with a month ahead that has come by now, oldest first."""
    return list(session.execute(_RUNS, {"dataset": dataset_id}).scalars())


_RUNS = sa.text("""
    SELECT id FROM run
    WHERE dataset_id = :dataset AND status = 'published' AND cutoff < (
        SELECT max(o.month) FROM observation o JOIN series s ON s.id = o.series_id WHERE s.dataset_id = :dataset
    )
    ORDER BY as_of, id
""")


def due_forecasts(
    session: Session, run_id: int, *, forecaster: str, probabilities: Sequence[float]
) -> list[DueForecast]:
    """Due forecasts of a run, by series and month; `forecaster` has the backtest scores for comparison."""
    rows = session.execute(_DUE, {"run": run_id, "probabilities": list(probabilities)}).all()
    promises = _Promises(session, run_id, sorted({row.series_id for row in rows}), forecaster)
    return [DueForecast._make((*row, *promises.of(row.series_id, row.months, row.step))) for row in rows]


class _Promises:
    """Mean absolute error and coverage of level 80 that the backtest had for a forecaster."""

    def __init__(self, session: Session, run_id: int, series_ids: Sequence[int], forecaster: str) -> None:
        kinds, metrics = ("month", "jan_feb"), (("mae", 0.0), ("coverage", 80.0))
        self._entries = {
            (kind, metric): Entry(forecaster, kind, metric, level) for kind in kinds for metric, level in metrics
        }
        wanted = set(self._entries.values())
        self._found = score_arrays.read(session, run_id, series_ids, wanted.__contains__)
        self._rows = {number: row for row, number in enumerate(self._found.series_ids)}
        self._places = {entry: place for place, entry in enumerate(self._found.entries)}

    def of(self, series_id: int, months: int, step: int) -> tuple[float | None, float | None]:
        """Both at a step, or over all steps where nothing was scored at it."""
        kind = "month" if months == 1 else "jan_feb"
        for at in (step, 0):
            mae, coverage = (self._value(series_id, self._entries[kind, metric], at) for metric in ("mae", "coverage"))
            if mae is not None or coverage is not None:
                return mae, coverage
        return None, None

    def _value(self, series_id: int, entry: Entry, step: int) -> float | None:
        row, place = self._rows.get(series_id), self._places.get(entry)
        if row is None or place is None or step >= self._found.n.shape[2] or not self._found.n[row, place, step]:
            return None
        return float(self._found.value[row, place, step])


# A figure imputed by its publisher is no outcome. Months published apart after their sum are its latest value. Of
# January with February few folds end at a given step: where none does, all steps together are the promise.
_DUE = sa.text("""
    WITH figure AS (
        SELECT o.series_id, o.month, o.months, o.vintage, o.value, o.backfilled, f.step
        FROM forecast f
        JOIN observation o ON o.series_id = f.series_id AND o.month = f.month
        WHERE f.run_id = :run AND f.step >= o.months AND o.status <> 'I'
    ), first AS (
        SELECT DISTINCT ON (series_id, month, months) * FROM figure ORDER BY series_id, month, months, vintage
    ), latest AS (
        SELECT DISTINCT ON (series_id, month, months) * FROM figure ORDER BY series_id, month, months, vintage DESC
    ), target AS (
        SELECT first.*, coalesce(apart.value, latest.value) AS latest_value,
               coalesce(apart.vintage, latest.vintage) AS latest_vintage
        FROM first
        JOIN latest USING (series_id, month, months)
        LEFT JOIN LATERAL (
            SELECT sum(alone.value) AS value, max(alone.vintage) AS vintage
            FROM latest alone
            WHERE first.months = 2 AND alone.months = 1 AND alone.series_id = first.series_id
              AND alone.month BETWEEN first.month - interval '1 month' AND first.month
              AND alone.vintage > latest.vintage
            HAVING count(*) = 2
        ) AS apart ON true
    )
    SELECT :run, t.series_id, t.month, t.months, t.step, published.mean, published.median, published.quantiles,
           t.value, t.vintage, t.backfilled, t.latest_value, t.latest_vintage
    FROM target t
    JOIN LATERAL (
        SELECT sum(f.mean) AS mean, CASE WHEN t.months = 1 THEN max(f.median) END AS median,
               CASE WHEN t.months = 1 THEN (
                   SELECT array_agg(q.values[array_position(q.probabilities, p)][t.step] ORDER BY p)
                   FROM forecast_quantile q CROSS JOIN unnest(CAST(:probabilities AS float8[])) AS p
                   WHERE q.run_id = :run AND q.series_id = t.series_id AND p = ANY (q.probabilities)
               ) END AS quantiles
        FROM forecast f
        WHERE f.run_id = :run AND f.series_id = t.series_id AND f.step BETWEEN t.step - t.months + 1 AND t.step
    ) AS published ON true
    LEFT JOIN tracking k ON (k.run_id, k.series_id, k.month, k.months) = (:run, t.series_id, t.month, t.months)
    WHERE (k.first_value, k.first_vintage, k.latest_value, k.latest_vintage)
          IS DISTINCT FROM (t.value, t.vintage, t.latest_value, t.latest_vintage)
    ORDER BY t.series_id, t.month, t.months
""")


def write(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store scored forecasts, replacing earlier scores; the caller commits."""
    if not rows:
        return
    statement = insert(Tracking)
    key = {"run_id", "series_id", "month", "months"}
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
    session.execute(statement.on_conflict_do_update(index_elements=sorted(key), set_=changed), list(rows))


class ForecastScoreRecord(NamedTuple):
    """A scored forecast, in the dataset's unit, with rolling scores of similar forecasts.

    `live` is true if the run was published before the observation. Rolling scores cover the last WINDOW targets
    of the same series and step, live or not as this one is; None where a newer run forecast the same target
    at the same step, where the backtest has no score, and for a month first published within a sum: the
    sum counts.
    """

    series_id: int
    run_id: int
    as_of: date
    cutoff: date
    month: date
    months: int
    step: int
    mean: float
    median: float
    first_value: float
    first_vintage: date
    latest_value: float
    latest_vintage: date
    backfilled: bool
    first_level: float | None
    latest_level: float | None
    first_wis: float
    latest_wis: float
    backtest_mae: float | None
    backtest_coverage: float | None
    live: bool
    rolling_n: int | None
    rolling_mae: float | None
    rolling_backtest_mae: float | None
    rolling_coverage: float | None
    rolling_backtest_coverage: float | None
    drifts: bool | None


class ForecastScorePage(NamedTuple):
    """Some scored forecasts by series, month and step, the oldest run first, and how many there are in all."""

    rows: list[ForecastScoreRecord]
    total: int


def page(
    session: Session,
    series_ids: Sequence[int],
    *,
    run_id: int | None = None,
    step: int | None = None,
    start: date | None = None,
    end: date | None = None,
    live: bool | None = None,
    drifts: bool | None = None,
    limit: int,
    offset: int = 0,
) -> ForecastScorePage:
    """Scored forecasts of some series, narrowed by run, step, month, liveness or drift where given."""
    given: dict[str, Any] = {"series": list(series_ids), "run": run_id, "step": step, "start": start, "end": end}
    given |= {"live": live, "drifts": drifts, "limit": limit, "offset": offset, **_TERMS}
    rows = session.execute(_PAGE, given).all()
    if not rows and offset:
        total = session.execute(_PAGE, given | {"limit": 1, "offset": 0}).all()
        return ForecastScorePage([], total[0][-1] if total else 0)
    return ForecastScorePage([ForecastScoreRecord(*row[:-1]) for row in rows], rows[0][-1] if rows else 0)


_TERMS = {"before": WINDOW - 1, "least": LEAST, "drift": DRIFT}
# A target may be forecast at one step by several runs: the one with the latest knowledge stands for the step.
_TRACKED = """
    WITH tracked AS (
        SELECT k.*, r.as_of, r.cutoff, r.finished_at,
               (r.finished_at AT TIME ZONE 'UTC')::date < k.first_vintage AS live,
               k.months = 1 AND EXISTS (
                   SELECT FROM tracking s
                   WHERE s.run_id = k.run_id AND s.series_id = k.series_id AND s.months = 2
                     AND s.month IN (k.month, k.month + interval '1 month') AND s.first_vintage <= k.first_vintage
               ) AS is_part_of_sum
        FROM tracking k JOIN run r ON r.id = k.run_id
        WHERE k.series_id = ANY(:series)
    )
"""
_ROLLING = """
    count(*) OVER recent AS n, avg(abs(mean - first_value)) OVER recent AS mae,
    avg(backtest_mae) OVER recent AS mean_backtest_mae,
    avg((first_level <= 80 IS TRUE)::int::float8) OVER recent AS coverage,
    avg(backtest_coverage) OVER recent AS mean_backtest_coverage
"""
_DRIFTS = "n >= :least AND mae > :drift * mean_backtest_mae"
_PAGE = sa.text(f"""{_TRACKED}, ranked AS (
        SELECT *, is_part_of_sum OR backtest_mae IS NULL OR row_number() OVER (
            PARTITION BY series_id, step, month, months, live, backtest_mae IS NULL
            ORDER BY as_of DESC, finished_at DESC, run_id DESC
        ) > 1 AS passed_over
        FROM tracked
    ), rolled AS (
        SELECT *, {_ROLLING} FROM ranked
        WINDOW recent AS (
            PARTITION BY series_id, step, live, passed_over ORDER BY first_vintage, month, run_id
            ROWS BETWEEN :before PRECEDING AND CURRENT ROW
        )
    ), listed AS (
        SELECT {", ".join(ForecastScoreRecord._fields[:21])},
               CASE WHEN NOT passed_over THEN n END AS n,
               CASE WHEN NOT passed_over THEN mae END AS mae,
               CASE WHEN NOT passed_over THEN mean_backtest_mae END AS mean_backtest_mae,
               CASE WHEN NOT passed_over THEN coverage END AS coverage,
               CASE WHEN NOT passed_over THEN mean_backtest_coverage END AS mean_backtest_coverage,
               CASE WHEN NOT passed_over THEN {_DRIFTS} END AS drifts
        FROM rolled
    )
    SELECT *, count(*) OVER () FROM listed
    WHERE (:run ::int IS NULL OR run_id = :run) AND (:step ::int IS NULL OR step = :step)
      AND (:start ::date IS NULL OR month >= :start) AND (:end ::date IS NULL OR month <= :end)
      AND (:live ::bool IS NULL OR live = :live) AND (:drifts ::bool IS NULL OR coalesce(drifts, false) = :drifts)
    ORDER BY array_position(CAST(:series AS int[]), series_id), month, months, step, as_of, run_id
    LIMIT :limit OFFSET :offset
""")


class SeriesRecord(NamedTuple):
    """Rolling scores of a series: for each target the newest live forecast before the observation.

    Over the last WINDOW targets: how many, the last of them, the mean absolute error and the share inside level 80,
    each beside the backtest value, and whether the series drifts.
    """

    series_id: int
    month: date
    n: int
    mae: float
    backtest_mae: float
    coverage: float
    backtest_coverage: float | None
    drifts: bool


def series_records(session: Session, series_ids: Sequence[int]) -> list[SeriesRecord]:
    """The record of each of some series that has one, in the order given."""
    rows = session.execute(_SERIES, {"series": list(series_ids), **_TERMS})
    return [SeriesRecord(*row) for row in rows]


_SERIES = sa.text(f"""{_TRACKED}, standing AS (
        SELECT DISTINCT ON (series_id, month, months) * FROM tracked
        WHERE live AND NOT is_part_of_sum AND backtest_mae IS NOT NULL
        ORDER BY series_id, month, months, as_of DESC, finished_at DESC, run_id DESC
    ), rolled AS (
        SELECT *, {_ROLLING}, row_number() OVER (
            PARTITION BY series_id ORDER BY first_vintage DESC, month DESC
        ) AS back
        FROM standing
        WINDOW recent AS (
            PARTITION BY series_id ORDER BY first_vintage, month ROWS BETWEEN :before PRECEDING AND CURRENT ROW
        )
    )
    SELECT series_id, month, n, mae, mean_backtest_mae, coverage, mean_backtest_coverage,
           {_DRIFTS}
    FROM rolled WHERE back = 1
    ORDER BY array_position(CAST(:series AS int[]), series_id)
""")
