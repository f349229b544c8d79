"""Notifications for readers: recorded at every tick, sent to the webhook, retried with increasing pauses."""

from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from jobs.scheduling.alerts import MAX_ATTEMPTS, retry_pause
from jobs.scheduling.webhook import NotDelivered, Webhook
from services.alerts.notifications import message
from store.queries import notifications
from store.queries.notifications import NotificationRecord

LOOK_BACK = timedelta(days=7)
"""Older events are not notified: a scheduler that was away for longer would send stale news."""

log = structlog.get_logger(__name__)


def record_notifications(session: Session, *, now: datetime) -> None:
    """Record what happened in the last days and is not recorded yet. The caller commits."""
    added = notifications.record(session, since=now - LOOK_BACK, now=now)
    if added:
        log.info("notifications.recorded", number=added)


def deliver_notifications(session: Session, webhook: Webhook | None, *, now: datetime) -> None:
    """Send the notifications that are due; commits after each. Without a webhook the feed is the only delivery."""
    if webhook is None:
        return
    while (found := notifications.next_undelivered(session, since=now - LOOK_BACK, now=now)) is not None:
        _send(session, webhook, found, now)
        session.commit()


def _send(session: Session, webhook: Webhook, notification: NotificationRecord, now: datetime) -> None:
    try:
        webhook.send(message(notification), delivery=f"notification-{notification.id}", now=now)
    except NotDelivered as error:
        # The reason alone: the address of a webhook may be a secret.
        _retry_later(session, notification, now, error.reason)
    else:
        notifications.mark_delivered(session, notification.id, now)


def _retry_later(session: Session, notification: NotificationRecord, now: datetime, reason: str) -> None:
    if notification.attempts + 1 >= MAX_ATTEMPTS:
        log.error("notification.undelivered", notification=notification.id, reason=reason)
        notifications.abandon(session, notification, now, reason)
        return
    pause = retry_pause(notification.attempts)
    log.warning("notification.not_delivered", notification=notification.id, reason=reason, retry_in=str(pause))
    notifications.postpone(session, notification, now + pause, reason)
