"""Terminal output of `tradewind ask`: the answers of the API as lines of text."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sqlmodel import Session

from forecasting.analysis.period_draws import answer_unit, coverage_kind, share_error
from forecasting.analysis.periods import periods_ahead
from forecasting.data.months import format_month, months_after
from services.catalog_cache import CatalogCache
from services.concentration import choose_parts, draw_concentration
from services.coverage import IntervalCoverage, forecast_coverage, interval_coverage
from services.errors import Unanswerable
from services.forecasts import StepForecast, estimate_probability, read_forecasts, summaries
from services.queries.forecasts import ConcentrationQuery, ForecastQuery, ProbabilityQuery
from services.run_selection import requested_horizon, select_run, select_series
from services.series_paths import cutoff_number
from store.queries.runs import PublishedRunRecord

Query = TypeVar("Query", bound=BaseModel)
CELL_WIDTH = 12
DECIDING_PARAMETERS = ("over", "above", "below")
"""Parameters that decide which query is meant."""


def answer_lines(session: Session, dataset: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    """Lines of a forecast, of a probability (`above`, `below`), or of a concentration (`over`).

    Parameters are those of the API.

    Raises UnknownDataset, UnknownSeries, UnknownRun, QueryError.
    """
    if "over" in parameters:
        return _concentration_lines(session, dataset, _validated(ConcentrationQuery, parameters))
    if "above" in parameters or "below" in parameters:
        return _probability_lines(session, dataset, _validated(ProbabilityQuery, parameters))
    return _forecast_lines(session, dataset, _validated(ForecastQuery, parameters))


def _validated(query: type[Query], parameters: Mapping[str, Any]) -> Query:
    """The query. Raises Unanswerable with every fault in one line."""
    try:
        return query.model_validate(parameters)
    except ValidationError as error:
        raise Unanswerable("; ".join(_fault_text(fault, parameters) for fault in error.errors())) from error


def _fault_text(fault: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    where, message = ".".join(map(str, fault["loc"])), str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        deciding = next((name for name in DECIDING_PARAMETERS if name in parameters), "this query")
        return f"{where} does not go with {deciding}"
    if fault["type"] == "missing":
        return f"{where} is required"
    return f"{where}: {message}" if where else message


def _forecast_lines(session: Session, dataset: str, query: ForecastQuery) -> Iterator[str]:
    run = select_run(session, dataset, query)
    series = select_series(session, CatalogCache(), run, query)
    horizon = requested_horizon(run, query.horizon)
    unit = answer_unit(query.units, series.catalog.unit)
    for resolved, rows in read_forecasts(session, run, series, query, horizon):
        yield f"{resolved.unique_id}, {unit}, {_run_text(run)}"
        yield from _table_lines(run, query, rows)
    if query.coverage:
        yield from _coverage_lines(forecast_coverage(session, run, series.all, query, horizon))


def _concentration_lines(session: Session, dataset: str, query: ConcentrationQuery) -> Iterator[str]:
    run = select_run(session, dataset, query)
    _, catalog = CatalogCache().of_run(session, run.id)
    selected = choose_parts(session, catalog, query)
    spans = periods_ahead(cutoff_number(run), requested_horizon(run, query.horizon), query.frequency)
    drawn = draw_concentration(session, run, selected, spans)
    yield f"{selected.series.unique_id}, HHI points over {len(selected.parts)} {query.over}s, {_run_text(run)}"
    yield from _table_lines(run, query, summaries(drawn, spans, query, cutoff_number(run)) if drawn else [])
    if query.coverage:
        found = interval_coverage(session, run, selected.parts, kind=None, levels=query.level, steps=())
        yield from _coverage_lines(found)


def _table_lines(
    run: PublishedRunRecord, query: ForecastQuery | ConcentrationQuery, rows: Iterable[StepForecast]
) -> Iterator[str]:
    months = months_after(run.cutoff, run.horizon)
    heads = ["median", *(f"{level:g} % {bound}" for level in query.level for bound in ("lo", "hi"))]
    heads += [f"q{probability:g}" for probability in query.quantile]
    yield f"{'period':<17}{'observed':>9}" + "".join(f"{head:>{CELL_WIDTH}}" for head in heads)
    yield from (_row_line(row, months[row.step - 1]) for row in rows)


def _row_line(row: StepForecast, month: str) -> str:
    label, length = (row.span.label, row.span.months) if row.span else (month, 1)
    head = f"{label:<17}{f'{max(length - row.step, 0)} of {length}':>9}"
    if row.reason:
        return f"{head}  {row.reason}"
    values = [row.median, *(bound for bounds in row.bounds for bound in bounds), *row.quantiles]
    return head + "".join(f"{_figure(value):>{CELL_WIDTH}}" for value in values if value is not None)


def _figure(value: float) -> str:
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3f}"


def _probability_lines(session: Session, dataset: str, query: ProbabilityQuery) -> Iterator[str]:
    run = select_run(session, dataset, query)
    _, catalog = CatalogCache().of_run(session, run.id)
    series, row, estimate = estimate_probability(session, run, catalog, query)
    unit = answer_unit(query.units, catalog.unit)
    thresholds = {"above": query.above, "below": query.below}
    event = " and ".join(f"{word} {value:,.12g} {unit}" for word, value in thresholds.items() if value is not None)
    yield f"{series.unique_id}, {query.period} {event}, {_run_text(run)}"
    if estimate is None:
        yield f"no answer: {row.reason}"
        return
    error = 100 * estimate.standard_error
    yield f"probability {100 * estimate.probability:.1f} % (standard error {error:.1f}, {estimate.draws} draws)"
    assert row.span is not None
    assert row.median is not None
    yield f"median {_figure(row.median)} {unit}"
    for level, bounds in zip(query.level, row.bounds, strict=True):
        lo, hi = (_figure(bound) for bound in bounds if bound is not None)
        yield f"{level:g} % interval: {lo} to {hi} {unit}"
    yield f"{max(row.span.months - row.step, 0)} of {row.span.months} months observed"
    if query.coverage:
        kind = coverage_kind(query.span.kind, query.units)
        found = interval_coverage(session, run, [series], kind=kind, levels=query.level, steps=[row.step])
        yield from _coverage_lines(found)


def _coverage_lines(coverage: IntervalCoverage) -> Iterator[str]:
    """The pooled coverage of each stored level."""
    if coverage.reason:
        yield f"coverage: {coverage.reason}"
    folds = f"on {coverage.folds.number} folds{' of its parts' if coverage.of_parts else ''}"
    for row, periods in coverage.rows:
        if not row.step:
            error = 100 * share_error(row.coverage, periods)
            inside = f"{100 * row.coverage:.1f} % of {row.n} outcomes (standard error {error:.1f})"
            yield f"coverage: {folds}, {row.level:g} % intervals covered {inside}"


def _run_text(run: PublishedRunRecord) -> str:
    return f"run {run.id}, data to {format_month(run.cutoff)}"
