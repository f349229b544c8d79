"""Forecasts and decompositions as answers and CSV rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple, cast

from api.rest.schemas.forecasts import ComponentMonth, ForecastSeries, HistoryAnswer, MonthAnswer
from api.rest.serializers.series import SERIES_COLUMNS, first_day, series_answer, series_cells
from forecasting.data.months import MONTHS_PER_YEAR, month_text
from services.forecasts.forecasts import SeriesForecast, StepForecast
from services.forecasts.observed_periods import ObservedPeriod
from services.series.series_catalog import SeriesCatalog
from store.models import ResolvedSeries

FORECAST_COLUMNS = ("unique_id", "month", "step", "unit", "mean", "median", "level", "lo", "hi")
SPAN_COLUMNS = ("period", "months", "observed_months", "reason")
QUANTILE_COLUMNS = ("probability", "quantile")
HISTORY_COLUMN = "value"
STATUS_COLUMN = "status"
History = Iterable[Sequence[ObservedPeriod]]
"""The observed periods of each series."""


class Layout(NamedTuple):
    """The layout of forecasts: months ahead, levels, further quantiles; whether rows are periods; history.

    `unit_of` gives the unit of a series' answer. `statuses`, by unique_id, are those of series that ended or whose last
    value is unusual; None leaves the column out.
    """

    months: Sequence[str]
    levels: Sequence[float]
    quantiles: Sequence[float]
    unit_of: Callable[[ResolvedSeries], str]
    spans: bool = False
    history: bool = False
    statuses: Mapping[str, str] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the CSV; those of plain monthly forecasts come first."""
        further = (SPAN_COLUMNS if self.spans else ()) + (QUANTILE_COLUMNS if self.quantiles else ())
        status = () if self.statuses is None else (STATUS_COLUMN,)
        return FORECAST_COLUMNS + further + ((HISTORY_COLUMN,) if self.history else ()) + SERIES_COLUMNS + status

    def status_of(self, series: ResolvedSeries) -> str | None:
        """The status of a series, None for an ordinary one."""
        return (self.statuses or {}).get(series.unique_id)


def forecast_answers(
    catalog: SeriesCatalog,
    found: Iterable[SeriesForecast],
    layout: Layout,
    history: History | None = None,
) -> Iterator[ForecastSeries]:
    """Forecasts, an object a series."""
    for (series, rows), observed in zip(found, repeat(None) if history is None else history, strict=False):
        history_of = {} if observed is None else {"history": [history_answer(row) for row in observed]}
        months = [month_answer(row, layout) for row in rows]
        about = {**series_answer(catalog, series, layout.unit_of(series)), "status": layout.status_of(series)}
        yield cast(ForecastSeries, {**about, **history_of, "months": months})


def history_answer(row: ObservedPeriod) -> HistoryAnswer:
    """An observed period."""
    period = row.period
    return {
        "month": month_text(period.last),
        "value": row.value,
        "period": period.label,
        "months": period.months,
        "reason": row.reason,
    }


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


def forecast_rows(
    catalog: SeriesCatalog, found: Iterable[SeriesForecast], layout: Layout, history: History | None = None
) -> Iterator[tuple[Any, ...]]:
    """Forecasts in the order of the layout's columns: a row a series, month and level, followed by its quantiles.

    Observed periods come first, as rows with a `value` and steps up to 0.
    """
    for (series, rows), observed in zip(found, repeat(()) if history is None else history, strict=False):
        names, unit = series_cells(catalog, series), layout.unit_of(series)
        status = () if layout.statuses is None else (layout.status_of(series),)
        for past in _history_rows(series.unique_id, unit, observed, layout, names):
            yield (*past, *status)
        for row in rows:
            described = (*names, first_day(layout.months[row.step - 1]), *status)
            head = (series.unique_id, layout.months[row.step - 1], row.step, unit, row.mean, row.median)
            cells: tuple[Any, ...] = _span_cells(row) if layout.spans else ()
            described = (None, *described) if layout.history else described
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


def _history_rows(
    unique_id: str, unit: str, observed: Sequence[ObservedPeriod], layout: Layout, names: tuple[str, ...]
) -> Iterator[tuple[Any, ...]]:
    first_step = first_day(layout.months[0])
    for row in observed:
        month = month_text(row.period.last)
        day = first_day(month)
        step = (day.year - first_step.year) * MONTHS_PER_YEAR + day.month - first_step.month + 1
        spans = (row.period.label, row.period.months, row.period.months, row.reason) if layout.spans else ()
        quantiles = (None, None) if layout.quantiles else ()
        yield (unique_id, month, step, unit, *[None] * 5, *spans, *quantiles, row.value, *names, day)


def _span_cells(row: StepForecast) -> tuple[str, int, int, str | None]:
    """The values of SPAN_COLUMNS. Of the months of a span, those up to its step are ahead."""
    assert row.span is not None
    return row.span.label, row.span.months, max(row.span.months - row.step, 0), row.reason
