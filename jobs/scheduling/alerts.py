"""Alerts about late releases, failing sources and runs, and rules of users: sent when raised and when cleared."""

from datetime import date, datetime, timedelta
from typing import Any

import structlog
from sqlmodel import Session

from jobs.scheduling.mail import MailServer, NotSent
from jobs.scheduling.webhook import NotDelivered, Webhook
from store.queries import alerts, catalog, releases
from store.queries.alerts import AlertRecord, MailRecord
from store.queries.releases import ReleaseRecord

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
MAX_ATTEMPTS = 12
"""Deliveries are abandoned after some six hours; the log and the metrics still show the alert."""
EVENTS = ("raised", "cleared")

log = structlog.get_logger(__name__)


def update_release_alerts(session: Session, *, now: datetime, grace: timedelta) -> None:
    """Raise an alert for each dataset's newest late release; clear those of releases that are no longer late."""
    late = [release for release in releases.due(session, now) if release.status(now, grace) == "late"]
    # Months due together, as January and February, are one event: the last of them.
    newest = {release.dataset_id: release for release in late}
    for release in newest.values():
        reason = _describe(release)
        if alerts.raise_alert(session, release.dataset_id, "late", release.period, reason=reason, now=now):
            _log_raised(release.dataset_id, "late", release.period, reason)
    still_late = {(release.dataset_id, release.period) for release in late}
    for alert in alerts.open_alerts(session, kind="late"):
        if (alert.dataset_id, alert.period) not in still_late:
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
        "period": _month(alert.period),
        "reason": alert.reason,
        "raised_at": alert.raised_at,
        "cleared_at": alert.cleared_at if event == "cleared" else None,
    }


def _describe(release: ReleaseRecord) -> str:
    due = f"due {release.due_from:%Y-%m-%d %H:%M} UTC"
    if release.published_at is None:
        return f"{_month(release.period)} was {due} and is not published"
    return f"{_month(release.period)} was {due}; {release.missing} series are missing"


def _month(period: date) -> str:
    return f"{period:%Y-%m}"
