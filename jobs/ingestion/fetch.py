"""Fetch a dataset or an indicator from its source and store new observations, all or none.

Any failure is an outcome with a reason, never an exception: stored and published data stay as they are.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Literal

import pandas as pd
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from jobs.clock import Clock
from jobs.failures import failure_reason
from jobs.ingestion.indicator_fetch import append_indicator, request_indicator
from jobs.ingestion.ingest import ingest
from jobs.ingestion.source_response import MakeClient, SourceResponse
from services.datasets.datasets import OWN_CLASSIFICATION, add_codes
from sources.client import Client, RequestPolicy, Validator
from sources.errors import NoFigures, SourceError, WrongUnit
from sources.feed_config import Feed, feed_of
from sources.observation_batch import DatasetDefinition, IndicatorDefinition, ObservationBatch
from sources.provider import Access, Window
from sources.registry import PROVIDERS, with_zeros
from sources.units import in_unit
from store.errors import StoreError
from store.queries import catalog, fetch_attempts, observations
from store.queries.catalog import PartnerRecord, SectorRecord
from tables import SERIES_COLUMNS, TableError

Outcome = Literal["new", "unchanged", "failed"]
MAX_REVISION_FACTOR = 20.0
"""A median revision by more than this factor means another unit."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fetched:
    """The outcome of a fetch: the number of new observations, or the reason of the failure."""

    dataset: str
    outcome: Outcome
    inserted: int = 0
    reason: str | None = None


def make_http_client(policy: RequestPolicy, known: Mapping[str, Validator]) -> Client:
    """A client on the machine's clock."""
    return Client(policy, known)


def fetch(
    dataset: str,
    *,
    engine: Engine,
    feeds: Mapping[str, Feed],
    access: Mapping[str, Access],
    clock: Clock,
    make_client: MakeClient = make_http_client,
) -> Fetched:
    """Fetch a dataset or an indicator from its source, store new values and record the attempt, whatever its outcome.

    `access` has the base URL and key of providers. Raises NoFeed, and `sqlalchemy.exc.OperationalError` where the
    database is away.
    """
    feed = feed_of(feeds, dataset)
    started_at = clock()
    try:
        of_indicator = isinstance(feed.definition, IndicatorDefinition)
        request, append = (request_indicator, append_indicator) if of_indicator else (_request, _append)
        response = request(feed, engine, access, make_client, started_at.date())
        with Session(engine) as session:
            inserted = 0 if response.frame.empty else append(session, feed, response, started_at.date())
            fetched = Fetched(dataset, "new" if inserted else "unchanged", inserted)
            _record(session, feed, fetched, started_at, clock(), response.validators)
            session.commit()
    except OperationalError:
        raise
    except Exception as error:
        # A provider may answer anything: an unforeseen exception must not stop the fetches of other datasets.
        if not isinstance(error, (SourceError, TableError, StoreError)):
            log.exception("fetch.unexpected_error", dataset=dataset)
        log.debug("fetch.answer", dataset=dataset, excerpt=getattr(error, "excerpt", ""))
        fetched = Fetched(dataset, "failed", reason=failure_reason(error))
        with Session(engine) as session:
            _record(session, feed, fetched, started_at, clock(), {})
            session.commit()
    write_log = log.warning if fetched.outcome == "failed" else log.info
    write_log(f"fetch.{fetched.outcome}", source=feed.source, **asdict(fetched))
    return fetched


def _request(
    feed: Feed, engine: Engine, access: Mapping[str, Access], make_client: MakeClient, today: date
) -> SourceResponse:
    """The source's observations, checked against the stored ones. Raises SourceError."""
    with Session(engine) as session:
        stored = _stored(session, feed)
        last_time = fetch_attempts.validators(session, feed.code, feed_hash=feed.digest)
    # Where an absent row means zero, only a complete answer shows which rows are absent.
    complete = feed.absent == "zero"
    known = {} if complete else {where: Validator(**values) for where, values in last_time.items()}
    window = _window(feed, stored, today)
    provider = PROVIDERS[feed.source]
    with make_client(provider.policy, known) as client:
        where = access.get(feed.source, Access(provider.address))
        figures = provider.figures(feed.query, client, where, window)
    definition = _definition(feed)
    frame = in_unit(figures, currency=definition.currency, unit=definition.unit, where=feed.source)
    frame = frame[frame["month"].isin(window.months)].reset_index(drop=True)
    _refuse_holes(frame, stored, window, feed, partial=client.unmodified > 0)
    _refuse_another_unit(frame, stored, feed)
    frame = _without_known_months(frame, stored)
    frame = with_zeros(frame, stored) if complete and len(frame) else frame
    return SourceResponse(frame, stored, known | client.seen)


def _stored(session: Session, feed: Feed) -> pd.DataFrame:
    """Stored values: month (YYYY-MM), flow, partner, sector, stored; empty where the dataset does not exist yet."""
    if feed.code not in {record.id for record in catalog.datasets(session)}:
        return pd.DataFrame(columns=["month", *SERIES_COLUMNS, "stored", "months"])
    frame = observations.panel_frame(session, feed.code)
    month = frame["ds"].dt.strftime("%Y-%m")
    return frame.assign(month=month)[["month", *SERIES_COLUMNS, "y", "months"]].rename(columns={"y": "stored"})


def _window(feed: Feed, stored: pd.DataFrame, today: date) -> Window:
    """From the feed's start, or `revisit` months before the last stored month, to the previous month."""
    last = (pd.Timestamp(today).to_period("M") - 1).to_timestamp().date()
    if stored.empty:
        return Window(feed.start, max(last, feed.start))
    revisited = (pd.Period(stored["month"].max()) - feed.revisit + 1).to_timestamp().date()
    first = max(feed.start, revisited)
    return Window(first, max(last, first))


def _refuse_holes(frame: pd.DataFrame, stored: pd.DataFrame, window: Window, feed: Feed, *, partial: bool) -> None:
    """Raise NoFigures where a stored or an inner month is missing, or all months are."""
    if partial:
        return
    delivered = set(frame["month"])
    combined = frame.get("months", pd.Series(1, frame.index)).astype(int) == 2
    delivered |= {month.replace("-02", "-01") for month in frame.loc[combined, "month"]}
    if not delivered:
        raise NoFigures(feed.source, window.months)
    due = {month for month in window.months if min(delivered) < month < max(delivered)}
    due |= set(stored["month"]) & set(window.months)
    missing = sorted(due - delivered)
    if missing:
        raise NoFigures(feed.source, missing)


def _refuse_another_unit(frame: pd.DataFrame, stored: pd.DataFrame, feed: Feed) -> None:
    """Raise WrongUnit where the values of stored months differ by a large common factor."""
    both = frame.merge(stored, on=["month", *SERIES_COLUMNS], suffixes=("", "_known"))
    both = both[(both["value"] > 0) & (both["stored"] > 0)]
    if both.empty:
        return
    factor = float((both["value"] / both["stored"]).median())
    if not 1 / MAX_REVISION_FACTOR < factor < MAX_REVISION_FACTOR:
        found = f"another unit: {factor:.3g} times the stored values"
        raise WrongUnit(feed.source, expected=_definition(feed).unit, found=found)


def _without_known_months(frame: pd.DataFrame, stored: pd.DataFrame) -> pd.DataFrame:
    """The frame without combined January-February values of series whose months are stored separately."""
    if "months" not in frame:
        return frame
    apart = stored[(stored["months"] == 1) & stored["month"].str.endswith("-02")]
    keys = ["month", *SERIES_COLUMNS]
    known = pd.MultiIndex.from_frame(frame[keys]).isin(pd.MultiIndex.from_frame(apart[keys]))
    return frame[~(known & (frame["months"].astype(int) == 2))].reset_index(drop=True)


def _append(session: Session, feed: Feed, response: SourceResponse, today: date) -> int:
    """Store new observations; returns the number of observations.

    The first delivery is history: without a vintage its values replace first prints from their due day on. Later
    a value that differs from the stored one gets today's vintage, whatever day the source states.
    """
    frame, stored = response.frame, response.stored
    _register(session, feed)
    if not stored.empty and "vintage" in frame:
        keys = ["month", *SERIES_COLUMNS]
        known = pd.MultiIndex.from_frame(frame[keys]).isin(pd.MultiIndex.from_frame(stored[keys]))
        frame = frame.assign(vintage=frame["vintage"].mask(known, f"{today:%Y-%m-%d}"))
    backfilled = stored.empty and "vintage" not in frame
    return ingest(session, ObservationBatch(feed.code, frame, backfilled=backfilled), today=today).inserted


def _register(session: Session, feed: Feed) -> None:
    """Add the dataset and the feed's codes where missing. Raises WrongUnit where the dataset has another unit."""
    add_codes(session)
    catalog.add_partners(session, [PartnerRecord(code, name, False) for code, name in feed.partners.items()])
    catalog.add_sectors(session, [SectorRecord(code, name, OWN_CLASSIFICATION) for code, name in feed.sectors.items()])
    definition = _definition(feed)
    catalog.add_dataset(session, **asdict(definition))
    found = catalog.dataset(session, feed.code)
    if (found.currency, found.unit) != (definition.currency, definition.unit):
        raise WrongUnit(feed.source, expected=found.unit, found=definition.unit)


def _definition(feed: Feed) -> DatasetDefinition:
    assert isinstance(feed.definition, DatasetDefinition)
    return feed.definition


def _record(
    session: Session,
    feed: Feed,
    fetched: Fetched,
    started_at: datetime,
    finished_at: datetime,
    validators: Mapping[str, Validator],
) -> None:
    fetch_attempts.record(
        session,
        dataset=feed.code,
        source=feed.source,
        started_at=started_at,
        finished_at=finished_at,
        outcome=fetched.outcome,
        inserted=fetched.inserted,
        reason=fetched.reason,
        feed_hash=feed.digest,
        validators={where: asdict(validator) for where, validator in validators.items()},
    )
