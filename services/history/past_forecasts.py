"""Forecasts of a series as they were made at earlier cutoffs, by runs of that time and by folds of the backtest."""

from collections.abc import Iterator
from typing import NamedTuple

from forecasting.analysis.periods import periods_ahead
from services.backtests.series_folds import read_series_folds
from services.forecasts.period_summary import period_rows
from services.runs.published_run import PublishedRun, earlier_runs, month_of
from store.models import ResolvedSeries

LEVEL = 80.0
STEPS, RUNS, FOLDS = 12, 24, 60
"""Months ahead that are shown, and the numbers of runs and of folds that are read."""


class PastForecast(NamedTuple):
    """A month of a forecast from the cutoff `made` (a month number), by a run, or by a fold where `run_id` is None."""

    made: int
    run_id: int | None
    month: int
    mean: float
    lo: float | None
    hi: float | None


def past_forecasts(published: PublishedRun, series: ResolvedSeries) -> list[PastForecast]:
    """Monthly forecasts up to a year ahead, the oldest cutoff first; of a cutoff with a run, those of the run."""
    by_cutoff = {
        rows[0].made: rows for rows in (*forecasts_of_folds(published, series), *_of_runs(published, series)) if rows
    }
    return [row for made in sorted(by_cutoff) for row in by_cutoff[made]]


def forecasts_of_folds(
    published: PublishedRun, series: ResolvedSeries, *, limit: int = FOLDS
) -> Iterator[list[PastForecast]]:
    """Monthly forecasts of the newest folds, up to a year ahead, the newest cutoff first."""
    page = read_series_folds(
        published.session,
        published.run,
        series,
        kind="month",
        levels=[LEVEL],
        kept=published.probabilities,
        limit=limit,
    )
    for fold in page.rows:
        made = month_of(fold.cutoff)
        yield [
            PastForecast(made, None, period.span.last, period.mean, *period.bounds[0])
            for period in fold.periods[:STEPS]
            if period.mean is not None
        ]


def _of_runs(published: PublishedRun, series: ResolvedSeries) -> Iterator[list[PastForecast]]:
    for run in earlier_runs(published.session, published.run, limit=RUNS):
        if run.thinned_at is not None:
            continue
        earlier = published.at(run)
        (paths,) = earlier.read_paths([series], years=1)
        spans = periods_ahead(earlier.last, min(STEPS, run.horizon), "M")
        yield [
            PastForecast(earlier.last, run.id, row["last"], row["median"], row["lo_80"], row["hi_80"])
            for row in period_rows(paths, spans, "lin", [LEVEL])
        ]
