"""Terminal output of `tradewind ask`: the answers of the API as lines of text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from services.errors import Unanswerable
from services.queries.forecasts import ConcentrationQuery, ForecastQuery, ProbabilityQuery

if TYPE_CHECKING:
    from tradewind.client import Client

CELL_WIDTH = 12
DECIDING_PARAMETERS = ("over", "above", "below")
"""Parameters that decide which query is meant."""


def answer_lines(service: "Client", dataset: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    """Lines of a forecast, of a probability (`above`, `below`), or of a concentration (`over`).

    Parameters are those of the API. Raises Unanswerable, ServiceError, NoAnswer.
    """
    path = f"/v1/datasets/{dataset}/forecasts"
    if "over" in parameters:
        _check(ConcentrationQuery, parameters)
        return _concentration_lines(service.json(f"{path}/concentration", parameters))
    if "above" in parameters or "below" in parameters:
        _check(ProbabilityQuery, parameters)
        return _probability_lines(service.json(f"{path}/probability", parameters))
    _check(ForecastQuery, parameters)
    return _forecast_lines(service.json(path, parameters))


def _check(query: type[BaseModel], parameters: Mapping[str, Any]) -> None:
    """Raises Unanswerable with every fault in one line."""
    try:
        query.model_validate(parameters)
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


def _forecast_lines(found: Mapping[str, Any]) -> Iterator[str]:
    for series in found["series"]:
        yield f"{series['unique_id']}, {series['unit']}, {_run_text(found['run'])}"
        yield from _table_lines(series["months"])
    yield from _coverage_lines(found.get("coverage"))


def _concentration_lines(found: Mapping[str, Any]) -> Iterator[str]:
    dimensions = {"partner": found["partner"] or "WLD", "sector": found["sector"] or "TOTAL", found["over"]: "*"}
    series = f"{found['dataset']}.{found['flow']}.{dimensions['partner']}.{dimensions['sector']}"
    yield f"{series}, HHI points over {len(found['parts'])} {found['over']}s, {_run_text(found['run'])}"
    yield from _table_lines(found["months"], value="mean")
    yield from _coverage_lines(found.get("coverage"))


def _table_lines(rows: Sequence[Mapping[str, Any]], *, value: str = "median") -> Iterator[str]:
    if not rows:
        return
    bounds = [f"{row['level']:g} % {bound}" for row in rows[0]["intervals"] for bound in ("lo", "hi")]
    heads = [value, *bounds, *(f"q{row['probability']:g}" for row in rows[0].get("quantiles", ()))]
    yield f"{'period':<17}{'observed':>9}" + "".join(f"{head:>{CELL_WIDTH}}" for head in heads)
    yield from (_row_line(row, value) for row in rows)


def _row_line(row: Mapping[str, Any], value: str) -> str:
    observed = f"{row.get('observed_months', 0)} of {row.get('months', 1)}"
    head = f"{row.get('period', row['month']):<17}{observed:>9}"
    if row.get("reason"):
        return f"{head}  {row['reason']}"
    bounds = [interval[name] for interval in row["intervals"] for name in ("lo", "hi")]
    values = [row[value], *bounds, *(quantile["value"] for quantile in row.get("quantiles", ()))]
    return head + "".join(f"{figure(shown):>{CELL_WIDTH}}" for shown in values)


def figure(value: float) -> str:
    """A number with one decimal, or three below 10."""
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3f}"


def _probability_lines(found: Mapping[str, Any]) -> Iterator[str]:
    unit = found["unit"]
    event = " and ".join(f"{word} {found[word]:,.12g} {unit}" for word in ("above", "below") if found[word] is not None)
    yield f"{found['unique_id']}, {found['period']} {event}, {_run_text(found['run'])}"
    if found["reason"]:
        yield f"no answer: {found['reason']}"
        return
    error = 100 * found["standard_error"]
    yield f"probability {100 * found['probability']:.1f} % (standard error {error:.1f}, {found['draws']} draws)"
    yield f"median {figure(found['median'])} {unit}"
    for interval in found["intervals"]:
        yield f"{interval['level']:g} % interval: {figure(interval['lo'])} to {figure(interval['hi'])} {unit}"
    yield f"{found['observed_months']} of {found['months']} months observed"
    yield from _coverage_lines(found.get("coverage"))


def _coverage_lines(coverage: Mapping[str, Any] | None) -> Iterator[str]:
    """The pooled coverage of each stored level."""
    if coverage is None:
        return
    if coverage["reason"]:
        yield f"coverage: {coverage['reason']}"
    folds = f"on {coverage['folds']['number']} folds{' of its parts' if coverage['of_parts'] else ''}"
    for row in coverage["coverage"]:
        if row["step"] is None:
            error = 100 * row["standard_error_by_period"]
            inside = f"{100 * row['coverage']:.1f} % of {row['n']} outcomes (standard error {error:.1f})"
            yield f"coverage: {folds}, {row['level']:g} % intervals covered {inside}"


def _run_text(run: Mapping[str, Any]) -> str:
    return f"run {run['id']}, data to {run['cutoff']}"
