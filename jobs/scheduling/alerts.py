"""Alerts on late releases and failing sources, each reported once when raised and once when cleared."""

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
"""Delivery ends after about six hours; log and metrics still report the alert."""
EVENTS = ("raised", "cleared")

log = structlog.get_logger(__name__)


def watch_releases(session: Session, *, now: datetime, grace: timedelta) -> None:
    """Raise an alert for the newest late release of each dataset; clear alerts of releases that are no longer late."""
    late = [release for release in releases.due(session, now) if release.status(now, grace) == "late"]
    # Months due together, such as January and February, raise one alert, for the last of them.
    newest = {release.dataset_id: release for release in late}
    for release in newest.values():
        if alerts.raise_alert(session, release.dataset_id, "late", release.period, reason=_in_words(release), now=now):
            log.warning(
                "release.late", dataset=release.dataset_id, period=_month(release.period), reason=_in_words(release)
            )
    still_late = {(release.dataset_id, release.period) for release in late}
    for alert in alerts.open_alerts(session, kind="late"):
        if (alert.dataset_id, alert.period) not in still_late:
            alerts.clear(session, alert.id, now)
            log.info("release.complete", dataset=alert.dataset_id, period=_month(alert.period))


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
    """Send due notifications; failed ones are retried at growing intervals. Commits after each.

    Without a webhook, the log is the only report.
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
    """Message for the receiver of the webhook."""
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
