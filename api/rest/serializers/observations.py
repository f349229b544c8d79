"""Observations as answers and as rows of a table."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from api.rest.schemas.observations import AdjustmentAnswer, ObservationAnswer, ObservedPeriodAnswer
from api.rest.serializers.series import first_day, series_cells
from forecasting.data.months import format_month, month_text
from services.forecasts.observed_periods import ObservedPeriod
from services.series.series_catalog import SeriesCatalog
from store.models import ResolvedSeries
from store.queries.observations import ObservationRecord
from store.queries.runs import PublishedRunRecord

METHOD = "value divided by the effects of Prophet's decomposition; sums are sums of adjusted parts"


def observation_answer(row: ObservationRecord, catalog: SeriesCatalog) -> ObservationAnswer:
    """A published value."""
    return {
        "unique_id": f"{catalog.dataset}.{row.flow}.{row.partner}.{row.sector}",
        "month": format_month(row.month),
        "value": row.value,
        "unit": catalog.unit_of_sector(row.sector),
        "months": row.months,
        "status": row.status,
        "vintage": row.vintage,
        "backfilled": row.backfilled,
    }


def observation_rows(
    rows: Iterable[ObservationRecord], catalog: SeriesCatalog, selected: Iterable[ResolvedSeries]
) -> Iterator[tuple[Any, ...]]:
    """Published values as rows of a table, each with the names of its series."""
    names = {(series.flow, series.partner, series.sector): series_cells(catalog, series) for series in selected}
    for row in rows:
        values = observation_answer(row, catalog).values()
        yield (*values, *names[row.flow, row.partner, row.sector], row.month)


def period_answer(series: ResolvedSeries, row: ObservedPeriod, unit: str, adjusted: str) -> ObservedPeriodAnswer:
    """A value in other units, of a longer period, or adjusted."""
    return {
        "unique_id": series.unique_id,
        "month": month_text(row.period.last),
        "value": row.value,
        "unit": unit,
        "months": row.period.months,
        "status": row.status,
        "vintage": row.vintage,
        "backfilled": row.backfilled,
        "period": row.period.label,
        "adjusted": adjusted,
        "reason": row.reason,
    }


def period_rows(
    found: Iterable[tuple[ResolvedSeries, ObservedPeriod]], catalog: SeriesCatalog, unit: str, adjusted: str
) -> Iterator[tuple[Any, ...]]:
    """Values of periods as rows of a table, each with the names of its series."""
    for series, row in found:
        answer = period_answer(series, row, unit, adjusted)
        yield (*answer.values(), *series_cells(catalog, series), first_day(answer["month"]))


def adjustment_answer(removed: Sequence[str], run: PublishedRunRecord | None) -> AdjustmentAnswer | None:
    """The adjustment of values; None without one."""
    if run is None:
        return None
    return {"removed": list(removed), "method": METHOD, "run": run.id}
