"""Webhook: a signed POST in the form of Standard Webhooks (https://www.standardwebhooks.com)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import httpx
import orjson
import standardwebhooks

from errors import TradewindError
from sources.client import without_userinfo
from sources.deadline import DeadlineExceeded, call_within

TIMEOUT_SECONDS, DEADLINE_SECONDS = 10.0, 20.0


class NotDelivered(TradewindError):
    """The receiver is unreachable, or its status is not 2xx."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"{url}: {reason}")


@dataclass(frozen=True, slots=True)
class Webhook:
    """URL and signing secret of a webhook; a secret that begins with `whsec_` is base64, any other is text."""

    url: str
    secret: str = field(repr=False)

    def send(self, message: Mapping[str, Any], *, delivery: str, now: datetime) -> None:
        """Send a message as JSON. `delivery` identifies the event at every attempt; `now` is in UTC.

        The signature covers the identifier and the time too, so that an old message cannot be replayed as a new one.
        Raises NotDelivered.
        """
        body = orjson.dumps(message)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": delivery,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer().sign(delivery, now, body.decode()),
        }
        post = partial(httpx.post, self.url, content=body, headers=headers, timeout=TIMEOUT_SECONDS)
        try:
            status = call_within(DEADLINE_SECONDS, post).status_code
        except (httpx.HTTPError, httpx.InvalidURL, DeadlineExceeded) as error:
            raise NotDelivered(self._shown, f"{type(error).__name__}: {error}") from error
        if not 200 <= status < 300:
            raise NotDelivered(self._shown, f"status {status}")

    def _signer(self) -> standardwebhooks.Webhook:
        encoded = self.secret.startswith("whsec_")
        return standardwebhooks.Webhook(self.secret if encoded else self.secret.encode())

    @property
    def _shown(self) -> str:
        """The URL as errors and logs show it: without credentials, of which a query may hold some."""
        return without_userinfo(httpx.URL(self.url).copy_with(query=None))
