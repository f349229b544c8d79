"""One polite way to ask a provider: in turn, not too often, not twice for what has not changed, not for ever.

Conditional requests and Retry-After are those of RFC 9110 (sections 10.2.3 and 13.1).
"""

import json
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import SecretStr

from sources.errors import ChangedShape, Refused, SourceError, TooLarge, Truncated, Unreachable

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
SAID = 160
Params = Mapping[str, str]
Secrets = Mapping[str, SecretStr]


@dataclass(frozen=True, slots=True)
class RequestPolicy:
    """How a provider is asked. Times in seconds; `pause` lies between two requests to it."""

    timeout: float = 60.0
    tries: int = 4
    first_wait: float = 2.0
    longest_wait: float = 120.0
    pause: float = 1.0
    limit_bytes: int = 100_000_000


@dataclass(frozen=True, slots=True)
class Validator:
    """What a later request can ask with, so that an unchanged body is not sent again."""

    etag: str | None
    last_modified: str | None


@dataclass(frozen=True, slots=True)
class ProviderResponse:
    """A body, whole, and the address it came from, without any key."""

    where: str
    content: bytes

    def text(self) -> str:
        """The body as text. Raises ChangedShape."""
        try:
            return self.content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ChangedShape(self.where, expected="UTF-8 text", found=f"other bytes at {error.start}") from error

    def json(self) -> Any:
        """The body as JSON. Raises ChangedShape, for HTML in its place by that name."""
        self.refuse_html("JSON")
        body = self.text()
        try:
            return json.loads(body)
        except json.JSONDecodeError as error:
            found = f"something else at character {error.pos} of {len(body)}"
            raise ChangedShape(self.where, expected="JSON", found=found) from error

    def refuse_html(self, expected: str) -> None:
        """Raise ChangedShape where this is a page for people, told by what it says."""
        if self.content.lstrip()[:1] == b"<":
            raise ChangedShape(self.where, expected=expected, found=f"HTML: {_said(self.text())}")


@dataclass(slots=True)
class Client:
    """Asks a provider; `known` are the validators of last time, `seen` those of this time.

    `sleep`, `monotonic` and `now` are the clock's, `jitter` draws from 0 to 1.
    """

    policy: RequestPolicy = RequestPolicy()
    known: Mapping[str, Validator] = field(default_factory=dict)
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    jitter: Callable[[], float] = field(default_factory=lambda: random.Random(0).random)
    seen: dict[str, Validator] = field(default_factory=dict)
    unmodified: int = 0
    _http: httpx.Client = field(init=False)
    _last: float | None = None

    def __post_init__(self) -> None:
        self._http = httpx.Client(timeout=self.policy.timeout, headers={"User-Agent": "tradewind"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._http.close()

    def get(
        self,
        url: str,
        params: Params | None = None,
        *,
        headers: Params | None = None,
        secret_params: Secrets | None = None,
        secret_headers: Secrets | None = None,
        fresh: bool = False,
    ) -> ProviderResponse | None:
        """The body, empty where there is none (204); None where it is the one of last time (304), unless asked `fresh`.

        Secrets are sent and told to nobody. Raises Unreachable, Truncated, Refused, TooLarge.
        """
        where = str(httpx.URL(url, params=params or None))
        conditions = {} if fresh else self._conditional(where)
        asked = conditions | dict(headers or {}) | _plain(secret_headers)
        secrets = _plain(secret_params)
        # A redirect could carry a key to another host.
        safe = not secrets and not secret_headers
        request = self._http.build_request("GET", httpx.URL(where).copy_merge_params(secrets), headers=asked)
        hidden = [*secrets.values(), *_plain(secret_headers).values()]
        attempt = 0
        while True:
            attempt += 1
            self._keep_pace()
            try:
                return self._send(request, where, follow=safe, hidden=hidden)
            except (Unreachable, Truncated, Refused) as error:
                wait = self._wait(error, attempt)
                if wait is None:
                    raise
                self.sleep(wait)

    def reach(self, url: str) -> None:
        """Ask once whether anybody is there, whatever the answer. Raises Unreachable, Refused for a server's fault."""
        where = str(httpx.URL(url))
        try:
            with self._http.stream("GET", where) as response:
                status = response.status_code
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise Unreachable(where, str(error) or type(error).__name__, 1) from error
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise Refused(where, status, "")

    def _conditional(self, where: str) -> dict[str, str]:
        last_time = self.known.get(where)
        if last_time is None:
            return {}
        given = {"If-None-Match": last_time.etag, "If-Modified-Since": last_time.last_modified}
        return {name: value for name, value in given.items() if value}

    def _keep_pace(self) -> None:
        if self._last is not None:
            early = self._last + self.policy.pause - self.monotonic()
            if early > 0:
                self.sleep(early)
        self._last = self.monotonic()

    def _send(self, request: httpx.Request, where: str, *, follow: bool, hidden: list[str]) -> ProviderResponse | None:
        try:
            response = self._http.send(request, stream=True, follow_redirects=follow)
            try:
                return self._read(response, where, hidden)
            finally:
                response.close()
        except httpx.RemoteProtocolError as error:
            raise Truncated(where, str(error)) from error
        except httpx.DecodingError as error:
            raise Truncated(where, f"it does not unpack: {error}") from error
        except (httpx.TransportError, httpx.TooManyRedirects, httpx.InvalidURL) as error:
            raise Unreachable(where, str(error) or type(error).__name__, self.policy.tries) from error

    def _read(self, response: httpx.Response, where: str, hidden: list[str]) -> ProviderResponse | None:
        if response.status_code == httpx.codes.NOT_MODIFIED:
            self.unmodified += 1
            self.seen[where] = self.known.get(where, Validator(None, None))
            return None
        parts, size = [], 0
        for part in response.iter_bytes():
            size += len(part)
            if size > self.policy.limit_bytes:
                raise TooLarge(where, self.policy.limit_bytes)
            parts.append(part)
        content = b"".join(parts)
        if not response.is_success:
            said = _said(content[:10_000].decode("utf-8", "replace"), hidden)
            raise Refused(where, response.status_code, said, retry_after=self._retry_after(response))
        validator = Validator(response.headers.get("etag"), response.headers.get("last-modified"))
        if validator != Validator(None, None):
            self.seen[where] = validator
        return ProviderResponse(where, content)

    def _retry_after(self, response: httpx.Response) -> float | None:
        """Seconds, from seconds or from a date."""
        given: str = response.headers.get("retry-after", "")
        if given.isdigit():
            return float(given)
        try:
            return max(0.0, (parsedate_to_datetime(given) - self.now()).total_seconds())
        except (ValueError, TypeError):
            return None

    def _wait(self, error: SourceError, attempt: int) -> float | None:
        """Seconds to wait before the next try, or None where there is none worth making."""
        if attempt == self.policy.tries:
            return None
        if isinstance(error, Refused):
            if error.status not in RETRIED_STATUSES:
                return None
            if error.retry_after is not None:
                return error.retry_after if error.retry_after <= self.policy.longest_wait else None
        # Half of it at random, so that many who failed together do not come back together.
        longest = min(self.policy.longest_wait, self.policy.first_wait * 2.0 ** (attempt - 1))
        return longest * (0.5 + 0.5 * self.jitter())


def _plain(secrets: Secrets | None) -> dict[str, str]:
    return {name: secret.get_secret_value() for name, secret in (secrets or {}).items()}


def _said(body: str, hidden: list[str] | None = None) -> str:
    """The beginning of a body in words, without tags and secrets."""
    for secret in hidden or []:
        body = body.replace(secret, "***")
    words = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", body, flags=re.DOTALL | re.IGNORECASE)
    return " ".join(words.split())[:SAID]
