"""Events of series: those whose scope contains a series, and those that concern a part of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import log1p
from typing import Literal, NamedTuple

from sqlmodel import Session

from forecasting.data.months import first_day
from services.queries.events import EventQuery
from services.series.series_paths import cutoff_number
from store.models import ANY, TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries import catalog
from store.queries import events as store_events
from store.queries.events import EventRecord
from store.queries.runs import PublishedRunRecord

Relation = Literal["scope", "part"]
"""The event's scope contains the series, or only a part of the series."""
Status = Literal["in the forecast", "known, not in the forecast", "in the observations", "announced after the forecast"]
MIRRORED = {"X": "M", "M": "X"}
UNRATED_WEIGHTS, LEAST_WEIGHT = {"closure": 0.3}, 0.01
SECTOR_WEIGHT = 0.1
"""An event of single sectors beside one of all goods."""


class SeriesEvent(NamedTuple):
    """An event and its relation to a series."""

    event: EventRecord
    relation: Relation


class ListedEvent(NamedTuple):
    """An event of a series and its status in a run's forecast."""

    event: EventRecord
    relation: Relation
    status: Status


@dataclass(frozen=True)
class Scopes:
    """Relations between events and series, with the groups that each partner belongs to."""

    groups: Mapping[str, frozenset[str]] = field(repr=False)

    def relation(self, event: EventRecord, reporter: str, flow: str, partner: str, sector: str) -> Relation | None:
        """How an event concerns a series of a reporter; None where it does not.

        Data of the other side are mirror data: exports of the event's reporter are imports of its partner.
        """
        own = reporter == event.reporter
        flow = flow if own else MIRRORED.get(flow, flow)
        if flow in MIRRORED and event.flow not in (ANY, flow):
            return None
        partners = self._of_partner(event.partners, partner) if own else self._of_mirror(event, reporter, partner)
        sectors = _of_sector(event.sectors, sector)
        if partners is None or sectors is None:
            return None
        whole_flow = flow in MIRRORED or event.flow == ANY
        return "scope" if partners == sectors == "scope" and whole_flow and event.share is None else "part"

    def _of_partner(self, listed: Sequence[str], partner: str) -> Relation | None:
        if self._among(partner, listed):
            return "scope"
        inside = partner == TOTAL_PARTNER or any(partner in self.groups.get(code, ()) for code in listed)
        return "part" if inside else None

    def _of_mirror(self, event: EventRecord, reporter: str, partner: str) -> Relation | None:
        if not self._among(reporter, event.partners):
            return None
        if partner == event.reporter:
            return "scope"
        inside = partner == TOTAL_PARTNER or partner in self.groups.get(event.reporter, ())
        return "part" if inside else None

    def _among(self, code: str, listed: Sequence[str]) -> bool:
        return not listed or code in listed or bool(self.groups.get(code, frozenset()) & set(listed))


def _of_sector(listed: Sequence[str], sector: str) -> Relation | None:
    if not listed or sector in listed:
        return "scope"
    return "part" if sector == TOTAL_SECTOR else None


def read_scopes(session: Session) -> Scopes:
    """Scopes with the stored memberships."""
    return Scopes(store_events.memberships(session))


def events_of_series(
    session: Session, series: ResolvedSeries, *, reporter: str, as_of: date | None = None
) -> list[SeriesEvent]:
    """The events that concern a series, as known on a day, by announcement."""
    scopes, known = read_scopes(session), store_events.events(session, as_of=as_of)
    return related(scopes, known, reporter, (series.flow, series.partner, series.sector))


def related(
    scopes: Scopes, known: Iterable[EventRecord], reporter: str, key: tuple[str, str, str]
) -> list[SeriesEvent]:
    """The events that concern the series of a flow, partner and sector."""
    pairs = ((event, scopes.relation(event, reporter, *key)) for event in known)
    return [SeriesEvent(event, relation) for event, relation in pairs if relation is not None]


def find_events(session: Session, query: EventQuery) -> list[EventRecord]:
    """The events that a query selects, by announcement: their scope overlaps the codes it names."""
    scopes = read_scopes(session)
    return [event for event in store_events.events(session, as_of=query.as_of) if _matches(scopes, event, query)]


def _matches(scopes: Scopes, event: EventRecord, query: EventQuery) -> bool:
    if query.kind is not None and event.kind not in query.kind:
        return False
    if query.measure is not None and event.measure not in query.measure:
        return False
    if (query.start and event.effective < query.start) or (query.end and event.effective > query.end):
        return False
    keys = (
        (flow, partner, sector)
        for flow in query.flow or ("B",)
        for partner in query.partner or (TOTAL_PARTNER,)
        for sector in query.sector or (TOTAL_SECTOR,)
    )
    reporter = query.reporter or event.reporter
    return any(scopes.relation(event, reporter, *key) is not None for key in keys)


def listed_events(
    session: Session, run: PublishedRunRecord, series: ResolvedSeries, *, used: Collection[str] = ()
) -> list[ListedEvent]:
    """The events that concern a series, each with its status in a run's forecast; `used` are the ids in it."""
    reporter = catalog.dataset(session, run.dataset_id).reporter
    found = events_of_series(session, series, reporter=reporter)
    return [ListedEvent(event, relation, _status(event, run, used)) for event, relation in found]


def _status(event: EventRecord, run: PublishedRunRecord, used: Collection[str]) -> Status:
    """The status of an event in a run: a change after the last observed month is not in the observations."""
    if event.announced > run.as_of:
        return "announced after the forecast"
    if event.id in used:
        return "in the forecast"
    known = event.known(run.as_of) or event
    end_of_data = first_day(cutoff_number(run) + 1)
    observed = known.effective < end_of_data and (known.until is None or known.until < end_of_data)
    return "in the observations" if observed else "known, not in the forecast"


def weight(event: EventRecord) -> float:
    """The weight of an event beside others: the change of its rate on the log scale, times its share of the trade."""
    if event.rate_before is None or event.rate_after is None:
        return UNRATED_WEIGHTS.get(event.kind, LEAST_WEIGHT)
    change = abs(log1p(event.rate_after / 100) - log1p(event.rate_before / 100))
    return change * (event.share or (SECTOR_WEIGHT if event.sectors else 1.0))
