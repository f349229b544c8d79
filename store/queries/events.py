"""Events: stored, corrected, and read as known on a day."""

import hashlib
from collections.abc import Collection
from datetime import date
from typing import Any, NamedTuple

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from store.errors import UnknownEvent
from store.models import Event, Membership, Partner
from tables import Faults

UNKNOWN_PARTNER = "no partner has this code"


class EventRecord(NamedTuple):
    """An event, as in `store.models.Event`."""

    id: str
    kind: str
    title: str
    measure: str
    announced: date
    effective: date
    until: date | None
    until_known_on: date | None
    authority: str
    reporter: str
    flow: str
    partners: tuple[str, ...]
    sectors: tuple[str, ...]
    share: float | None
    rate_before: float | None
    rate_after: float | None
    source: str
    note: str

    def known(self, day: date) -> "EventRecord | None":
        """The event as known on a day: None before its announcement, without an end that was not known yet."""
        if day < self.announced:
            return None
        if self.until_known_on is not None and day < self.until_known_on:
            return self._replace(until=None, until_known_on=None)
        return self


class StoredEvents(NamedTuple):
    """How many events were new, how many replaced one, and how many were stored already."""

    inserted: int
    changed: int
    unchanged: int


def put(session: Session, frame: pd.DataFrame) -> StoredEvents:
    """Store events as checked by `tables.check_events`; an event with a known id replaces the stored one.

    All of them or none; the caller commits. Raises `tables.BadRows` for unknown partners.
    """
    _refuse_unknown_partners(session, frame)
    stored = {event.id: event for event in events(session)}
    given = records(frame)
    new = [event for event in given if event.id not in stored]
    changed = [event for event in given if event.id in stored and event != stored[event.id]]
    if new or changed:
        upsert = insert(Event)
        edited = {name: upsert.excluded[name] for name in EventRecord._fields if name != "id"}
        rows = [_row(event) for event in (*new, *changed)]
        session.execute(upsert.on_conflict_do_update(index_elements=["id"], set_=edited), rows)
    return StoredEvents(len(new), len(changed), len(given) - len(new) - len(changed))


def events(session: Session, *, as_of: date | None = None) -> list[EventRecord]:
    """Every event, by announcement and id; those announced by a day as known on it."""
    columns = [col(getattr(Event, name)) for name in EventRecord._fields]
    rows = session.execute(sa.select(*columns).order_by(col(Event.announced), col(Event.id)))
    found = [_from_row(row) for row in rows]
    if as_of is None:
        return found
    return [known for event in found if (known := event.known(as_of)) is not None]


def edition(session: Session) -> str:
    """A digest of every event: another once one is added, changed or deleted."""
    return hashlib.blake2b(repr(events(session)).encode(), digest_size=8).hexdigest()


def event(session: Session, event_id: str) -> EventRecord:
    """An event by its code. Raises UnknownEvent."""
    columns = [col(getattr(Event, name)) for name in EventRecord._fields]
    row = session.execute(sa.select(*columns).where(col(Event.id) == event_id)).first()
    if row is None:
        raise UnknownEvent(event_id)
    return _from_row(row)


def remove(session: Session, event_id: str) -> None:
    """Delete an event; the caller commits. Raises UnknownEvent."""
    event(session, event_id)
    session.execute(sa.delete(Event).where(col(Event.id) == event_id))


def memberships(session: Session) -> dict[str, frozenset[str]]:
    """The groups that each partner belongs to, by the partner's code."""
    groups: dict[str, set[str]] = {}
    for group, member in session.execute(sa.select(col(Membership.group_code), col(Membership.member_code))):
        groups.setdefault(member, set()).add(group)
    return {member: frozenset(found) for member, found in groups.items()}


def _refuse_unknown_partners(session: Session, frame: pd.DataFrame) -> None:
    known = set(session.scalars(sa.select(col(Partner.code))))
    faults = Faults()
    faults.add(frame["reporter"], ~frame["reporter"].isin(known).to_numpy(), UNKNOWN_PARTNER)
    listed = frame["partners"].map(lambda codes: not set(codes) <= known).to_numpy(dtype=bool)
    faults.add(frame["partners"].map(" ".join).rename("partner"), listed, UNKNOWN_PARTNER)
    faults.stop()


def records(frame: pd.DataFrame) -> list[EventRecord]:
    """Events as checked by `tables.check_events`, not stored."""
    return [
        EventRecord(**{name: _plain(row[name]) for name in EventRecord._fields}) for row in frame.to_dict("records")
    ]


def _plain(value: Any) -> Any:
    """A cell as stored: days as dates, an empty cell as None, codes as a tuple."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return None
    return value.date() if isinstance(value, pd.Timestamp) else value


def _row(event: EventRecord) -> dict[str, Any]:
    lists: dict[str, Collection[str]] = {"partners": list(event.partners), "sectors": list(event.sectors)}
    return event._asdict() | lists


def _from_row(row: Any) -> EventRecord:
    found = EventRecord(*row)
    return found._replace(partners=tuple(found.partners), sectors=tuple(found.sectors))
