"""Alerts about late releases, late indicators, failing sources and runs, and rules of users: raised, cleared, sent."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import structlog
from sqlmodel import Session

from jobs.scheduling.mail import MailServer, NotSent
from jobs.scheduling.webhook import NotDelivered, Webhook
from store.queries import alerts, catalog, indicator_releases, indicators, releases
from store.queries.alerts import AlertRecord, MailRecord
from store.queries.indicator_releases import IndicatorReleaseRecord
from store.queries.releases import ReleaseRecord

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
MAX_ATTEMPTS = 12
"""Deliveries are abandoned after some six hours; the log and the metrics still show the alert."""
EVENTS = ("raised", "cleared")

log = structlog.get_logger(__name__)


def update_release_alerts(session: Session, *, now: datetime, grace: timedelta) -> None:
    """Raise an alert for the newest late month of each dataset and of each of its indicators; clear the others."""
    late = [release for release in releases.due(session, now) if release.status(now, grace) == "late"]
    found = [_Late(release.dataset_id, None, release.period, _describe(release)) for release in late]
    _update_late(session, [*found, *_late_indicators(session, now, grace)], now)


class _Late(NamedTuple):
    """A month of a dataset, or of an indicator that may inform it, which is late."""

    dataset: str
    indicator: str | None
    period: date
    reason: str


def _late_indicators(session: Session, now: datetime, grace: timedelta) -> Iterator[_Late]:
    """The late months of the indicators of each dataset, oldest first."""
    for dataset in catalog.datasets(session):
        for indicator in sorted({use.indicator_id for use in indicators.uses(session, dataset.id)}):
            for release in indicator_releases.due(session, now, indicator):
                if now > release.due_from + grace:
                    yield _Late(dataset.id, indicator, release.period, f"{indicator}: {_not_published(release)}")


def _update_late(session: Session, late: Sequence[_Late], now: datetime) -> None:
    # Months due together, as January and February, are one event: the last of them.
    newest = {(month.dataset, month.indicator): month for month in late}
    for dataset, indicator, period, reason in newest.values():
        if alerts.raise_alert(session, dataset, "late", period, reason=reason, now=now, indicator=indicator):
            _log_raised(dataset, "late", period, reason)
    still_late = {month[:3] for month in late}
    for alert in alerts.open_alerts(session, kind="late"):
        if (alert.dataset_id, alert.indicator_id, alert.period) not in still_late:
            _clear(session, alert, now)


def update_source_alert(session: Session, awaited: ReleaseRecord, *, failure: str | None, now: datetime) -> None:
    """Raise an alert where the source of an awaited release failed; clear it once the source works again."""
    _update(session, awaited.dataset_id, "source", awaited.period, failure=failure, now=now)


def update_run_alert(session: Session, dataset: str, *, failure: str | None, now: datetime) -> None:
    """Raise an alert where a run of a dataset failed; clear it once a run succeeds. Unknown datasets have none."""
    if dataset in {record.id for record in catalog.datasets(session)}:
        _update(session, dataset, "run", now.date().replace(day=1), failure=failure, now=now)


def _update(
    session: Session, dataset: str, kind: alerts.Kind, period: date, *, failure: str | None, now: datetime
) -> None:
    open_now = alerts.open_alerts(session, dataset, kind)
    if failure is None:
        for alert in open_now:
            _clear(session, alert, now)
    elif not open_now:
        alerts.raise_alert(session, dataset, kind, period, reason=failure, now=now)
        _log_raised(dataset, kind, period, failure)


def _clear(session: Session, alert: AlertRecord, now: datetime) -> None:
    alerts.clear(session, alert.id, now)
    log.info("alert.cleared", dataset=alert.dataset_id, kind=alert.kind, period=_month(alert.period))


def _log_raised(dataset: str, kind: alerts.Kind, period: date, reason: str) -> None:
    log.warning("alert.raised", dataset=dataset, kind=kind, period=_month(period), reason=reason)


def deliver(session: Session, webhook: Webhook | None, *, now: datetime) -> None:
    """Send the events that are due; failed deliveries are retried with increasing pauses. Commits after each.

    Without a webhook the log is the only delivery.
    """
    while (alert := alerts.next_undelivered(session, now)) is not None:
        event = EVENTS[alert.delivered_events]
        try:
            if webhook is not None:
                webhook.send(_message(alert, event), delivery=f"{alert.id}-{event}", now=now)
            alerts.mark_delivered(session, alert)
        except NotDelivered as error:
            _retry_later(session, alert, now, str(error))
        session.commit()


def send_mails(session: Session, server: MailServer | None, *, now: datetime) -> None:
    """Send the e-mails that are due; failed ones are retried with increasing pauses. Commits after each."""
    if server is None:
        return
    while (found := alerts.next_mail(session, now)) is not None:
        mail, alert = found
        event = EVENTS[mail.sent_events]
        subject = f"Tradewind alert {event}: {alert.reason.partition(' (run')[0]}"
        try:
            server.send(
                mail.recipient, subject=subject, text=_mail_text(alert, event), identifier=f"alert-{alert.id}-{event}"
            )
            alerts.mark_sent(session, mail)
        except NotSent as error:
            _retry_mail(session, mail, now, str(error))
        session.commit()


def _retry_mail(session: Session, mail: MailRecord, now: datetime, reason: str) -> None:
    if mail.attempts + 1 >= MAX_ATTEMPTS:
        log.error("alert.mail_abandoned", alert=mail.alert_id, reason=reason)
        alerts.mark_sent(session, mail)
        return
    pause = min(FIRST_PAUSE * 2**mail.attempts, LONGEST_PAUSE)
    log.warning("alert.mail_not_sent", alert=mail.alert_id, reason=reason, retry_in_seconds=pause.total_seconds())
    alerts.postpone_mail(session, mail, now + pause)


def _mail_text(alert: AlertRecord, event: str) -> str:
    """The text of an e-mail."""
    lines = [f"{alert.reason}.", "", f"Dataset: {alert.dataset_id}", f"Raised: {alert.raised_at:%Y-%m-%d %H:%M} UTC"]
    if event == "cleared" and alert.cleared_at is not None:
        lines.insert(0, "No longer so:")
        lines.append(f"Cleared: {alert.cleared_at:%Y-%m-%d %H:%M} UTC")
    return "\n".join(lines)


def _retry_later(session: Session, alert: AlertRecord, now: datetime, reason: str) -> None:
    if alert.delivery_attempts + 1 >= MAX_ATTEMPTS:
        log.error("alert.undelivered", alert=alert.id, dataset=alert.dataset_id, reason=reason)
        alerts.mark_delivered(session, alert)
        return
    pause = retry_pause(alert.delivery_attempts)
    log.warning("alert.not_delivered", alert=alert.id, reason=reason, retry_in_seconds=pause.total_seconds())
    alerts.postpone(session, alert, now + pause)


def retry_pause(attempts: int) -> timedelta:
    """The pause after a failed delivery that `attempts` failed ones preceded."""
    doubled: timedelta = FIRST_PAUSE * 2**attempts
    return min(doubled, LONGEST_PAUSE)


def _message(alert: AlertRecord, event: str) -> dict[str, Any]:
    """The JSON body of a delivery."""
    return {
        "alert": alert.id,
        "event": event,
        "kind": alert.kind,
        "dataset": alert.dataset_id,
        "rule": alert.rule_id,
        "indicator": alert.indicator_id,
        "period": _month(alert.period),
        "reason": alert.reason,
        "raised_at": alert.raised_at,
        "cleared_at": alert.cleared_at if event == "cleared" else None,
    }


def _describe(release: ReleaseRecord) -> str:
    if release.published_at is None:
        return _not_published(release)
    return f"{_due(release)}; {release.missing} series are missing"


def _not_published(release: ReleaseRecord | IndicatorReleaseRecord) -> str:
    return f"{_due(release)} and is not published"


def _due(release: ReleaseRecord | IndicatorReleaseRecord) -> str:
    return f"{_month(release.period)} was due {release.due_from:%Y-%m-%d %H:%M} UTC"


def _month(period: date) -> str:
    return f"{period:%Y-%m}"
