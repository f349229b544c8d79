"""HTTP client with rate limits, retries, conditional requests, a size limit and deadlines.

Conditional requests and Retry-After are those of RFC 9110 (sections 10.2.3 and 13.1).
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from types import TracebackType
from typing import Any, Self

import httpx
import stamina
from pydantic import SecretStr

from sources.deadline import DeadlineExceeded, call_within
from sources.errors import ChangedShape, Refused, TooLarge, Truncated, Unreachable

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
EXCERPT_LENGTH = 160
Params = Mapping[str, str]
Secrets = Mapping[str, SecretStr]


@dataclass(frozen=True, slots=True)
class RequestPolicy:
    """How a provider is requested. Times in seconds.

    `timeout` bounds the wait for each part of an answer, `deadline` a whole answer; `pause` separates two requests.
    """

    timeout: float = 60.0
    deadline: float = 300.0
    tries: int = 4
    first_wait: float = 2.0
    longest_wait: float = 120.0
    pause: float = 1.0
    limit_bytes: int = 100_000_000


@dataclass(frozen=True, slots=True)
class Validator:
    """Validators of a response, for a later conditional request."""

    etag: str | None
    last_modified: str | None


@dataclass(frozen=True, slots=True)
class ProviderResponse:
    """A complete body, and its URL without credentials."""

    where: str
    content: bytes

    def text(self) -> str:
        """The body as text. Raises ChangedShape."""
        try:
            return self.content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ChangedShape(self.where, expected="UTF-8 text", found=f"other bytes at {error.start}") from error

    def json(self) -> Any:
        """The body as JSON. Raises ChangedShape, also for JSON nested too deeply to be parsed."""
        self.refuse_html("JSON")
        body = self.text()
        try:
            return json.loads(body)
        except json.JSONDecodeError as error:
            found = f"something else at character {error.pos} of {len(body)}"
            raise ChangedShape(self.where, expected="JSON", found=found) from error
        except RecursionError as error:
            raise ChangedShape(self.where, expected="JSON", found="JSON that is nested too deeply") from error

    def refuse_html(self, expected: str) -> None:
        """Raise ChangedShape where the body is HTML."""
        if self.content.lstrip()[:1] == b"<":
            raise ChangedShape(self.where, expected=expected, found="HTML", excerpt=excerpt(self.text()))


@dataclass(slots=True)
class Client:
    """Requests a provider; `known` are the validators of the previous fetch, `seen` those of this one.

    `sleep`, `monotonic` and `now` are the clock's; `sleep` separates requests, while `stamina` waits between attempts.
    """

    policy: RequestPolicy = RequestPolicy()
    known: Mapping[str, Validator] = field(default_factory=dict)
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
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
        """The body, empty for 204; None for 304 (unchanged since the previous fetch), which `fresh` rules out.

        Secrets are sent, and never logged or stored. Raises Unreachable, Truncated, Refused, TooLarge.
        """
        # Merged, not replaced: the URL of a feed may have a query of its own.
        address = httpx.URL(url).copy_merge_params(dict(params or {}))
        where = without_userinfo(address)
        conditions = {} if fresh else self._conditional(where)
        sent = conditions | dict(headers or {}) | _plain(secret_headers)
        secrets = _plain(secret_params)
        # A redirect could carry a key to another host.
        safe = not secrets and not secret_headers
        request = self._http.build_request("GET", address.copy_merge_params(secrets), headers=sent)
        hidden = [*secrets.values(), *_plain(secret_headers).values()]
        try:
            return self._repeatedly(partial(self._send, request, where, follow=safe, hidden=hidden))
        except DeadlineExceeded as error:
            # The provider answers too slowly to be tried again within this fetch.
            raise Unreachable(where, str(error), 1) from error

    def reach(self, url: str) -> None:
        """Check once that the server answers. Raises Unreachable, and Refused for a server error (5xx)."""
        where = without_userinfo(httpx.URL(url))

        def status_of_answer() -> int:
            with self._http.stream("GET", url) as response:
                return response.status_code

        try:
            status = call_within(self.policy.deadline, status_of_answer)
        except DeadlineExceeded as error:
            raise Unreachable(where, str(error), 1) from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise Unreachable(where, str(error) or type(error).__name__, 1) from error
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise Refused(where, status, "")

    def _repeatedly(self, send: Callable[[], ProviderResponse | None]) -> ProviderResponse | None:
        retrying = stamina.RetryingCaller(
            attempts=self.policy.tries,
            timeout=None,
            wait_initial=self.policy.first_wait,
            wait_max=self.policy.longest_wait,
            # Clients that failed together do not retry together.
            wait_jitter=self.policy.first_wait,
        )
        return retrying(self._retry, self._paced, send)

    def _paced(self, send: Callable[[], ProviderResponse | None]) -> ProviderResponse | None:
        self._keep_pace()
        return call_within(self.policy.deadline, send)

    def _conditional(self, where: str) -> dict[str, str]:
        validator = self.known.get(where)
        if validator is None:
            return {}
        given = {"If-None-Match": validator.etag, "If-Modified-Since": validator.last_modified}
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
            raise Truncated(where, f"it does not decompress: {error}") from error
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
            beginning = excerpt(content[:10_000].decode("utf-8", "replace"), hidden)
            raise Refused(where, response.status_code, beginning, retry_after=self._retry_after(response))
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

    def _retry(self, error: Exception) -> bool | float:
        """Whether a further attempt makes sense, or the seconds that the provider wants it to wait."""
        if not isinstance(error, Refused):
            return isinstance(error, Unreachable | Truncated)
        if error.status not in RETRIED_STATUSES:
            return False
        if error.retry_after is None:
            return True
        return error.retry_after if error.retry_after <= self.policy.longest_wait else False


def _plain(secrets: Secrets | None) -> dict[str, str]:
    return {name: secret.get_secret_value() for name, secret in (secrets or {}).items()}


def without_userinfo(url: httpx.URL) -> str:
    """The URL without user name and password."""
    return str(url.copy_with(username=None, password=None) if url.userinfo else url)


def excerpt(body: str, hidden: list[str] | None = None) -> str:
    """The beginning of a body as text, without tags and secrets."""
    for secret in hidden or []:
        body = body.replace(secret, "***")
    words = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", body, flags=re.DOTALL | re.IGNORECASE)
    return " ".join(words.split())[:EXCERPT_LENGTH]
