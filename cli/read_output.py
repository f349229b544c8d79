"""Terminal output of `tradewind runs`, `backtest` and `compare`: the answers of the API as lines of text."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cli.ask_output import figure
from services.errors import NothingToCompare

if TYPE_CHECKING:
    from tradewind.client import Client

METRICS = ("mase", "rmsse", "smape", "wis", "bias")


def run_lines(service: "Client", dataset: str | None, limit: int) -> Iterator[str]:
    """Lines of runs, newest first."""
    yield f"{'run':>6}  {'dataset':<16}{'status':<11}{'as of':<12}{'data to':<9}{'horizon':>7}"
    for run in service.json("/v1/runs", {"dataset": dataset, "limit": limit})["runs"]:
        head = f"{run['id']:>6}  {run['dataset']:<16}{run['status']:<11}{run['as_of']:<12}"
        yield f"{head}{run['cutoff'] or '':<9}{run['horizon']:>7}"


def backtest_lines(service: "Client", dataset: str, chosen: Mapping[str, Any]) -> Iterator[str]:
    """Lines of the scores over all steps: a row a forecaster, a column a metric; then the coverage of intervals."""
    found = service.json(f"/v1/datasets/{dataset}/backtests", {**chosen, "by": "forecaster", "limit": 1000})
    scores, folds, run = found["scores"], found["folds"], found["run"]
    yield f"{dataset}, run {run['id']}, {folds['number']} folds from {folds['first_cutoff']} to {folds['last_cutoff']}"
    yield f"{'forecaster':<24}" + "".join(f"{metric:>12}" for metric in METRICS)
    values = {(score["forecaster"], score["metric"]): score["value"] for score in scores if score["level"] is None}
    for forecaster in dict.fromkeys(forecaster for forecaster, _ in values):
        cells = (values.get((forecaster, metric)) for metric in METRICS)
        yield f"{forecaster:<24}" + "".join(f"{'' if value is None else figure(value):>12}" for value in cells)
    for score in scores:
        if score["metric"] == "coverage":
            inside = f"{100 * score['value']:.1f} % of {score['n']} outcomes"
            yield f"{score['forecaster']}: {score['level']:g} % intervals covered {inside}"


def comparison_lines(service: "Client", first: int, second: int, chosen: Mapping[str, Any]) -> Iterator[str]:
    """Lines of the medians of one series in two runs and of their differences, by period. Raises NothingToCompare."""
    answers = [service.json(f"/v1/runs/{run}/forecasts", {**chosen, "level": 80}) for run in (first, second)]
    datasets = [answer["dataset"] for answer in answers]
    if datasets[0] != datasets[1]:
        raise NothingToCompare(f"run {first}", f"it is of {datasets[0]}, and run {second} is of {datasets[1]}")
    later = {series["unique_id"]: series for series in answers[1]["series"]}
    for series in answers[0]["series"]:
        if series["unique_id"] in later:
            yield f"{series['unique_id']}, {series['unit']}, medians"
            yield from _difference_lines(series, later[series["unique_id"]], first, second)


def _difference_lines(before: Mapping[str, Any], after: Mapping[str, Any], first: int, second: int) -> Iterator[str]:
    heads = (f"run {first}", f"run {second}", "change", "per cent")
    yield f"{'period':<17}" + "".join(f"{head:>12}" for head in heads)
    medians = [
        {row.get("period", row["month"]): row["median"] for row in series["months"]} for series in (before, after)
    ]
    for period in sorted(medians[0].keys() & medians[1].keys()):
        old, new = (found[period] for found in medians)
        if old is None or new is None:
            continue
        percent = f"{100 * (new / old - 1):.2f}" if old > 0 else ""
        yield f"{period:<17}{figure(old):>12}{figure(new):>12}{figure(new - old):>12}{percent:>12}"
