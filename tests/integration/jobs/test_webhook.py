"""Alerts reach the receiver once, signed, and again until it has heard them."""

import base64
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import orjson
import pytest
import standardwebhooks
from sqlmodel import Session

from jobs.scheduling.alerts import FIRST_PAUSE, MAX_ATTEMPTS, deliver, update_release_alerts, update_source_alert
from jobs.scheduling.webhook import NotDelivered, Webhook
from store.queries import alerts, releases
from tests.support.servers import serving

NOW = datetime(2025, 2, 20, 12, tzinfo=UTC)
GRACE = timedelta(hours=24)
PERIOD = date(2025, 1, 1)


@pytest.fixture
def receiver():
    with serving() as reported:
        yield reported


@pytest.fixture
def opened(small):
    """A database with one open alert."""
    with Session(small) as session:
        alerts.raise_alert(session, "SMALL", "source", PERIOD, reason="status 500", now=NOW)
        session.commit()
        yield session


def events(receiver):
    return [(orjson.loads(body)["kind"], orjson.loads(body)["event"]) for _, body in receiver.requests]


@pytest.mark.parametrize("secret", ["a secret", "whsec_" + base64.b64encode(b"a secret").decode()])
def test_a_receiver_verifies_messages_with_the_standard_library(receiver, secret):
    now = datetime.now(UTC)
    Webhook(receiver.url, secret).send({"event": "raised"}, delivery="7-raised", now=now)
    ((headers, body),) = receiver.requests
    assert headers["webhook-id"] == "7-raised"
    assert standardwebhooks.Webhook(b"a secret").verify(body, dict(headers)) == {"event": "raised"}
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(b"another").verify(body, dict(headers))


def test_credentials_of_the_address_are_not_shown(receiver):
    receiver.status = 500
    url = receiver.url.replace("://", "://user:s3cret@") + "?token=s3cret"
    with pytest.raises(NotDelivered) as caught:
        Webhook(url, "s").send({}, delivery="1-raised", now=NOW)
    assert "s3cret" not in str(caught.value)


def test_the_secret_is_not_shown():
    assert "a secret" not in repr(Webhook("http://127.0.0.1", "a secret"))


@pytest.mark.parametrize("status", [302, 404, 500])
def test_an_answer_that_is_no_success_is_named(receiver, status):
    receiver.status = status
    with pytest.raises(NotDelivered, match=f"status {status}"):
        Webhook(receiver.url, "s").send({}, delivery="1-raised", now=NOW)


def test_an_event_is_reported_once(opened, receiver):
    webhook = Webhook(receiver.url, "s")
    for _ in range(3):
        deliver(opened, webhook, now=NOW)
    assert events(receiver) == [("source", "raised")]
    message = orjson.loads(receiver.requests[0][1])
    assert (message["dataset"], message["period"], message["reason"]) == ("SMALL", "2025-01", "status 500")
    alerts.clear(opened, alerts.open_alerts(opened)[0].id, NOW)
    for _ in range(3):
        deliver(opened, webhook, now=NOW)
    assert events(receiver) == [("source", "raised"), ("source", "cleared")]


def test_what_is_not_delivered_is_sent_again_ever_later_and_then_given_up(opened, receiver):
    receiver.status, webhook = 500, Webhook(receiver.url, "s")
    sent, moment = [], NOW
    for _ in range(24 * 60 * 2):
        before = len(receiver.requests)
        deliver(opened, webhook, now=moment)
        if len(receiver.requests) > before:
            sent.append(moment)
        moment += timedelta(seconds=30)
    pauses = [second - first for first, second in pairwise(sent)]
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses == sorted(pauses)
    assert len(sent) == MAX_ATTEMPTS
    # The next event is delivered nevertheless.
    receiver.status = 200
    alerts.clear(opened, alerts.open_alerts(opened)[0].id, moment)
    deliver(opened, webhook, now=moment)
    assert events(receiver)[-1] == ("source", "cleared")


def test_a_receiver_that_was_away_hears_it_when_it_is_back(opened, receiver):
    receiver.status, webhook = 503, Webhook(receiver.url, "s")
    deliver(opened, webhook, now=NOW)
    receiver.status = 200
    deliver(opened, webhook, now=NOW)
    assert len(receiver.requests) == 1
    deliver(opened, webhook, now=NOW + FIRST_PAUSE)
    deliver(opened, webhook, now=NOW + 2 * FIRST_PAUSE)
    assert len(receiver.requests) == 2
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 1


def test_without_a_webhook_nothing_waits_to_be_reported(opened):
    deliver(opened, None, now=NOW)
    assert alerts.next_undelivered(opened, NOW) is None


def test_a_source_that_fails_again_is_one_alert(small):
    with Session(small) as session:
        awaited = releases.releases(session, "SMALL")[-1]
        for failure in ("500", "500", None, "404"):
            update_source_alert(session, awaited, failure=failure, now=NOW)
        (open_now,) = alerts.open_alerts(session)
        assert (open_now.reason, open_now.id) == ("404", 2)


def test_only_the_newest_of_several_late_months_is_reported(small):
    with Session(small) as session:
        late = datetime(2025, 6, 20, tzinfo=UTC)
        update_release_alerts(session, now=late, grace=GRACE)
        update_release_alerts(session, now=late, grace=GRACE)
        assert [f"{row.period:%Y-%m}" for row in alerts.open_alerts(session)] == ["2025-05"]


def test_nothing_is_late_in_february(small):
    with Session(small) as session:
        for day in range(1, 29):
            update_release_alerts(session, now=datetime(2025, 2, day, 23, tzinfo=UTC), grace=GRACE)
        assert alerts.open_alerts(session) == []
