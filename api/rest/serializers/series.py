"""Series as answers."""

from api.rest.schemas.catalog import ResolvedSeriesAnswer
from services.series_catalog import SeriesCatalog
from store.models import ResolvedSeries


def series_answer(catalog: SeriesCatalog, series: ResolvedSeries, unit: str | None = None) -> ResolvedSeriesAnswer:
    """A series; `unit` is the answer's where it is not the dataset's."""
    parts = series.parts if series.derived else None
    return {
        "unique_id": series.unique_id,
        "dataset": catalog.dataset,
        "flow": series.flow,
        "partner": series.partner,
        "partner_name": catalog.partners[series.partner],
        "sector": series.sector,
        "sector_name": catalog.sectors[series.sector],
        "unit": unit or catalog.unit,
        "parts": None if parts is None else [{"unique_id": part.unique_id, "sign": part.sign} for part in parts],
    }
