"""Request an indicator from its source and store its new values.

A feed delivers months and values, and the day each became public where the source has one.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, timedelta

import pandas as pd
from sqlalchemy import Engine
from sqlmodel import Session

from jobs.ingestion.indicators import add_informs, ingest_indicator
from jobs.ingestion.source_response import MakeClient, SourceResponse
from services.datasets.datasets import add_codes
from sources.client import Validator
from sources.errors import NoFigures
from sources.feed_config import Feed
from sources.observation_batch import IndicatorDefinition
from sources.provider import Access, Window
from sources.registry import PROVIDERS
from store.queries import fetch_attempts, indicators


def request_indicator(
    feed: Feed, engine: Engine, access: Mapping[str, Access], make_client: MakeClient, today: date
) -> SourceResponse:
    """The source's months and values since the feed's start, or from `revisit` months before the last stored one.

    Raises SourceError.
    """
    with Session(engine) as session:
        stored = _stored(session, feed.code)
        last_time = fetch_attempts.validators(session, feed.code, feed_hash=feed.digest)
    known = {where: Validator(**values) for where, values in last_time.items()}
    window = _window(feed, stored, today)
    provider = PROVIDERS[feed.source]
    with make_client(provider.policy, known) as client:
        where = access.get(feed.source, Access(provider.address))
        frame = provider.figures(feed.query, client, where, window).frame
    if frame.empty and not client.unmodified:
        raise NoFigures(feed.source, window.months)
    named = frame.rename(columns={"vintage": "known_on"})
    columns = [name for name in ("month", "value", "known_on") if name in named]
    return SourceResponse(named.loc[frame["month"].isin(window.months), columns], stored, known | client.seen)


def append_indicator(session: Session, feed: Feed, response: SourceResponse, today: date) -> int:
    """Store new values; returns their number. The caller commits.

    The first delivery is history, public by the indicator's rule where the source names no day. Later the last new
    month is public today: the source was asked before, and did not have it.
    """
    definition = feed.definition
    assert isinstance(definition, IndicatorDefinition)
    add_codes(session)
    indicators.add_indicator(session, **asdict(definition))
    add_informs(session, feed.code, feed.informs)
    first, frame = response.stored.empty, response.frame
    if not first and "known_on" not in frame:
        arrived = (frame["month"] == frame["month"].max()) & ~frame["month"].isin(response.stored["month"])
        frame = frame.assign(known_on=arrived.map({True: f"{today:%Y-%m-%d}", False: ""}))
    backfilled = first and "known_on" not in frame
    return ingest_indicator(session, frame, indicator=feed.code, today=today, backfilled=backfilled).inserted


def _stored(session: Session, code: str) -> pd.DataFrame:
    """Stored months (YYYY-MM) and values; empty where the indicator does not exist yet."""
    known = {record.id for record in indicators.indicators(session)}
    rows = indicators.values(session, code).rows if code in known else []
    return pd.DataFrame([(f"{row.month:%Y-%m}", row.value) for row in rows], columns=["month", "value"])


def _window(feed: Feed, stored: pd.DataFrame, today: date) -> Window:
    """To the last month that is over, which on its last day is the current one: surveys come before a month ends."""
    last = (pd.Timestamp(today + timedelta(days=1)).to_period("M") - 1).to_timestamp().date()
    if stored.empty:
        return Window(feed.start, max(last, feed.start))
    revisited = (pd.Period(stored["month"].max()) - feed.revisit + 1).to_timestamp().date()
    first = max(feed.start, revisited)
    return Window(first, max(last, first))
