"""Forecasts and decompositions as answers and CSV rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from api.rest.schemas.forecasts import ComponentMonth, ForecastSeries, MonthAnswer
from api.rest.serializers.series import SERIES_COLUMNS, first_day, series_answer, series_cells
from services.forecasts import SeriesForecast, StepForecast
from services.series_catalog import SeriesCatalog

FORECAST_COLUMNS = ("unique_id", "month", "step", "unit", "mean", "median", "level", "lo", "hi")
SPAN_COLUMNS = ("period", "months", "observed_months", "reason")
QUANTILE_COLUMNS = ("probability", "quantile")


class Layout(NamedTuple):
    """The layout of forecasts: months ahead, levels, further quantiles, unit, and whether rows are periods."""

    months: Sequence[str]
    levels: Sequence[float]
    quantiles: Sequence[float]
    unit: str
    spans: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the CSV; those of plain monthly forecasts come first."""
        further = (SPAN_COLUMNS if self.spans else ()) + (QUANTILE_COLUMNS if self.quantiles else ())
        return FORECAST_COLUMNS + further + SERIES_COLUMNS


def forecast_answers(
    catalog: SeriesCatalog, found: Iterable[SeriesForecast], layout: Layout
) -> Iterator[ForecastSeries]:
    """Forecasts, an object a series."""
    for series, rows in found:
        months = [month_answer(row, layout) for row in rows]
        yield {**series_answer(catalog, series, layout.unit), "months": months}


def month_answer(row: StepForecast, layout: Layout) -> MonthAnswer:
    """A month, or the period that ends with it."""
    answer: MonthAnswer = {
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
        answer["period"], answer["months"], answer["observed_months"], answer["reason"] = _span_cells(row)
    return answer


def forecast_rows(catalog: SeriesCatalog, found: Iterable[SeriesForecast], layout: Layout) -> Iterator[tuple[Any, ...]]:
    """Forecasts in the order of the layout's columns: a row a series, month and level, followed by its quantiles."""
    for series, rows in found:
        names = series_cells(catalog, series)
        for row in rows:
            described = (*names, first_day(layout.months[row.step - 1]))
            head = (series.unique_id, layout.months[row.step - 1], row.step, layout.unit, row.mean, row.median)
            cells: tuple[Any, ...] = _span_cells(row) if layout.spans else ()
            for level, (lo, hi) in zip(layout.levels, row.bounds, strict=True):
                yield (*head, level, lo, hi, *cells, *((None, None) if layout.quantiles else ()), *described)
            for probability, value in zip(layout.quantiles, row.quantiles, strict=True):
                yield (*head, None, None, None, *cells, probability, value, *described)


def component_answer(row: Mapping[str, Any]) -> ComponentMonth:
    """A month of a decomposed series."""
    return {
        "month": row["month"],
        "forecast": row["ahead"],
        "trend": row["trend"],
        "seasonal": row["season"],
        "calendar": row["calendar"],
        "residual": row["rest"],
    }


def _span_cells(row: StepForecast) -> tuple[str, int, int, str | None]:
    """The values of SPAN_COLUMNS. Of the months of a span, those up to its step are ahead."""
    assert row.span is not None
    return row.span.label, row.span.months, max(row.span.months - row.step, 0), row.reason
