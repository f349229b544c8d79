"""Concentration: the parts, their total, and draws of the Herfindahl-Hirschman index."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import Session

from forecasting.analysis.period_draws import PeriodDraws, add_up, concentration, months_needed
from forecasting.analysis.periods import Period
from services.errors import NothingToConcentrate
from services.queries.forecasts import ConcentrationQuery
from services.series_catalog import SeriesCatalog
from services.series_paths import read_series_paths
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries import catalog as store_catalog
from store.queries.runs import PublishedRunRecord


class ConcentrationParts(NamedTuple):
    """The series of the index, its parts, and their total; without a total it is the sum of the parts."""

    series: ResolvedSeries
    parts: Sequence[ResolvedSeries]
    whole: ResolvedSeries | None


def choose_parts(session: Session, catalog: SeriesCatalog, query: ConcentrationQuery) -> ConcentrationParts:
    """The parts and the total of an index. Raises UnknownSeries, NothingToConcentrate."""
    over_partners = query.over == "partner"
    partners = None if over_partners else [query.partner or TOTAL_PARTNER]
    sectors = [query.sector or TOTAL_SECTOR] if over_partners else None
    selected = catalog.choose(flows=[query.flow], partners=partners, sectors=sectors)
    # A group would count its members twice; the rest of the world is not one partner.
    groups = {partner.code for partner in store_catalog.partners(session).rows if partner.is_group}
    total = TOTAL_PARTNER if over_partners else TOTAL_SECTOR
    excluded = {*groups, total} if over_partners else {total}
    parts = [resolved for resolved in selected if getattr(resolved, query.over) not in excluded]
    whole = next((resolved for resolved in selected if getattr(resolved, query.over) == total), None)
    if not parts:
        raise NothingToConcentrate(query.over, catalog.dataset)
    key = ("*", parts[0].sector) if over_partners else (parts[0].partner, "*")
    unique_id = ".".join((catalog.dataset, query.flow, *key))
    return ConcentrationParts(ResolvedSeries(unique_id, query.flow, *key, (), True), parts, whole)


def draw_concentration(
    session: Session, run: PublishedRunRecord, concentrated: ConcentrationParts, spans: Sequence[Period]
) -> PeriodDraws | None:
    """Draws of the index over spans; None where there is no span."""
    if not spans:
        return None
    whole = concentrated.whole
    needed = [*concentrated.parts, *([whole] if whole else [])]
    paths = read_series_paths(session, run, needed, months_needed(spans, "share"))
    parts = [paths[part.unique_id] for part in concentrated.parts]
    total = paths[whole.unique_id] if whole else add_up(parts, [1] * len(parts))
    return concentration(parts, total, spans)
