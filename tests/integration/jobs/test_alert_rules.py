"""Alert rules: raised and cleared when runs are published, delivered by webhook and by e-mail to a local server."""

import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import Message
from typing import Any

import orjson
import pytest
from aiosmtpd.controller import Controller
from sqlmodel import Session

from forecasting.analysis.periods import parse_period
from jobs.runs.alert_rules import evaluate_alert_rules
from jobs.scheduling.alerts import FIRST_PAUSE, MAX_ATTEMPTS, deliver, send_mails
from jobs.scheduling.mail import MailServer, NotSent
from jobs.scheduling.notifications import record_notifications
from jobs.scheduling.webhook import Webhook
from services.alerts.alert_rules import create_rule
from services.alerts.notifications import describe
from services.errors import NoMailServer, PeriodObserved
from services.forecasts.event_probability import event_probability, read_event
from services.queries.alert_rules import NewAlertRule
from services.runs.published_run import open_run
from services.series.catalog_cache import CatalogCache
from store.database import make_engine
from store.queries import alert_rules, alerts, notifications
from tests.conftest import new_database
from tests.integration.jobs.test_forecast_run import run
from tests.support.factories import NOW, build_catalog, publish_run
from tests.support.servers import serving

LATER = NOW + timedelta(days=30)
ADDRESS = "economist@example.org"


class Mailbox:
    """Keeps the messages that a local SMTP server receives; refuses them while `refusing`."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.refusing = False

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refusing:
            return "451 try again later"
        self.messages.append(message_from_bytes(envelope.content))
        return "250 accepted"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, MailServer]]:
    box = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, MailServer(f"smtp://127.0.0.1:{port}", "tradewind@example.org")
    controller.stop()


@pytest.fixture
def world(server_url: str, template: str) -> Iterator[Session]:
    """Two datasets and one published run of totals."""
    engine = make_engine(new_database(server_url, "rules", template=template))
    with Session(engine) as session:
        build_catalog(session)
        publish_run(session, "CN_TRADE")
        session.commit()
        yield session
    engine.dispose()


def rule_at(session: Session, *, quantile: float, probability: float = 0.5, **more: Any) -> NewAlertRule:
    """A rule whose event, exports above a quantile of the forecast, has a known probability."""
    published = open_run(session, CatalogCache(), "CN_TRADE")
    (paths,) = published.read_paths([published.choose("X")])
    drawn = sorted(paths.paths[:, 0].tolist())
    above = drawn[int(quantile * len(drawn))]
    given = {"dataset": "CN_TRADE", "flow": "X", "period": "2026-01", "above": above, "probability": probability}
    return NewAlertRule.model_validate(given | more)


def created(session: Session, rule: NewAlertRule, *, sends_mail: bool = True) -> int:
    record = create_rule(session, CatalogCache(), rule, sends_mail=sends_mail, now=NOW)
    session.commit()
    return record.id


def evaluate(session: Session, run_id: int, now: datetime = LATER) -> None:
    evaluate_alert_rules(session, "CN_TRADE", run_id, now=now)
    session.commit()


def test_an_alert_is_raised_once_and_cleared(world: Session) -> None:
    number = created(world, rule_at(world, quantile=0.1))
    first = open_run(world, CatalogCache(), "CN_TRADE")
    event = read_event(first, first.choose("X"), parse_period("2026-01"), "lin")
    (rule,) = alert_rules.rules(world)
    assert rule.last_probability == event_probability(event, above=rule.above, below=None).probability > 0.5
    assert alerts.open_alerts(world) == []
    evaluate(world, first.run.id)
    evaluate(world, first.run.id)
    (alert,) = alerts.open_alerts(world, kind="rule")
    assert (alert.rule_id, alert.dataset_id) == (number, "CN_TRADE")
    assert alert.reason.startswith("Probability that exports in January 2026 is above USD")
    assert f"at least 50 % (run {first.run.id} as of 15 January 2026)" in alert.reason
    # A newer run whose forecasts are a tenth of the earlier ones.
    newer = publish_run(world, "CN_TRADE", seed=99, data_hash="f" * 64, now=LATER)
    world.connection().exec_driver_sql(f"UPDATE alert_rule SET above = 10 * above WHERE id = {number}")
    evaluate(world, newer.run_id)
    assert alerts.open_alerts(world) == []
    (rule,) = alert_rules.rules(world)
    assert (rule.last_run_id, rule.last_probability, rule.raised_at) == (newer.run_id, 0.0, None)


def test_a_run_of_the_past_changes_nothing(world: Session) -> None:
    created(world, rule_at(world, quantile=0.1))
    past = publish_run(world, "CN_TRADE", as_of=NOW.date() - timedelta(days=40), seed=3, data_hash="e" * 64)
    evaluate(world, past.run_id)
    assert alerts.open_alerts(world) == []


def test_the_publication_of_a_run_evaluates_the_rules(small: Any) -> None:
    given = {"dataset": "SMALL", "flow": "X", "partner": "DEU", "sector": "EV", "period": "2025-01"}
    with Session(small) as session:
        created(session, NewAlertRule.model_validate(given | {"above": 0.001, "probability": 0.9}))
        created(session, NewAlertRule.model_validate(given | {"above": 1e12, "probability": 0.9}))
    outcome = run(small)
    with Session(small) as session:
        likely, unlikely = alert_rules.rules(session)
        assert (likely.last_run_id, likely.last_probability, unlikely.last_probability) == (outcome.run_id, 1.0, 0.0)
        assert (likely.raised_at is not None, unlikely.raised_at) == (True, None)


def test_a_period_that_has_passed_keeps_its_reason(world: Session) -> None:
    rule = rule_at(world, quantile=0.1)
    created(world, rule)
    world.connection().exec_driver_sql("UPDATE alert_rule SET period = '2025-12'")
    evaluate(world, open_run(world, CatalogCache(), "CN_TRADE").run.id)
    (record,) = alert_rules.rules(world)
    assert record.last_probability is None
    assert "2025-12" in str(record.last_reason)
    with pytest.raises(PeriodObserved):
        created(world, rule.model_copy(update={"period": "2025-12"}))


def test_a_webhook_names_the_rule(world: Session) -> None:
    number = created(world, rule_at(world, quantile=0.1))
    evaluate(world, open_run(world, CatalogCache(), "CN_TRADE").run.id)
    with serving() as receiver:
        deliver(world, Webhook(receiver.url, "secret"), now=LATER)
        ((_, body),) = receiver.requests
    message = orjson.loads(body)
    assert (message["event"], message["kind"], message["rule"]) == ("raised", "rule", number)
    assert "Probability that exports" in message["reason"]


def test_the_feed_of_notifications_has_the_alert(world: Session) -> None:
    number = created(world, rule_at(world, quantile=0.1))
    evaluate(world, open_run(world, CatalogCache(), "CN_TRADE").run.id)
    record_notifications(world, now=LATER)
    world.commit()
    (found,) = [row for row in notifications.page(world).rows if row.type == "rule.met"]
    assert found.data["rule"] == number
    assert describe(found).startswith("CN_TRADE: Probability that exports in January 2026 is above USD")


def test_an_e_mail_is_sent_when_raised_and_when_cleared(world: Session, mailbox: tuple[Mailbox, MailServer]) -> None:
    box, server = mailbox
    number = created(world, rule_at(world, quantile=0.1, email=ADDRESS))
    first = open_run(world, CatalogCache(), "CN_TRADE").run.id
    evaluate(world, first)
    for _ in range(2):
        send_mails(world, server, now=LATER)
    (raised,) = box.messages
    assert (raised["To"], raised["From"]) == (ADDRESS, "tradewind@example.org")
    assert str(raised["Subject"]).startswith("Tradewind alert raised") or "=?utf-8?" in str(raised["Subject"])
    assert "Probability that exports in January 2026" in raised.get_payload(decode=True).decode()  # type: ignore[union-attr]
    world.connection().exec_driver_sql(f"UPDATE alert_rule SET above = 10 * above WHERE id = {number}")
    evaluate(world, first)
    send_mails(world, server, now=LATER)
    assert len(box.messages) == 2
    assert "No longer so" in box.messages[1].get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert raised["Message-ID"] != box.messages[1]["Message-ID"]


def test_a_refused_e_mail_is_tried_again(world: Session, mailbox: tuple[Mailbox, MailServer]) -> None:
    box, server = mailbox
    created(world, rule_at(world, quantile=0.1, email=ADDRESS))
    evaluate(world, open_run(world, CatalogCache(), "CN_TRADE").run.id)
    box.refusing = True
    send_mails(world, server, now=LATER)
    box.refusing = False
    send_mails(world, server, now=LATER)
    assert box.messages == []
    send_mails(world, server, now=LATER + FIRST_PAUSE)
    assert len(box.messages) == 1


def test_an_e_mail_is_abandoned_after_many_attempts(world: Session) -> None:
    nobody = MailServer("smtp://127.0.0.1:9", "tradewind@example.org")
    created(world, rule_at(world, quantile=0.1, email=ADDRESS))
    evaluate(world, open_run(world, CatalogCache(), "CN_TRADE").run.id)
    now = LATER
    for _ in range(MAX_ATTEMPTS):
        assert alerts.next_mail(world, now) is not None
        send_mails(world, nobody, now=now)
        now += timedelta(hours=2)
    assert alerts.next_mail(world, now) is None


def test_credentials_are_neither_shown_nor_sent_without_tls(mailbox: tuple[Mailbox, MailServer]) -> None:
    _, server = mailbox
    secret = MailServer(server.url.replace("://", "://user:s3cret@"), "tradewind@example.org")
    assert "s3cret" not in repr(secret)
    with pytest.raises(NotSent, match="no TLS") as caught:
        secret.send(ADDRESS, subject="s", text="t", identifier="1")
    assert "s3cret" not in str(caught.value)


def test_e_mails_need_a_mail_server(world: Session) -> None:
    with pytest.raises(NoMailServer, match="TRADEWIND_SMTP_URL"):
        created(world, rule_at(world, quantile=0.1, email=ADDRESS), sends_mail=False)
