"""Rows of the store as JSON objects and CSV rows."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from services.series_catalog import SeriesCatalog
from services.stored_forecasts import StepForecast
from store.models import ResolvedSeries
from store.queries.runs import RunRecord

FORECAST_COLUMNS = ("unique_id", "month", "step", "unit", "mean", "median", "level", "lo", "hi")
SPAN_COLUMNS = ("period", "months", "observed_months", "reason")
QUANTILE_COLUMNS = ("probability", "quantile")


def month_text(month: date | None) -> str | None:
    """A month as YYYY-MM."""
    return None if month is None else f"{month:%Y-%m}"


@lru_cache(maxsize=64)
def later_months(cutoff: date, count: int) -> tuple[str, ...]:
    """The `count` months after a cutoff."""
    first = cutoff.year * 12 + cutoff.month
    return tuple(f"{number // 12:04}-{number % 12 + 1:02}" for number in range(first, first + count))


def run_answer(run: RunRecord) -> dict[str, Any]:
    """A run in JSON; backtests say which of its folds are on vintages."""
    fields = run._asdict()
    del fields["vintage_cutoffs"]
    number, dataset = fields.pop("id"), fields.pop("dataset_id")
    published_at = run.finished_at if run.status == "published" else None
    return {"id": number, "dataset": dataset, **fields, "cutoff": month_text(run.cutoff), "published_at": published_at}


def series_answer(catalog: SeriesCatalog, one: ResolvedSeries) -> dict[str, Any]:
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


class Layout(NamedTuple):
    """How forecasts are laid out: the months ahead, the levels, further quantiles, the unit, and whether by spans."""

    months: Sequence[str]
    levels: Sequence[float]
    quantiles: Sequence[float]
    unit: str
    spans: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the CSV; those of plain monthly forecasts come first."""
        further = (SPAN_COLUMNS if self.spans else ()) + (QUANTILE_COLUMNS if self.quantiles else ())
        return FORECAST_COLUMNS + further


def forecast_answers(
    catalog: SeriesCatalog, found: Iterable[tuple[ResolvedSeries, list[StepForecast]]], layout: Layout
) -> list[dict[str, Any]]:
    """Forecasts in JSON, an object a series."""
    return [
        {**series_answer(catalog, one), "unit": layout.unit, "months": [row_answer(row, layout) for row in rows]}
        for one, rows in found
    ]


def row_answer(row: StepForecast, layout: Layout) -> dict[str, Any]:
    """A month, or a span that ends with it, in JSON."""
    answer: dict[str, Any] = {
        "month": layout.months[row.step - 1],
        "step": row.step,
        "mean": row.mean,
        "median": row.median,
        "intervals": [
            {"level": level, "lo": lo, "hi": hi} for level, (lo, hi) in zip(layout.levels, row.bounds, strict=True)
        ],
    }
    if layout.quantiles:
        pairs = zip(layout.quantiles, row.quantiles, strict=True)
        answer["quantiles"] = [{"probability": probability, "value": value} for probability, value in pairs]
    if layout.spans:
        answer |= dict(zip(SPAN_COLUMNS, _span_cells(row), strict=True))
    return answer


def forecast_rows(
    found: Iterable[tuple[ResolvedSeries, list[StepForecast]]], layout: Layout
) -> Iterator[tuple[Any, ...]]:
    """Forecasts in CSV, in the order of the layout's columns: a row a series, month and level, then its quantiles."""
    for one, rows in found:
        for row in rows:
            head = (one.unique_id, layout.months[row.step - 1], row.step, layout.unit, row.mean, row.median)
            cells = _span_cells(row) if layout.spans else ()
            for level, (lo, hi) in zip(layout.levels, row.bounds, strict=True):
                yield (*head, level, lo, hi, *cells, *((None, None) if layout.quantiles else ()))
            for probability, value in zip(layout.quantiles, row.quantiles, strict=True):
                yield (*head, None, None, None, *cells, probability, value)


def _span_cells(row: StepForecast) -> tuple[Any, ...]:
    """What SPAN_COLUMNS say of a span: of the months up to its step, the last are to come."""
    assert row.span is not None
    return row.span.label, row.span.months, max(row.span.months - row.step, 0), row.reason
