"""Rows of the store as JSON objects and CSV rows."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from api.derived import StepForecast
from api.selection import Catalog, Chosen
from store.runs import RunRecord

FORECAST_COLUMNS = ("unique_id", "month", "step", "unit", "mean", "median", "level", "lo", "hi")


def month_text(month: date | None) -> str | None:
    """A month as YYYY-MM."""
    return None if month is None else f"{month:%Y-%m}"


def later_months(cutoff: date, count: int) -> list[str]:
    """The `count` months after a cutoff."""
    first = cutoff.year * 12 + cutoff.month
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(first, first + count)]


def run_answer(run: RunRecord) -> dict[str, Any]:
    """A run in JSON."""
    fields = run._asdict()
    number, dataset = fields.pop("id"), fields.pop("dataset_id")
    published_at = run.finished_at if run.status == "published" else None
    return {"id": number, "dataset": dataset, **fields, "cutoff": month_text(run.cutoff), "published_at": published_at}


def series_answer(catalog: Catalog, one: Chosen) -> dict[str, Any]:
    """What a series is, in JSON."""
    return {
        "unique_id": one.unique_id,
        "dataset": catalog.dataset,
        "flow": one.flow,
        "partner": one.partner,
        "partner_name": catalog.partners[one.partner],
        "sector": one.sector,
        "sector_name": catalog.sectors[one.sector],
        "unit": catalog.unit,
        "parts": [{"unique_id": part.unique_id, "sign": part.sign} for part in one.parts] if one.derived else None,
    }


def forecast_answers(
    catalog: Catalog, found: Iterable[tuple[Chosen, list[StepForecast]]], months: Sequence[str], levels: Sequence[float]
) -> list[dict[str, Any]]:
    """Forecasts in JSON, an object a series."""
    return [
        {**series_answer(catalog, one), "months": [_month_answer(row, months, levels) for row in rows]}
        for one, rows in found
    ]


def _month_answer(row: StepForecast, months: Sequence[str], levels: Sequence[float]) -> dict[str, Any]:
    return {
        "month": months[row.step - 1],
        "step": row.step,
        "mean": row.mean,
        "median": row.median,
        "intervals": [{"level": level, "lo": lo, "hi": hi} for level, (lo, hi) in zip(levels, row.bounds, strict=True)],
    }


def forecast_rows(
    unit: str, found: Iterable[tuple[Chosen, list[StepForecast]]], months: Sequence[str], levels: Sequence[float]
) -> Iterator[tuple[Any, ...]]:
    """Forecasts in CSV: a row a series, month and level, in the order of FORECAST_COLUMNS."""
    for one, rows in found:
        for row in rows:
            head = (one.unique_id, months[row.step - 1], row.step, unit, row.mean, row.median)
            for level, (lo, hi) in zip(levels, row.bounds, strict=True):
                yield (*head, level, lo, hi)
