"""Series as answers and as cells of a table."""

from datetime import date

from api.rest.schemas.catalog import ResolvedSeriesAnswer
from services.series.series_catalog import SeriesCatalog
from store.models import ResolvedSeries

SERIES_COLUMNS = ("dataset", "flow", "partner", "partner_name", "sector", "sector_name", "date")
"""Columns that describe a row's series, and the first day of its month."""


def series_answer(catalog: SeriesCatalog, series: ResolvedSeries, unit: str | None = None) -> ResolvedSeriesAnswer:
    """A series; `unit` is the answer's where it is not the series' own."""
    parts = series.parts if series.derived else None
    return {
        "unique_id": series.unique_id,
        "dataset": catalog.dataset,
        "flow": series.flow,
        "partner": series.partner,
        "partner_name": catalog.partners[series.partner],
        "sector": series.sector,
        "sector_name": catalog.sectors[series.sector],
        "unit": unit or catalog.unit_of(series),
        "parts": None if parts is None else [{"unique_id": part.unique_id, "sign": part.sign} for part in parts],
    }


def series_cells(catalog: SeriesCatalog, series: ResolvedSeries) -> tuple[str, ...]:
    """The values of SERIES_COLUMNS but for the date."""
    partner = catalog.partners.get(series.partner, series.partner)
    sector = catalog.sectors.get(series.sector, series.sector)
    return catalog.dataset, series.flow, series.partner, partner, series.sector, sector


def first_day(month: str) -> date:
    """The first day of a month written YYYY-MM."""
    return date.fromisoformat(f"{month}-01")
