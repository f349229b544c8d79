"""Notifications for readers: each recorded once, sent signed, retried, and visible."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest
import standardwebhooks
from fastapi.testclient import TestClient
from sqlmodel import Session

from api.app import create_app
from api.rest.schemas.notifications import NotificationPage
from jobs.runs.scoring import score_published
from jobs.scheduling.alerts import FIRST_PAUSE, MAX_ATTEMPTS
from jobs.scheduling.notifications import LOOK_BACK, deliver_notifications, record_notifications
from jobs.scheduling.webhook import Webhook
from services.alerts.notifications import message
from store.database import make_engine
from store.queries import alerts, notifications
from tests.conftest import database_copy, new_database
from tests.integration.api.conftest import options
from tests.integration.jobs.test_scoring import come, publish
from tests.support.answers import validate
from tests.support.documents import text
from tests.support.servers import serving

NOW = datetime(2025, 2, 10, 12, tzinfo=UTC)
SECRET = "a secret"
ATOM = {"atom": "http://www.w3.org/2005/Atom"}


@pytest.fixture
def receiver():
    with serving() as received:
        yield received


@pytest.fixture(scope="module")
def surprised(server_url, small_template):
    """The name of a database with a run, figures of the next month far above it, and a late release; and the run."""
    engine = make_engine(new_database(server_url, "surprised", template=small_template))
    run_id = publish(engine, date(2025, 2, 5))
    come(engine, "2025-01", vintage="2025-02-09", factor=3.0)
    with Session(engine) as session:
        score_published(session, "SMALL")
        alerts.raise_alert(session, "SMALL", "late", date(2025, 2, 1), reason="2025-02 was due", now=NOW)
        session.commit()
    engine.dispose()
    return engine.url.database, run_id


@pytest.fixture
def surprising(server_url, surprised):
    """An engine on a copy of that database, and the run."""
    database, run_id = surprised
    with database_copy(server_url, "surprising", database) as url:
        engine = make_engine(url)
        yield engine, run_id
        engine.dispose()


def record(engine, now=NOW):
    with Session(engine) as session:
        record_notifications(session, now=now)
        session.commit()
        return {row.type: row for row in notifications.page(session).rows}


def deliver(engine, webhook, now=NOW):
    with Session(engine) as session:
        deliver_notifications(session, webhook, now=now)


def bodies(receiver):
    return [orjson.loads(body) for _, body in receiver.requests]


def test_each_event_is_recorded_once(surprising):
    engine, run_id = surprising
    found = record(engine)
    assert set(found) == {"run.published", "figures.arrived", "forecast.surprised", "release.late"}
    again = record(engine, NOW + timedelta(hours=1))
    assert {row.id for row in again.values()} == {row.id for row in found.values()}
    assert found["run.published"].data == {
        "run": run_id,
        "as_of": "2025-02-05",
        "cutoff": "2024-12",
        "horizon": 6,
    }
    arrived = found["figures.arrived"].data
    assert (arrived["vintage"], arrived["first_month"], arrived["last_month"]) == ("2025-02-09", "2025-01", "2025-01")
    assert arrived["observations"] == arrived["series"] > 1
    assert found["release.late"].data == {"period": "2025-02", "reason": "2025-02 was due"}


def test_a_surprise_lists_outcomes_outside_their_interval(surprising):
    engine, run_id = surprising
    data = record(engine)["forecast.surprised"].data
    assert 0 < data["outside"] <= data["forecasts"]
    assert data["expected"] == pytest.approx(0.05 * data["forecasts"])
    assert len(data["series"]) == min(data["outside"], notifications.MOST_SERIES)
    misses = [abs(series["actual"] - series["median"]) for series in data["series"]]
    assert misses == sorted(misses, reverse=True)
    for series in data["series"]:
        assert series["run"] == run_id
        assert not series["lo"] <= series["actual"] <= series["hi"]


def test_an_outcome_inside_its_interval_is_no_surprise(small):
    publish(small, date(2025, 2, 5))
    come(small, "2025-01", vintage="2025-02-09", factor=1.0)
    with Session(small) as session:
        score_published(session, "SMALL")
        session.commit()
    outside = record(small).get("forecast.surprised")
    assert outside is None or outside.data["outside"] < outside.data["forecasts"]


def test_what_arrives_later_on_the_same_day_is_notified_too(surprising):
    engine, _ = surprising
    record(engine)
    come(engine, "2025-02", vintage="2025-02-09")
    with Session(engine) as session:
        record_notifications(session, now=NOW)
        session.commit()
        assert notifications.page(session, type_="figures.arrived").total == 2


def test_old_events_are_not_notified(surprising):
    engine, _ = surprising
    assert record(engine, NOW + LOOK_BACK + timedelta(days=2)) == {}


def test_a_receiver_verifies_type_timestamp_and_data(surprising, receiver):
    engine, run_id = surprising
    record(engine)
    deliver(engine, None)
    assert receiver.requests == []
    deliver(engine, Webhook(receiver.url, SECRET), now=NOW)
    sent = bodies(receiver)
    assert sorted(body["type"] for body in sent) == [
        "figures.arrived",
        "forecast.surprised",
        "release.late",
        "run.published",
    ]
    assert all({"type", "timestamp", "text", "data"} == set(body) for body in sent)
    published = next(body for body in sent if body["type"] == "run.published")
    assert published["text"] == f"SMALL: run {run_id} is published, with data to 2024-12 and 6 months ahead"
    assert published["data"]["dataset"] == "SMALL"
    for headers, body in receiver.requests:
        timestamp = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        expected = standardwebhooks.Webhook(SECRET.encode()).sign(headers["webhook-id"], timestamp, body.decode())
        assert headers["webhook-signature"] == expected
    deliver(engine, Webhook(receiver.url, SECRET), now=NOW + timedelta(hours=2))
    assert len(receiver.requests) == 4


def test_a_failed_delivery_is_retried_with_pauses_and_shown(surprising, receiver):
    engine, _ = surprising
    record(engine)
    receiver.status, webhook = 503, Webhook(receiver.url, SECRET)
    deliver(engine, webhook)
    deliver(engine, webhook)
    assert len(receiver.requests) == 4
    (shown,) = listed(engine, type="run.published")["notifications"]
    assert (shown["delivery"], shown["attempts"], shown["failure"]) == ("retrying", 1, "status 503")
    receiver.status = 200
    deliver(engine, webhook, now=NOW + FIRST_PAUSE)
    (shown,) = listed(engine, type="run.published")["notifications"]
    assert (shown["delivery"], shown["failure"]) == ("delivered", None)
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 4


def test_a_receiver_that_never_answers_is_given_up_in_the_end(surprising, receiver):
    engine, _ = surprising
    record(engine)
    receiver.status, webhook, moment = 500, Webhook(receiver.url, SECRET), NOW
    for _ in range(MAX_ATTEMPTS + 5):
        deliver(engine, webhook, now=moment)
        moment += timedelta(hours=1)
    assert len(receiver.requests) == 4 * MAX_ATTEMPTS
    assert {row["delivery"] for row in listed(engine)["notifications"]} == {"abandoned"}


def listed(engine, **params):
    answer = client_of(engine).get("/v1/notifications", params=params)
    assert answer.status_code == 200, answer.text
    validate(NotificationPage, answer.json())
    return answer.json()


def client_of(engine):
    reading = make_engine(engine.url.render_as_string(hide_password=False), autocommit=True)
    return TestClient(create_app(engine=reading, options=options()))


def test_the_atom_feed_has_the_same_notifications(surprising):
    engine, run_id = surprising
    record(engine)
    answer = client_of(engine).get("/v1/notifications.atom")
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(answer.content)
    entries = feed.findall("atom:entry", ATOM)
    titles = [entry.findtext("atom:title", namespaces=ATOM) for entry in entries]
    assert titles == [row["text"] for row in listed(engine)["notifications"]]
    links = [link.get("href") for link in feed.iterfind("atom:entry/atom:link", ATOM)]
    assert f"http://testserver/runs/{run_id}" in links
    for name in ("id", "title", "updated", "author"):
        assert feed.find(f"atom:{name}", ATOM) is not None
    ids = [entry.findtext("atom:id", namespaces=ATOM) for entry in entries]
    assert len(set(ids)) == 4
    late = client_of(engine).get("/v1/notifications.atom", params={"type": "release.late"})
    assert len(ElementTree.fromstring(late.content).findall("atom:entry", ATOM)) == 1


def test_pages_name_the_feed(small):
    (address,) = re.findall(r'rel="alternate" href="([^"]+)"', client_of(small).get("/runs").text)
    assert client_of(small).get(address).status_code == 200


def test_a_feed_without_notifications_is_valid(small):
    feed = ElementTree.fromstring(client_of(small).get("/v1/notifications.atom").content)
    assert feed.findtext("atom:updated", "", ATOM).startswith("2026-01-21")
    assert feed.findall("atom:entry", ATOM) == []


def test_notifications_are_filtered_and_paged(surprising):
    engine, _ = surprising
    record(engine)
    page = listed(engine, limit=3)
    assert (page["total"], len(page["notifications"])) == (4, 3)
    assert listed(engine, dataset="OTHER")["total"] == 0
    assert client_of(engine).get("/v1/notifications", params={"type": "rain"}).status_code == 422


def templates():
    """The functions of the manual's example."""
    (code,) = re.findall(r"```python\n(.*?)```", text("docs/api/notifications.md"), re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)
    return found


def test_the_templates_of_the_manual_verify_and_fill_every_type(surprising, receiver):
    engine, _ = surprising
    now = datetime.now(UTC)
    record(engine)
    with Session(engine) as session:
        rows = notifications.page(session).rows
    made = templates()
    for row in rows:
        Webhook(receiver.url, SECRET).send(message(row), delivery=f"notification-{row.id}", now=now)
    for headers, body in receiver.requests:
        verified = made["verified"](SECRET, dict(headers), body)
        slack, teams = made["slack"](verified), made["teams"](verified)
        assert slack["blocks"][1]["text"]["text"] == verified["text"] == slack["text"]
        card = teams["attachments"][0]["content"]
        assert {"title": "dataset", "value": "SMALL"} in card["body"][2]["facts"]
        assert orjson.loads(made["text"](slack)) == slack
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        made["verified"]("another", dict(headers), body)
