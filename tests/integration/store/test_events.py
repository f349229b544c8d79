from datetime import date
from itertools import pairwise

import pandas as pd
import pytest
from sqlmodel import Session

from jobs.ingestion.events import ingest_bundled_events
from sources import bundled as bundled_tables
from store.errors import UnknownEvent
from store.models import EVENT_KINDS
from store.queries import events
from store.queries.events import StoredEvents
from tables import BadRows, check_events, read_table

HEADER = "id,kind,title,announced,effective,until,until_known_on,authority,reporter,flow,partner,sector,source"
CLOSURE = "PORT_STRIKE,closure,Strike of dockers,2025-03-01,2025-03-03,2025-03-20,2025-03-18,Union,CHN,X,USA,,press"


def put(session: Session, *rows: str) -> StoredEvents:
    table = read_table("\n".join([HEADER, *rows]).encode(), media="csv", limit_bytes=10_000)
    return events.put(session, check_events(table, kinds=EVENT_KINDS))


def test_bundled_events_are_stored_with_their_scope(bundled: Session) -> None:
    stored = {event.id: event for event in events.events(bundled)}
    assert len(stored) == len(bundled_tables.events()) == 28
    duty = stored["US_RECIPROCAL_125"]
    assert (duty.announced, duty.effective) == (date(2025, 4, 9), date(2025, 4, 10))
    assert (duty.partners, duty.sectors, duty.rate_before, duty.rate_after) == (("USA",), (), 84.0, 125.0)


def test_the_rates_of_a_measure_follow_one_another(bundled: Session) -> None:
    """An event begins where the event before it of the same measure ended, or where its end left the rate."""
    by_measure: dict[str, list[events.EventRecord]] = {}
    for event in sorted(events.events(bundled), key=lambda event: event.effective):
        by_measure.setdefault(event.measure, []).append(event)
    for rows in by_measure.values():
        for before, after in pairwise(rows):
            ended = before.until is not None and before.until < after.effective
            expected = before.rate_before if ended else before.rate_after
            assert after.rate_before == expected, after.id


def test_the_duty_on_all_goods_reached_145_per_cent(bundled: Session) -> None:
    rates: dict[str, float] = {}
    for event in events.events(bundled, as_of=date(2025, 4, 10)):
        if event.partners == ("USA",) and not event.sectors and event.share is None and event.rate_after is not None:
            rates[event.measure] = event.rate_after
    assert sum(rates.values()) == 145


def test_an_event_is_known_from_its_announcement(bundled: Session) -> None:
    before = {event.id for event in events.events(bundled, as_of=date(2025, 4, 1))}
    after = {event.id for event in events.events(bundled, as_of=date(2025, 4, 2))}
    assert after - before == {"US_RECIPROCAL_10", "US_DE_MINIMIS"}


def test_an_end_that_was_not_known_yet_is_left_out(bundled: Session) -> None:
    put(bundled, CLOSURE)
    (during,) = [event for event in events.events(bundled, as_of=date(2025, 3, 17)) if event.id == "PORT_STRIKE"]
    (after,) = [event for event in events.events(bundled, as_of=date(2025, 3, 18)) if event.id == "PORT_STRIKE"]
    assert (during.until, after.until) == (None, date(2025, 3, 20))


def test_a_known_event_is_replaced_and_an_equal_one_left(bundled: Session) -> None:
    assert put(bundled, CLOSURE) == (1, 0, 0)
    assert put(bundled, CLOSURE) == (0, 0, 1)
    assert put(bundled, CLOSURE.replace("2025-03-20", "2025-03-22")) == (0, 1, 0)
    assert events.event(bundled, "PORT_STRIKE").until == date(2025, 3, 22)


def test_an_edited_bundled_event_stays(bundled: Session) -> None:
    put(bundled, "US_DE_MINIMIS,tariff,Own wording,2025-04-02,2025-05-02,,,White House,CHN,X,USA,,own")
    assert ingest_bundled_events(bundled, today=date(2026, 8, 21)).inserted == 0
    assert events.event(bundled, "US_DE_MINIMIS").title == "Own wording"


def test_a_removed_event_is_unknown(bundled: Session) -> None:
    events.remove(bundled, "US_DE_MINIMIS")
    with pytest.raises(UnknownEvent):
        events.remove(bundled, "US_DE_MINIMIS")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (CLOSURE.replace("closure", "strike"), "kind: is not one of"),
        (CLOSURE.replace("2025-03-03", "2025-02-03"), "effective: is before the announcement"),
        (CLOSURE.replace("2025-03-20", "2025-03-03"), "until: is not after"),
        (CLOSURE.replace("2025-03-20", ""), "until_known_on: is given without"),
        (CLOSURE.replace("USA", "USA QQQ"), "partner: no partner has this code"),
        (CLOSURE.replace("2025-03-01", "1 March"), "announced: is not a day"),
        (f"{CLOSURE}\n{CLOSURE}", "id: appears in an earlier row"),
    ],
)
def test_faults_are_reported_and_nothing_is_stored(bundled: Session, row: str, reason: str) -> None:
    with pytest.raises(BadRows, match=reason):
        put(bundled, row)
    assert len(events.events(bundled)) == 28


def test_one_rate_needs_the_other() -> None:
    frame = pd.DataFrame([dict(zip(HEADER.split(","), CLOSURE.split(","), strict=True), rate_after="25")])
    with pytest.raises(BadRows, match="without the other rate"):
        check_events(frame, kinds=EVENT_KINDS)
