"""Concentration: which series are the parts, which is the whole, and the index from joint paths."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import Session

from forecasting.analysis.period_draws import PeriodDraws, add_up, concentration, months_needed
from forecasting.analysis.periods import Period
from services.errors import NothingToConcentrate
from services.queries import ConcentrationQuery
from services.series_catalog import SeriesCatalog
from services.series_paths import read_series_paths
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries import catalog as store_catalog
from store.queries.runs import PublishedRunRecord


class ConcentrationParts(NamedTuple):
    """What an index is of, the parts whose shares it squares, and their whole: their own sum where it is None."""

    series: ResolvedSeries
    parts: Sequence[ResolvedSeries]
    whole: ResolvedSeries | None


def choose_parts(session: Session, catalog: SeriesCatalog, query: ConcentrationQuery) -> ConcentrationParts:
    """What a question about concentration is about. Raises UnknownSeries, NothingToConcentrate."""
    over_partners = query.over == "partner"
    partners = None if over_partners else [query.partner or TOTAL_PARTNER]
    sectors = [query.sector or TOTAL_SECTOR] if over_partners else None
    chosen = catalog.choose(flows=[query.flow], partners=partners, sectors=sectors)
    # A group would count its members twice, and the rest of the world is many.
    wholes = {one.code for one in store_catalog.partners(session).rows if one.is_group} if over_partners else set()
    total = TOTAL_PARTNER if over_partners else TOTAL_SECTOR
    parts = [one for one in chosen if getattr(one, query.over) not in {*wholes, total}]
    whole = next((one for one in chosen if getattr(one, query.over) == total), None)
    if not parts:
        raise NothingToConcentrate(query.over, catalog.dataset)
    key = ("*", parts[0].sector) if over_partners else (parts[0].partner, "*")
    unique_id = ".".join((catalog.dataset, query.flow, *key))
    return ConcentrationParts(ResolvedSeries(unique_id, query.flow, *key, (), True), parts, whole)


def draw_concentration(
    session: Session, run: PublishedRunRecord, asked: ConcentrationParts, spans: Sequence[Period]
) -> PeriodDraws | None:
    """Draws of the index over spans; None where there is no span."""
    if not spans:
        return None
    everything = [*asked.parts, *([asked.whole] if asked.whole else [])]
    all_paths = read_series_paths(session, run, everything, months_needed(spans, "share"))
    parts = [all_paths[part.unique_id] for part in asked.parts]
    whole = all_paths[asked.whole.unique_id] if asked.whole else add_up(parts, [1] * len(parts))
    return concentration(parts, whole, spans)
