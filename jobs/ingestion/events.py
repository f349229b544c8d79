"""Ingest events from a file or from the bundled table."""

from datetime import date
from pathlib import Path

import pandas as pd
import structlog
from sqlmodel import Session

from services.datasets.datasets import add_codes
from sources import bundled
from store.models import EVENT_KINDS
from store.queries import events
from store.queries.events import StoredEvents
from tables import check_events, read_table

log = structlog.get_logger(__name__)


def ingest_bundled_events(session: Session, *, today: date) -> StoredEvents:
    """Store the bundled events that are announced by `today` and missing; edited ones stay. The caller commits."""
    frame = check_events(bundled.events(), kinds=EVENT_KINDS)
    stored = [event.id for event in events.events(session)]
    missing = frame[(frame["announced"] <= pd.Timestamp(today)) & ~frame["id"].isin(stored)]
    return events.put(session, missing)


def ingest_event_file(session: Session, path: Path, *, limit_bytes: int) -> StoredEvents:
    """Store the events of a file, all or none; the caller commits. Raises `tables.TableError`."""
    add_codes(session)
    table = read_table(path, limit_bytes=limit_bytes)
    stored = events.put(session, check_events(table, kinds=EVENT_KINDS))
    log.info("ingest.events", **stored._asdict())
    return stored
