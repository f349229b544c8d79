"""Notifications in words, and as the message that webhooks send."""

from collections.abc import Callable, Mapping
from typing import Any

from store.queries.notifications import NotificationRecord


def describe(notification: NotificationRecord) -> str:
    """A notification in one sentence."""
    return f"{notification.dataset_id}: {_TEXTS[notification.type](notification.data)}"


def _published(data: Mapping[str, Any]) -> str:
    return f"run {data['run']} is published, with data to {data['cutoff']} and {data['horizon']} months ahead"


def _arrived(data: Mapping[str, Any]) -> str:
    months = " to ".join(dict.fromkeys((data["first_month"], data["last_month"])))
    return f"{data['observations']} observations of {data['series']} series arrived on {data['vintage']}, for {months}"


def _surprised(data: Mapping[str, Any]) -> str:
    first = data["series"][0]
    largest = f"{first['unique_id']} {first['actual']:,.4g} {data['unit']}, forecast {first['median']:,.4g}"
    return (
        f"{data['outside']} of {data['forecasts']} forecasts of {data['month']} missed their 95 % interval"
        f" ({data['expected']:g} expected); largest miss {largest}"
    )


def _reason(data: Mapping[str, Any]) -> str:
    return f"{data['reason']}"


_TEXTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "run.published": _published,
    "figures.arrived": _arrived,
    "forecast.surprised": _surprised,
    "release.late": _reason,
    "rule.met": _reason,
}


def message(notification: NotificationRecord) -> dict[str, Any]:
    """The JSON body of a delivery: type, timestamp and data as in Standard Webhooks, and a sentence as `text`."""
    return {
        "type": notification.type,
        "timestamp": notification.occurred_at,
        "text": describe(notification),
        "data": {"id": notification.id, "dataset": notification.dataset_id, **notification.data},
    }


def delivery_state(notification: NotificationRecord) -> str:
    """Delivered, abandoned, retrying after a failure, or waiting for the first delivery."""
    if notification.delivered_at is not None:
        return "delivered"
    if notification.abandoned_at is not None:
        return "abandoned"
    return "retrying" if notification.attempts else "waiting"
