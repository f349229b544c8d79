"""Answers in any units over any spans, from joint paths and the months observed so far."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlmodel import Session

from forecasting.analysis.period_draws import (
    PeriodDraws,
    ProbabilityEstimate,
    months_needed,
    period_draws,
    probability,
    summarise,
)
from forecasting.analysis.periods import Period, parse_period, periods_ahead
from forecasting.config import interval_probabilities
from forecasting.data.months import month_text
from services.errors import NotOneForecast, NoWhole, PeriodBeyondRun, PeriodObserved
from services.queries import IntervalOptions, ProbabilityQuery, RunForecastQuery, UnitOptions
from services.run_selection import SelectedSeries
from services.series_catalog import SeriesCatalog
from services.series_paths import cutoff_number, read_series_paths
from services.stored_forecasts import BATCH_PARTS, Question, StepForecast, batches, forecast_series, split
from store.errors import UnknownSeries
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries.runs import PublishedRunRecord


def read_answers(
    session: Session, run: PublishedRunRecord, series: SelectedSeries, query: RunForecastQuery, horizon: int
) -> Iterator[tuple[ResolvedSeries, list[StepForecast]]]:
    """Forecasts of a page of series: what is stored where that is what is asked, else what the joint paths say."""
    if query.plain:
        question = Question(run.id, horizon, query.level, series.coverage.probabilities, query.quantile)
        return forecast_series(session, question, series.page)
    spans = spans_asked(run, query, horizon)
    return answer_series(session, run, series.catalog, series.page, spans, query)


def spans_asked(run: PublishedRunRecord, query: RunForecastQuery, horizon: int) -> list[Period]:
    """The period asked for, or every one of a frequency. Raises PeriodObserved, PeriodBeyondRun."""
    if query.period is not None:
        return [_open_span(parse_period(query.period), run)]
    return periods_ahead(cutoff_number(run), horizon, query.frequency)


def answer_series(
    session: Session,
    run: PublishedRunRecord,
    catalog: SeriesCatalog,
    chosen: Sequence[ResolvedSeries],
    spans: Sequence[Period],
    terms: UnitOptions,
) -> Iterator[tuple[ResolvedSeries, list[StepForecast]]]:
    """Answers about each series, in the order given, a batch of series in memory at a time. Raises NoWhole."""
    # Looked for before the first answer is written: a CSV cannot turn into an error half-way.
    wholes = {one.unique_id: whole_of(catalog, one, terms) for one in chosen}
    if not spans:
        return ((one, []) for one in chosen)
    return _answers(session, run, chosen, spans, terms, wholes)


def _answers(
    session: Session,
    run: PublishedRunRecord,
    chosen: Sequence[ResolvedSeries],
    spans: Sequence[Period],
    terms: UnitOptions,
    wholes: Mapping[str, ResolvedSeries | None],
) -> Iterator[tuple[ResolvedSeries, list[StepForecast]]]:
    for batch in batches(chosen, BATCH_PARTS):
        for one, drawn in draw_batch(session, run, batch, spans, terms, wholes):
            yield one, summaries(drawn, spans, terms, cutoff_number(run))


class DrawnSeries(NamedTuple):
    """A series and the draws of what was asked of it."""

    one: ResolvedSeries
    drawn: PeriodDraws


def draw_batch(
    session: Session,
    run: PublishedRunRecord,
    batch: Sequence[ResolvedSeries],
    spans: Sequence[Period],
    terms: UnitOptions,
    wholes: Mapping[str, ResolvedSeries | None],
) -> Iterator[DrawnSeries]:
    """Draws of every series of a batch; `wholes` are what each is a share of, by unique_id."""
    needed = {one.unique_id: one for one in [*batch, *(wholes[one.unique_id] for one in batch)] if one is not None}
    all_paths = read_series_paths(session, run, list(needed.values()), months_needed(spans, terms.units))
    for one in batch:
        whole = wholes[one.unique_id]
        yield DrawnSeries(
            one,
            period_draws(terms.units, all_paths[one.unique_id], spans, all_paths[whole.unique_id] if whole else None),
        )


class EstimatedProbability(NamedTuple):
    """A series, what is forecast of it in a period, and the chance asked for; None where there is no answer."""

    one: ResolvedSeries
    row: StepForecast
    probability: ProbabilityEstimate | None


def estimate_probability(
    session: Session, run: PublishedRunRecord, catalog: SeriesCatalog, query: ProbabilityQuery
) -> EstimatedProbability:
    """The chance of an event. Raises UnknownSeries, NotOneForecast, PeriodObserved, PeriodBeyondRun, NoWhole."""
    one = _one_series(catalog, query)
    span = _open_span(query.span, run)
    wholes = {one.unique_id: whole_of(catalog, one, query)}
    ((_, drawn),) = draw_batch(session, run, [one], [span], query, wholes)
    (row,) = summaries(drawn, [span], query, cutoff_number(run))
    if row.reason:
        return EstimatedProbability(one, row, None)
    return EstimatedProbability(one, row, probability(drawn.values[:, 0], above=query.above, below=query.below))


def _open_span(span: Period, run: PublishedRunRecord) -> Period:
    """The span, if something of it is to come and all of it is forecast."""
    cutoff = cutoff_number(run)
    if span.last <= cutoff:
        raise PeriodObserved(span.label, month_text(cutoff), run.id)
    if span.last > cutoff + run.horizon:
        raise PeriodBeyondRun(span.label, month_text(cutoff + run.horizon), run.id)
    return span


def _one_series(catalog: SeriesCatalog, query: ProbabilityQuery) -> ResolvedSeries:
    """The series asked about."""
    flows, partners, sectors = ([code] if code else None for code in (query.flow, query.partner, query.sector))
    chosen = catalog.choose(flows=flows, partners=partners, sectors=sectors)
    if len(chosen) != 1:
        raise NotOneForecast(len(chosen))
    return chosen[0]


def whole_of(catalog: SeriesCatalog, one: ResolvedSeries, terms: UnitOptions) -> ResolvedSeries | None:
    """What a series is a share of; None where no share is asked for. Raises NoWhole."""
    of = terms.whole
    if of is None:
        return None
    partner = one.partner if of == "partner" else TOTAL_PARTNER
    sector = one.sector if of == "sector" else TOTAL_SECTOR
    try:
        (whole,) = catalog.choose(flows=[one.flow], partners=[partner], sectors=[sector])
    except UnknownSeries as error:
        raise NoWhole(one.unique_id, f"{catalog.dataset}.{one.flow}.{partner}.{sector}", of) from error
    return whole


def summaries(drawn: PeriodDraws, spans: Sequence[Period], told: IntervalOptions, cutoff: int) -> list[StepForecast]:
    """What draws say of each span, a row a span; None throughout where there is no answer."""
    bounds = [bound for level in told.level for bound in interval_probabilities(level)]
    rows = summarise(drawn, [*bounds, *told.quantile])
    return [
        _row(span, span.last - cutoff, row, reason, told)
        for span, row, reason in zip(spans, rows, drawn.reasons, strict=True)
    ]


def _row(span: Period, step: int, row: list[float] | None, reason: str | None, told: IntervalOptions) -> StepForecast:
    if row is None:
        nothing = [(None, None)] * len(told.level)
        return StepForecast(step, None, None, nothing, [None] * len(told.quantile), span, reason)
    mean, median, *rest = row
    return StepForecast(step, mean, median, *split(rest, len(told.level)), span)
