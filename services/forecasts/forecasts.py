"""Forecasts of any series in any units and over any periods.

Monthly levels of stored series are read from stored rows. Everything else is computed from the run's joint paths and
the months observed so far.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, groupby
from operator import attrgetter
from typing import NamedTuple

from sqlmodel import Session

from forecasting.analysis.period_draws import (
    PeriodDraws,
    ProbabilityEstimate,
    months_needed,
    probability,
    summarise,
)
from forecasting.analysis.periods import Period, parse_period, periods_ahead
from forecasting.config import interval_probabilities
from forecasting.data.months import month_text
from services.errors import NoWhole, PeriodBeyondRun, PeriodObserved
from services.queries.forecasts import IntervalOptions, ProbabilityQuery, RunForecastQuery, UnitOptions, Whole
from services.runs.run_selection import SelectedSeries
from services.series.series_catalog import SeriesCatalog
from services.series.series_paths import ReadPaths, computed_from, cutoff_number, draws_of, read_series_paths
from store.errors import UnknownSeries
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries import forecasts
from store.queries.runs import PublishedRunRecord

BATCH_PARTS = 64
"""Number of series whose paths, of about 100 kB each, are in memory at once."""
BATCH_ROWS = 200
"""Number of series whose stored rows are in memory at once."""


class StepForecast(NamedTuple):
    """The forecast of a month, or of the `span` that ends at the step: mean, median, (lo, hi) by level, and quantiles.

    All values are None where there is no answer; `reason` says why.
    """

    step: int
    mean: float | None
    median: float | None
    bounds: Sequence[tuple[float | None, float | None]]
    quantiles: Sequence[float | None] = ()
    span: Period | None = None
    reason: str | None = None


SeriesForecast = tuple[ResolvedSeries, list[StepForecast]]
"""A series and its forecasts by step."""


def read_forecasts(
    session: Session,
    run: PublishedRunRecord,
    series: SelectedSeries,
    query: RunForecastQuery,
    horizon: int,
    *,
    judged: ReadPaths | None = None,
) -> Iterator[SeriesForecast]:
    """Forecasts of a page of series, in its order; from `judged` paths where they are given.

    Raises NoWhole, PeriodObserved, PeriodBeyondRun.
    """
    if judged is not None:
        spans = period_spans(run, query, horizon)
        return answer_series(session, run, series.catalog, series.page, spans, query, judged=judged)
    if not query.plain:
        return answer_series(session, run, series.catalog, series.page, period_spans(run, query, horizon), query)
    wanted = {*chain.from_iterable(map(interval_probabilities, query.level)), *query.quantile}
    if wanted <= set(series.coverage.probabilities) and not any(resolved.derived for resolved in series.page):
        return _stored_forecasts(session, run, series.page, query, horizon)
    return _monthly_forecasts(session, run, series, query, horizon)


def statuses_of(statuses: Mapping[int, str], series: Sequence[ResolvedSeries]) -> dict[str, str]:
    """The statuses of stored series, from those of a run by series number, by unique_id."""
    stored = {resolved.parts[0].series_id: resolved.unique_id for resolved in series if not resolved.derived}
    return {stored[number]: status for number, status in statuses.items() if number in stored}


def period_spans(run: PublishedRunRecord, query: RunForecastQuery, horizon: int) -> list[Period]:
    """The requested period, or every period of a frequency. Raises PeriodObserved, PeriodBeyondRun."""
    if query.period is not None:
        return [open_period(parse_period(query.period), run)]
    return periods_ahead(cutoff_number(run), horizon, query.frequency)


def answer_series(
    session: Session,
    run: PublishedRunRecord,
    catalog: SeriesCatalog,
    selected: Sequence[ResolvedSeries],
    spans: Sequence[Period],
    options: UnitOptions,
    *,
    judged: ReadPaths | None = None,
) -> Iterator[SeriesForecast]:
    """Forecasts of each series over spans, in the order given, computed in batches of series. Raises NoWhole."""
    # Checked before the first row is written: a streamed CSV cannot turn into an error half-way.
    wholes = {resolved.unique_id: whole_of(catalog, resolved, options.whole) for resolved in selected}
    if not spans:
        return ((resolved, []) for resolved in selected)
    return _series_forecasts(session, run, selected, spans, options, wholes, judged)


def _series_forecasts(
    session: Session,
    run: PublishedRunRecord,
    selected: Sequence[ResolvedSeries],
    spans: Sequence[Period],
    options: UnitOptions,
    wholes: Mapping[str, ResolvedSeries | None],
    judged: ReadPaths | None,
) -> Iterator[SeriesForecast]:
    for batch in batches(selected, BATCH_PARTS):
        for resolved, drawn in draw_batch(session, run, batch, spans, options, wholes, judged=judged):
            yield resolved, summaries(drawn, spans, options, cutoff_number(run))


def _monthly_forecasts(
    session: Session, run: PublishedRunRecord, series: SelectedSeries, query: RunForecastQuery, horizon: int
) -> Iterator[SeriesForecast]:
    """Monthly levels from joint paths; a stored series keeps its published mean and median."""
    spans = periods_ahead(cutoff_number(run), horizon, "M")
    for batch in batches(series.page, BATCH_PARTS):
        published = _published_months(session, run, batch, horizon)
        for resolved, rows in answer_series(session, run, series.catalog, batch, spans, query):
            yield resolved, rows if resolved.derived else _as_published(rows, published[resolved.parts[0].series_id])


def _published_months(
    session: Session, run: PublishedRunRecord, batch: Sequence[ResolvedSeries], horizon: int
) -> dict[int, list[forecasts.MonthForecast]]:
    """The published months of the stored series among a batch, by series number."""
    stored = [resolved for resolved in batch if not resolved.derived]
    rows = _stored_rows(session, run, stored, horizon, ()) if stored else ()
    return {series_id: list(months) for series_id, months in groupby(rows, key=attrgetter("series_id"))}


def _as_published(rows: Sequence[StepForecast], published: Sequence[forecasts.MonthForecast]) -> list[StepForecast]:
    """Rows with the published mean and median of their months."""
    return [row._replace(mean=month.mean, median=month.median) for row, month in zip(rows, published, strict=True)]


def _stored_forecasts(
    session: Session, run: PublishedRunRecord, page: Sequence[ResolvedSeries], query: RunForecastQuery, horizon: int
) -> Iterator[SeriesForecast]:
    """Monthly levels of stored series at stored levels."""
    bounds = [interval_probabilities(level) for level in query.level]
    probabilities = sorted({*chain.from_iterable(bounds), *query.quantile})
    places = [(probabilities.index(lo), probabilities.index(hi)) for lo, hi in bounds]
    others = [probabilities.index(probability) for probability in query.quantile]
    for batch in batches(page, BATCH_ROWS):
        found: dict[int, list[StepForecast]] = {resolved.parts[0].series_id: [] for resolved in batch}
        for series_id, step, mean, median, values in _stored_rows(session, run, batch, horizon, probabilities):
            pairs = [(values[lo], values[hi]) for lo, hi in places]
            found[series_id].append(StepForecast(step, mean, median, pairs, [values[place] for place in others]))
        for resolved in batch:
            yield resolved, found[resolved.parts[0].series_id]


def _stored_rows(
    session: Session,
    run: PublishedRunRecord,
    batch: Sequence[ResolvedSeries],
    horizon: int,
    probabilities: Sequence[float],
) -> Iterator[forecasts.MonthForecast]:
    ids = [resolved.parts[0].series_id for resolved in batch]
    return forecasts.months(session, run.id, ids, horizon=horizon, probabilities=probabilities)


def batches(selected: Sequence[ResolvedSeries], size: int) -> Iterator[list[ResolvedSeries]]:
    """Batches of series with at most `size` parts together; a series of more parts is a batch of its own."""
    batch: list[ResolvedSeries] = []
    parts = 0
    for resolved in selected:
        if batch and parts + len(resolved.parts) > size:
            yield batch
            batch, parts = [], 0
        batch.append(resolved)
        parts += len(resolved.parts)
    if batch:
        yield batch


class DrawnSeries(NamedTuple):
    """A series and its draws over spans."""

    series: ResolvedSeries
    drawn: PeriodDraws


def draw_batch(
    session: Session,
    run: PublishedRunRecord,
    batch: Sequence[ResolvedSeries],
    spans: Sequence[Period],
    options: UnitOptions,
    wholes: Mapping[str, ResolvedSeries | None],
    *,
    judged: ReadPaths | None = None,
) -> Iterator[DrawnSeries]:
    """Draws of every series of a batch; `wholes` are the totals of their shares, by unique_id."""
    totals = [whole for resolved in batch if (whole := wholes[resolved.unique_id]) is not None]
    read = judged or partial(read_series_paths, session, run)
    paths = read(computed_from([*batch, *totals]), months_needed(spans, options.units))
    for resolved in batch:
        yield DrawnSeries(resolved, draws_of(options.units, resolved, paths, spans, wholes[resolved.unique_id]))


class EstimatedProbability(NamedTuple):
    """A series, its forecast of a period, and the probability of the event; None where there is no answer."""

    series: ResolvedSeries
    row: StepForecast
    probability: ProbabilityEstimate | None


def estimate_probability(
    session: Session, run: PublishedRunRecord, catalog: SeriesCatalog, query: ProbabilityQuery
) -> EstimatedProbability:
    """The probability of an event. Raises UnknownSeries, NotOneSeries, PeriodObserved, PeriodBeyondRun, NoWhole."""
    resolved = catalog.single(query.flow, query.partner, query.sector, query.measure)
    span = open_period(query.span, run)
    wholes = {resolved.unique_id: whole_of(catalog, resolved, query.whole)}
    ((_, drawn),) = draw_batch(session, run, [resolved], [span], query, wholes)
    (row,) = summaries(drawn, [span], query, cutoff_number(run))
    if row.reason:
        return EstimatedProbability(resolved, row, None)
    return EstimatedProbability(resolved, row, probability(drawn.values[:, 0], above=query.above, below=query.below))


def open_period(period: Period, run: PublishedRunRecord) -> Period:
    """The period, if it ends after the cutoff and within the horizon. Raises PeriodObserved, PeriodBeyondRun."""
    cutoff = cutoff_number(run)
    if period.last <= cutoff:
        raise PeriodObserved(period.label, month_text(cutoff), run.id)
    if period.last > cutoff + run.horizon:
        raise PeriodBeyondRun(period.label, month_text(cutoff + run.horizon), run.id)
    return period


def whole_of(catalog: SeriesCatalog, series: ResolvedSeries, of: Whole | None) -> ResolvedSeries | None:
    """The denominator of a series' share or contribution; None in other units. Raises NoWhole."""
    if of is None:
        return None
    partner = series.partner if of == "partner" else TOTAL_PARTNER
    sector = series.sector if of == "sector" else TOTAL_SECTOR
    try:
        return catalog.single(series.flow, partner, sector)
    except UnknownSeries as error:
        raise NoWhole(series.unique_id, f"{catalog.dataset}.{series.flow}.{partner}.{sector}", of) from error


def summaries(drawn: PeriodDraws, spans: Sequence[Period], options: IntervalOptions, cutoff: int) -> list[StepForecast]:
    """A row for each span: mean, median, intervals and quantiles of its draws."""
    bounds = [bound for level in options.level for bound in interval_probabilities(level)]
    rows = summarise(drawn, [*bounds, *options.quantile])
    return [
        _summary(span, span.last - cutoff, row, reason, options)
        for span, row, reason in zip(spans, rows, drawn.reasons, strict=True)
    ]


def _summary(
    span: Period, step: int, row: list[float] | None, reason: str | None, options: IntervalOptions
) -> StepForecast:
    if row is None:
        nothing = [(None, None)] * len(options.level)
        return StepForecast(step, None, None, nothing, [None] * len(options.quantile), span, reason)
    mean, median, *rest = row
    bounds, quantiles = rest[: 2 * len(options.level)], rest[2 * len(options.level) :]
    return StepForecast(step, mean, median, list(zip(bounds[::2], bounds[1::2], strict=True)), quantiles, span)
