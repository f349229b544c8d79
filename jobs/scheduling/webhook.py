"""Webhook: a signed POST that receivers can distinguish from forged and replayed ones."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import orjson

from errors import TradewindError

TIMEOUT_SECONDS = 10.0


class NotDelivered(TradewindError):
    """The receiver is unreachable, or its status is not 2xx."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"{url}: {reason}")


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """`sha256=` and the HMAC-SHA256 of `timestamp.body` in hexadecimal.

    The timestamp (seconds since 1970) is signed too, so that an old message cannot be replayed with a new one.
    """
    return "sha256=" + hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Webhook:
    """URL and signing secret of a webhook."""

    url: str
    secret: str = field(repr=False)

    def send(self, message: Mapping[str, Any], *, delivery: str, now: datetime) -> None:
        """Send a message as JSON. `delivery` identifies the event at every attempt. Raises NotDelivered."""
        body = orjson.dumps(message)
        timestamp = int(now.timestamp())
        headers = {
            "Content-Type": "application/json",
            "X-Tradewind-Delivery": delivery,
            "X-Tradewind-Timestamp": str(timestamp),
            "X-Tradewind-Signature": signature(self.secret, timestamp, body),
        }
        try:
            answer = httpx.post(self.url, content=body, headers=headers, timeout=TIMEOUT_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotDelivered(self.url, f"{type(error).__name__}: {error}") from error
        if not answer.is_success:
            raise NotDelivered(self.url, f"status {answer.status_code}")
