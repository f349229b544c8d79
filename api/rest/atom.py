"""Notifications as an Atom feed (RFC 4287)."""

from collections.abc import Sequence
from datetime import datetime
from xml.etree import ElementTree

from presentation import links
from services.alerts.notifications import describe
from store.queries.notifications import NotificationRecord

NAMESPACE = "http://www.w3.org/2005/Atom"
ElementTree.register_namespace("", NAMESPACE)


def atom_feed(notifications: Sequence[NotificationRecord], *, base_url: str, address: str, now: datetime) -> bytes:
    """The feed at `address`; entries link to pages under `base_url`. Without entries it was updated `now`."""
    feed = ElementTree.Element(_name("feed"))
    _add(feed, "id", address)
    _add(feed, "title", "Tradewind")
    _add(feed, "updated", (notifications[0].occurred_at if notifications else now).isoformat())
    _add(_add(feed, "author"), "name", "Tradewind")
    _add(feed, "link", rel="self", href=address)
    for notification in notifications:
        _add_entry(feed, notification, base_url)
    content: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return content


def _add_entry(feed: ElementTree.Element, notification: NotificationRecord, base_url: str) -> None:
    entry = _add(feed, "entry")
    _add(entry, "id", f"urn:tradewind:notification:{notification.id}")
    _add(entry, "title", describe(notification))
    _add(entry, "updated", notification.occurred_at.isoformat())
    _add(entry, "category", term=notification.type)
    _add(entry, "category", term=notification.dataset_id)
    _add(entry, "link", rel="alternate", href=links.absolute(base_url, _page(notification)))
    _add(entry, "content", describe(notification), type="text")


def _page(notification: NotificationRecord) -> str:
    """The page with more about a notification."""
    if notification.type == "run.published":
        return links.run_page(notification.data["run"])
    return links.series_list(dataset=notification.dataset_id)


def _add(parent: ElementTree.Element, name: str, text: str | None = None, **attributes: str) -> ElementTree.Element:
    added = ElementTree.SubElement(parent, _name(name), attributes)
    added.text = text
    return added


def _name(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
