"""The same questions at the command line: what the API answers, as lines to read."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sqlmodel import Session

from api.rest.serializers.forecasts import later_months, month_text
from forecasting.analysis.period_draws import answer_unit, coverage_kind, share_error
from forecasting.analysis.periods import periods_ahead
from services.catalog_cache import CatalogCache
from services.concentration import choose_parts, draw_concentration
from services.coverage import IntervalCoverage, forecast_coverage, interval_coverage
from services.errors import HorizonBeyondRun, Unanswerable
from services.forecasts import estimate_probability, read_answers, summaries
from services.queries import ConcentrationQuery, ForecastQuery, ProbabilityQuery
from services.run_selection import select_run, select_series
from services.series_paths import cutoff_number
from services.stored_forecasts import StepForecast
from store.queries.runs import PublishedRunRecord

Query = TypeVar("Query", bound=BaseModel)
CELL = 12
KINDS = ("over", "above", "below")
"""Parameters that make a question another one."""


def answer_lines(session: Session, dataset: str, asked: Mapping[str, Any]) -> Iterator[str]:
    """What is forecast, how likely it is `above` or `below` a number, or how concentrated `over` partners or sectors.

    Parameters are those of the API.

    Raises UnknownDataset, UnknownSeries, UnknownRun, ApiError.
    """
    if "over" in asked:
        return _concentration_lines(session, dataset, _checked(ConcentrationQuery, asked))
    if "above" in asked or "below" in asked:
        return _chance_lines(session, dataset, _checked(ProbabilityQuery, asked))
    return _forecast_lines(session, dataset, _checked(ForecastQuery, asked))


def _checked(query: type[Query], asked: Mapping[str, Any]) -> Query:
    """The question, or what is wrong with it in one line."""
    try:
        return query.model_validate(asked)
    except ValidationError as error:
        raise Unanswerable("; ".join(_in_words(fault, asked) for fault in error.errors())) from error


def _in_words(fault: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    where, message = ".".join(map(str, fault["loc"])), str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        kind = next((word for word in KINDS if word in asked), "this question")
        return f"{where} does not go with {kind}"
    if fault["type"] == "missing":
        return f"give a {where} too"
    return f"{where}: {message}" if where else message


def _forecast_lines(session: Session, dataset: str, query: ForecastQuery) -> Iterator[str]:
    run = select_run(session, dataset, query)
    series = select_series(session, CatalogCache(), run, query)
    horizon = _horizon(run, query)
    unit = answer_unit(query.units, series.catalog.unit)
    for one, rows in read_answers(session, run, series, query, horizon):
        yield f"{one.unique_id}, {unit}, {_source(run)}"
        yield from _table_lines(run, query, rows)
    if query.coverage:
        yield from _coverage_lines(forecast_coverage(session, run, series.all, query, horizon))


def _concentration_lines(session: Session, dataset: str, query: ConcentrationQuery) -> Iterator[str]:
    run = select_run(session, dataset, query)
    _, catalog = CatalogCache().of_run(session, run.id)
    asked = choose_parts(session, catalog, query)
    spans = periods_ahead(cutoff_number(run), _horizon(run, query), query.frequency)
    drawn = draw_concentration(session, run, asked, spans)
    yield f"{asked.series.unique_id}, HHI points over {len(asked.parts)} {query.over}s, {_source(run)}"
    yield from _table_lines(run, query, summaries(drawn, spans, query, cutoff_number(run)) if drawn else [])
    if query.coverage:
        found = interval_coverage(session, run, asked.parts, kind=None, levels=query.level, steps=())
        yield from _coverage_lines(found)


def _horizon(run: PublishedRunRecord, query: ForecastQuery | ConcentrationQuery) -> int:
    horizon = query.horizon or run.horizon
    if horizon > run.horizon:
        raise HorizonBeyondRun(horizon, run=run.id, run_horizon=run.horizon)
    return horizon


def _table_lines(
    run: PublishedRunRecord, query: ForecastQuery | ConcentrationQuery, rows: Iterable[StepForecast]
) -> Iterator[str]:
    months = later_months(run.cutoff, run.horizon)
    heads = ["median", *(f"{level:g} % {bound}" for level in query.level for bound in ("lo", "hi"))]
    heads += [f"q{probability:g}" for probability in query.quantile]
    yield f"{'period':<17}{'observed':>9}" + "".join(f"{head:>{CELL}}" for head in heads)
    yield from (_row_line(row, months[row.step - 1]) for row in rows)


def _row_line(row: StepForecast, month: str) -> str:
    label, length = (row.span.label, row.span.months) if row.span else (month, 1)
    head = f"{label:<17}{f'{max(length - row.step, 0)} of {length}':>9}"
    if row.reason:
        return f"{head}  {row.reason}"
    values = [row.median, *(bound for bounds in row.bounds for bound in bounds), *row.quantiles]
    return head + "".join(f"{_figure(value):>{CELL}}" for value in values if value is not None)


def _figure(value: float) -> str:
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3f}"


def _chance_lines(session: Session, dataset: str, query: ProbabilityQuery) -> Iterator[str]:
    run = select_run(session, dataset, query)
    _, catalog = CatalogCache().of_run(session, run.id)
    one, row, found = estimate_probability(session, run, catalog, query)
    unit = answer_unit(query.units, catalog.unit)
    thresholds = {"above": query.above, "below": query.below}
    event = " and ".join(f"{word} {value:,.12g} {unit}" for word, value in thresholds.items() if value is not None)
    yield f"{one.unique_id}, {query.period} {event}, {_source(run)}"
    if found is None:
        yield f"no answer: {row.reason}"
        return
    error, draws = 100 * found.standard_error, found.draws
    yield f"probability {100 * found.probability:.1f} %, give or take {error:.1f} for {draws} draws"
    assert row.span is not None
    assert row.median is not None
    yield f"median {_figure(row.median)} {unit}"
    for level, bounds in zip(query.level, row.bounds, strict=True):
        lo, hi = (_figure(bound) for bound in bounds if bound is not None)
        yield f"{level:g} % between {lo} and {hi} {unit}"
    yield f"{max(row.span.months - row.step, 0)} of {row.span.months} months observed"
    if query.coverage:
        kind = coverage_kind(query.span.kind, query.units)
        yield from _coverage_lines(
            interval_coverage(session, run, [one], kind=kind, levels=query.level, steps=[row.step])
        )


def _coverage_lines(coverage: IntervalCoverage) -> Iterator[str]:
    """The pooled coverage of each stored level."""
    if coverage.reason:
        yield f"coverage: {coverage.reason}"
    folds = f"on {coverage.folds.number} folds{' of its parts' if coverage.of_parts else ''}"
    for row, periods in coverage.rows:
        if not row.step:
            error = 100 * share_error(row.coverage, periods)
            inside = f"{100 * row.coverage:.1f} % of {row.n} outcomes (standard error {error:.1f})"
            yield f"coverage: {folds}, intervals of {row.level:g} % held {inside}"


def _source(run: PublishedRunRecord) -> str:
    return f"run {run.id}, seen up to {month_text(run.cutoff)}"
