"""A run in the layout of the hubverse: model output, and the hub's tasks.json.

The layout is that of imported forecasts (`store.queries.hubverse_format`): a target is a flow and a sector, a location
is a partner, horizons are months from the reference date, which is the day of the run. Targets of growth on a year ago
end in `pc1`. See https://docs.hubverse.io/en/latest/user-guide/model-output.html.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlmodel import Session

from forecasting.analysis.period_draws import Units, answer_unit
from forecasting.analysis.periods import periods_ahead
from forecasting.data.months import first_day, month_number
from forecasting.types import FloatArray
from services.forecasts.forecasts import BATCH_PARTS, StepForecast, batches, draw_batch, read_forecasts
from services.queries.forecasts import RunForecastQuery
from services.queries.hubverse import HubverseQuery
from services.runs.run_selection import SelectedSeries
from services.series.series_paths import cutoff_number
from store.models import ResolvedSeries
from store.queries.runs import PublishedRunRecord

SCHEMA = "https://raw.githubusercontent.com/hubverse-org/schemas/main/v5.0.1/tasks-schema.json"
MODEL = "tradewind-combination"
"""Team and model, as in the names of model output files."""
TASK_IDS = ("reference_date", "target", "horizon", "location", "target_end_date")
COLUMNS = (*TASK_IDS, "output_type", "output_type_id", "value")
TARGET_UNITS: Mapping[str, Units] = {"month": "lin", "growth": "pc1"}
FLOW_NAMES = {"X": "Exports", "M": "Imports", "B": "Balance"}
DAYS_TO_SUBMIT = 31
LONGEST_TEXT = 100


class Task(NamedTuple):
    """The values of TASK_IDS of one forecast."""

    reference_date: date
    target: str
    horizon: int
    location: str
    target_end_date: date


ModelOutputRow = tuple[date, str, int, str, date, str, str | None, float]
"""The values of COLUMNS."""


def file_name(run: PublishedRunRecord, form: str) -> str:
    """The name of a run's model output file: round, team, model."""
    return f"{run.as_of}-{MODEL}.{form}"


def model_output(
    session: Session, run: PublishedRunRecord, series: SelectedSeries, query: HubverseQuery
) -> Iterator[ModelOutputRow]:
    """Means, medians, quantiles and samples of a page of series; a month without an answer is left out.

    Samples of one number are one joint draw of all series and months.
    """
    for target in query.target:
        options = RunForecastQuery(units=TARGET_UNITS[target], quantile=list(series.coverage.probabilities))
        for batch in batches(series.page, BATCH_PARTS):
            draws = _draws(session, run, batch, options) if query.samples else {}
            for resolved, months in read_forecasts(session, run, series._replace(page=batch), options, run.horizon):
                for month in months:
                    values = draws[resolved.unique_id][: query.samples, month.step - 1] if draws else ()
                    yield from _rows(_task(run, resolved, month.step, options.units), month, options.quantile, values)


def _draws(
    session: Session, run: PublishedRunRecord, batch: Sequence[ResolvedSeries], options: RunForecastQuery
) -> dict[str, FloatArray]:
    """Draws by unique_id, shape (draws, horizon)."""
    spans = periods_ahead(cutoff_number(run), run.horizon, "M")
    nothing = dict.fromkeys((resolved.unique_id for resolved in batch), None)
    return {
        resolved.unique_id: drawn.values for resolved, drawn in draw_batch(session, run, batch, spans, options, nothing)
    }


def _rows(
    task: Task, month: StepForecast, probabilities: Sequence[float], samples: Iterable[float]
) -> Iterator[ModelOutputRow]:
    if month.mean is None or month.median is None:
        return
    yield (*task, "mean", None, month.mean)
    yield (*task, "median", None, month.median)
    for probability, value in zip(probabilities, month.quantiles, strict=True):
        assert value is not None
        yield (*task, "quantile", f"{probability:.15g}", value)
    for number, value in enumerate(samples, start=1):
        yield (*task, "sample", str(number), float(value))


def _task(run: PublishedRunRecord, series: ResolvedSeries, step: int, units: Units) -> Task:
    horizon, end = _ahead(run, step)
    return Task(run.as_of, _target(series, units), horizon, series.partner, end)


def _ahead(run: PublishedRunRecord, step: int) -> tuple[int, date]:
    """Months from the month of the run to that of a step, and the last day of the latter."""
    month = cutoff_number(run) + step
    return month - month_number(run.as_of.year, run.as_of.month), first_day(month + 1) - timedelta(days=1)


def _target(series: ResolvedSeries, units: Units) -> str:
    return f"{series.flow} {series.sector}" + ("" if units == "lin" else f" {units}")


def tasks(run: PublishedRunRecord, series: SelectedSeries, query: HubverseQuery) -> dict[str, Any]:
    """The tasks.json of a hub for which `model_output` of the same query is a submission, by SCHEMA."""
    return {
        "schema_version": SCHEMA,
        "rounds": [
            {
                "round_id_from_variable": True,
                "round_id": "reference_date",
                "model_tasks": [_model_task(run, series, query)],
                "submissions_due": {"relative_to": "reference_date", "start": 0, "end": DAYS_TO_SUBMIT},
                "last_data_date": str(first_day(cutoff_number(run) + 1) - timedelta(days=1)),
                "file_format": ["csv", "parquet"],
                "derived_task_ids": ["target_end_date"],
            }
        ],
        "output_type_id_datatype": "character",
    }


def _model_task(run: PublishedRunRecord, series: SelectedSeries, query: HubverseQuery) -> dict[str, Any]:
    """All targets are one group of tasks: a sample is one future of them all, and may not span groups.

    Whatever not every target has (a partner, a month of growth) is optional.
    """
    targets = {
        _target(member, TARGET_UNITS[target]): (TARGET_UNITS[target], member)
        for target in query.target
        for member in series.all
    }
    horizons, ends = zip(*(_ahead(run, step) for step in range(1, run.horizon + 1)), strict=True)
    return {
        "task_ids": {
            "reference_date": {"required": [str(run.as_of)], "optional": None},
            "target": {"required": None, "optional": sorted(targets)},
            "horizon": {"required": None, "optional": list(horizons)},
            "location": {"required": None, "optional": sorted({member.partner for member in series.all})},
            "target_end_date": {"required": None, "optional": [str(end) for end in ends]},
        },
        "output_type": _output_types(series, query),
        "target_metadata": [_target_metadata(series, target, *targets[target]) for target in sorted(targets)],
    }


def _output_types(series: SelectedSeries, query: HubverseQuery) -> dict[str, Any]:
    point = {"output_type_id": {"required": None}, "value": {"type": "double"}, "is_required": False}
    probabilities = {"required": list(series.coverage.probabilities)}
    found = {"mean": point, "median": point, "quantile": point | {"output_type_id": probabilities}}
    if query.samples:
        number = {"type": "integer", "min_samples_per_task": 1, "max_samples_per_task": query.samples}
        # A draw is one future of every series and month, so that only the day tells samples apart.
        number["compound_taskid_set"] = ["reference_date"]
        found["sample"] = {"output_type_id_params": number, "value": {"type": "double"}, "is_required": False}
    return found


def _target_metadata(series: SelectedSeries, target: str, units: Units, member: ResolvedSeries) -> dict[str, Any]:
    flow = FLOW_NAMES[member.flow]
    name = f"{flow}, {series.catalog.sectors[member.sector]}" + ("" if units == "lin" else ", growth on a year ago")
    return {
        "target_id": target,
        "target_name": name[:LONGEST_TEXT],
        "target_units": answer_unit(units, series.catalog.unit)[:LONGEST_TEXT],
        "target_keys": {"target": target},
        "target_type": "continuous",
        "is_step_ahead": True,
        "time_unit": "month",
    }
