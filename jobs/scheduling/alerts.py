"""Alerts: late releases and failing sources, told once when they begin and once when they are over."""

from datetime import date, datetime, timedelta
from typing import Any

import structlog
from sqlmodel import Session

from jobs.scheduling.webhook import NotDelivered, Webhook
from store.queries import alerts, releases
from store.queries.alerts import AlertRecord
from store.queries.releases import ReleaseRecord

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
MOST_ATTEMPTS = 12
"""After some six hours nobody is told any more: the log and the metrics still say it."""
EVENTS = ("raised", "cleared")

log = structlog.get_logger(__name__)


def watch_releases(session: Session, *, now: datetime, grace: timedelta) -> None:
    """Raise an alert for each dataset's newest late release, and clear those of releases that are late no longer."""
    late = [one for one in releases.due(session, now) if one.status(now, grace) == "late"]
    # Months due together, as January and February, are one event: the last of them.
    newest = {one.dataset_id: one for one in late}
    for one in newest.values():
        if alerts.raise_alert(session, one.dataset_id, "late", one.period, reason=_in_words(one), now=now):
            log.warning("release.late", dataset=one.dataset_id, period=_month(one.period), reason=_in_words(one))
    late_still = {(one.dataset_id, one.period) for one in late}
    for alert in alerts.open_alerts(session, kind="late"):
        if (alert.dataset_id, alert.period) not in late_still:
            alerts.clear(session, alert.id, now)
            log.info("release.came", dataset=alert.dataset_id, period=_month(alert.period))


def note_source(session: Session, awaited: ReleaseRecord, *, failure: str | None, now: datetime) -> None:
    """Raise an alert where the source of an awaited release failed; clear it once the source answers again."""
    open_now = alerts.open_alerts(session, awaited.dataset_id, "source")
    if failure is None:
        for alert in open_now:
            alerts.clear(session, alert.id, now)
            log.info("source.answers_again", dataset=alert.dataset_id)
    elif not open_now:
        alerts.raise_alert(session, awaited.dataset_id, "source", awaited.period, reason=failure, now=now)
        log.warning("source.fails", dataset=awaited.dataset_id, reason=failure)


def tell(session: Session, webhook: Webhook | None, *, now: datetime) -> None:
    """Send what is to be told now; what fails is tried again, ever later. Commits after each.

    Without a webhook the log has said it already.
    """
    while (alert := alerts.next_undelivered(session, now)) is not None:
        event = EVENTS[alert.delivered_events]
        try:
            if webhook is not None:
                webhook.send(_message(alert, event), delivery=f"{alert.id}-{event}", now=now)
            alerts.mark_delivered(session, alert)
        except NotDelivered as error:
            _try_later(session, alert, now, str(error))
        session.commit()


def _try_later(session: Session, alert: AlertRecord, now: datetime, reason: str) -> None:
    if alert.delivery_attempts + 1 >= MOST_ATTEMPTS:
        log.error("alert.undelivered", alert=alert.id, dataset=alert.dataset_id, reason=reason)
        alerts.mark_delivered(session, alert)
        return
    pause = min(FIRST_PAUSE * 2**alert.delivery_attempts, LONGEST_PAUSE)
    log.warning("alert.not_delivered", alert=alert.id, reason=reason, again_in_seconds=pause.total_seconds())
    alerts.postpone(session, alert, now + pause)


def _message(alert: AlertRecord, event: str) -> dict[str, Any]:
    """What the webhook's receiver reads."""
    return {
        "alert": alert.id,
        "event": event,
        "kind": alert.kind,
        "dataset": alert.dataset_id,
        "period": _month(alert.period),
        "reason": alert.reason,
        "raised_at": alert.raised_at,
        "cleared_at": alert.cleared_at if event == "cleared" else None,
    }


def _in_words(release: ReleaseRecord) -> str:
    due = f"due {release.due_from:%Y-%m-%d %H:%M} UTC"
    if release.published_at is None:
        return f"{_month(release.period)} was {due} and has not come"
    return f"{_month(release.period)} was {due}; {release.missing} series have not come"


def _month(period: date) -> str:
    return f"{period:%Y-%m}"
