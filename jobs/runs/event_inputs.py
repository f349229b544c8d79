"""The events that a run may use: as known on its day, with the series that each covers."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
from sqlmodel import Session

from forecasting.data.events import Event, EventPanel
from forecasting.data.indicators import DAY
from forecasting.data.panel import Panel
from services.events.events import Scopes, read_scopes, related
from store.queries import events
from store.queries.events import EventRecord

REBATE, CLOSURE = "rebate", "closure"


@dataclass(frozen=True)
class EventInputs:
    """The events known on a day that set a rate or close trade, for the data of a reporter."""

    as_of: date
    reporter: str
    records: tuple[EventRecord, ...]
    scopes: Scopes = field(repr=False)

    def hash_into(self, data_hash: str, frame: pd.DataFrame) -> str:
        """The hash of a run's observations with the events that cover its series.

        It is that of the observations where none of these events changes anything after the last month.
        """
        keys = frame[["flow", "partner", "sector"]].drop_duplicates().itertuples(index=False, name=None)
        used = {event for key in keys for event in self._covering(key)}
        records = [record for record in self.records if record.id in used]
        if not any(_changes_after(record, frame["ds"].max().date()) for record in records):
            return data_hash
        return hashlib.sha256(f"{data_hash}{records}".encode()).hexdigest()

    def panel(self, panel: Panel, *, release_day: int) -> EventPanel | None:
        """The events for the series of a panel; None where they cover none of them.

        Their day is that of the last release, which is due on the `release_day` of the next month, or of a later
        announcement, so that a later day without news gives the same forecast.
        """
        keys = panel.keys[["flow", "partner", "sector"]].itertuples(index=False, name=None)
        covers = {uid: self._covering(key) for uid, key in zip(panel.unique_ids, keys, strict=True)}
        used = {event for found in covers.values() for event in found}
        if not used:
            return None
        records = [record for record in self.records if record.id in used]
        released = (panel.cutoff + 1).astype(DAY) + (release_day - 1)
        news = [_day(max(record.announced, record.until_known_on or record.announced)) for record in records]
        day = max(min(released, _day(self.as_of)), *news)
        return EventPanel(tuple(as_event(record) for record in records), covers, day, panel.cutoff)

    def covering(self, key: tuple[str, str, str]) -> tuple[Event, ...]:
        """The events that cover the series of a flow, partner and sector."""
        wanted = self._covering(key)
        return tuple(as_event(record) for record in self.records if record.id in wanted)

    def _covering(self, key: tuple[str, str, str]) -> tuple[str, ...]:
        # A share of the trade in scope is a weight of the event, not a part of the series.
        whole = [record._replace(share=None) for record in self.records]
        found = related(self.scopes, whole, self.reporter, key)
        return tuple(event.id for event, relation in found if relation == "scope")


def load_events(session: Session, *, reporter: str, as_of: date) -> EventInputs:
    """The events known on a day."""
    return EventInputs(as_of, reporter, usable(events.events(session, as_of=as_of)), read_scopes(session))


def usable(records: Sequence[EventRecord]) -> tuple[EventRecord, ...]:
    """Events that set a rate or close trade."""
    return tuple(record for record in records if record.rate_after is not None or record.kind == CLOSURE)


def as_event(record: EventRecord) -> Event:
    """An event as forecasting takes it; the rates of a rebate are negative costs."""
    sign = -1.0 if record.kind == REBATE else 1.0
    return Event(
        id=record.id,
        measure=record.measure,
        announced=_day(record.announced),
        effective=_day(record.effective),
        until=_day(record.until),
        until_known_on=_day(record.until_known_on),
        rate_before=np.nan if record.rate_before is None else sign * record.rate_before,
        rate_after=np.nan if record.rate_after is None else sign * record.rate_after,
        share=1.0 if record.share is None else record.share,
        closes=record.kind == CLOSURE,
    )


def _day(day: date | None) -> np.datetime64:
    return np.datetime64("NaT" if day is None else day, "D")


def _changes_after(record: EventRecord, cutoff: date) -> bool:
    return any(day is not None and day > cutoff for day in (record.effective, record.until))
