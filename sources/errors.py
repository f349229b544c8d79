"""Errors of providers and feeds.

SourceError
├── Unreachable                no answer after all attempts
├── Truncated                  a body that ends before it should
├── Refused                    an HTTP error status
├── TooLarge                   a body over the size limit
├── ChangedShape               an answer without the documented form
├── WrongUnit                  values in another unit than the dataset's
├── UnknownCode                a code of the provider that is not mapped
├── UnknownPartnerName         a name of a country that is not recognised, with those most like it
├── CapReached                 more records than one answer may hold, and no smaller request
├── NoFigures                  expected months without values
├── BadFeeds                   a feeds file that is unreadable or invalid
├── UnknownProvider            a base URL for an unknown provider
├── BadDefinition              a description of a dataset or an indicator that the store cannot hold
└── NoFeed                     a dataset without a feed
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from errors import TradewindError

SHOWN = 5


class SourceError(TradewindError):
    """Anything wrong with a provider or a feed."""


class Unreachable(SourceError):
    """The provider did not answer."""

    def __init__(self, where: str, reason: str, tries: int) -> None:
        self.where, self.reason, self.tries = where, reason, tries
        super().__init__(f"{where}: no answer in {tries} tries: {reason}")


class Truncated(SourceError):
    """The body ended before it should."""

    def __init__(self, where: str, reason: str) -> None:
        self.where, self.reason = where, reason
        super().__init__(f"{where}: the body is cut short: {reason}")


class Refused(SourceError):
    """The provider answered with an error status.

    `excerpt` is the beginning of the body. The message leaves it out: messages are stored, alerted and served.
    """

    def __init__(self, where: str, status: int, excerpt: str, *, retry_after: float | None = None) -> None:
        self.where, self.status, self.excerpt, self.retry_after = where, status, excerpt, retry_after
        later = f", retry after {retry_after:.0f} s" if retry_after is not None else ""
        super().__init__(f"{where}: answered {status}{later}")


class TooLarge(SourceError):
    """The body is larger than is accepted."""

    def __init__(self, where: str, limit_bytes: int) -> None:
        self.where, self.limit_bytes = where, limit_bytes
        super().__init__(f"{where}: the body is larger than the {limit_bytes / 1e6:g} MB accepted")


class ChangedShape(SourceError):
    """The answer does not have the documented form; `excerpt` is its beginning, which the message leaves out."""

    def __init__(self, where: str, *, expected: str, found: str, excerpt: str = "") -> None:
        self.where, self.expected, self.found, self.excerpt = where, expected, found, excerpt
        super().__init__(f"{where}: expected {expected}, found {found}")


class WrongUnit(SourceError):
    """The figures are in another unit than the dataset's."""

    def __init__(self, where: str, *, expected: str, found: str) -> None:
        self.where, self.expected, self.found = where, expected, found
        super().__init__(f"{where}: the figures should be in {expected} and are in {found}")


class UnknownCode(SourceError):
    """A code of the provider's that stands for nothing we know."""

    def __init__(self, where: str, kind: str, codes: Sequence[str]) -> None:
        self.where, self.kind, self.codes = where, kind, tuple(codes)
        shown = ", ".join(map(repr, codes[:SHOWN])) + (f" and {len(codes) - SHOWN} more" if len(codes) > SHOWN else "")
        super().__init__(f"{where}: unknown {kind} {shown}")


class UnknownPartnerName(SourceError):
    """Names of countries that are not recognised, with the names most like each."""

    def __init__(self, where: str, suggestions: Mapping[str, Sequence[str]]) -> None:
        self.where, self.suggestions = where, dict(suggestions)
        shown = [
            f"{name[:40]!r}" + (f" (perhaps {' or '.join(like)})" if like else "")
            for name, like in list(suggestions.items())[:SHOWN]
        ]
        more = f" and {len(suggestions) - SHOWN} more" if len(suggestions) > SHOWN else ""
        super().__init__(f"{where}: no partner is called {', '.join(shown)}{more}")


class CapReached(SourceError):
    """The request exceeds the records of one answer and cannot be split."""

    def __init__(self, where: str, cap: int) -> None:
        self.where, self.cap = where, cap
        super().__init__(f"{where}: the answer is full at {cap} records; name partners or sectors to ask for fewer")


class NoFigures(SourceError):
    """Months that should have figures and have none."""

    def __init__(self, where: str, months: Sequence[str]) -> None:
        self.where, self.months = where, tuple(months)
        span = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"
        super().__init__(f"{where}: no figures for {span}")


class BadFeeds(SourceError):
    """A feeds file that cannot be read, or says something wrong."""

    def __init__(self, path: Path, reason: str, *, table: str | None = None, line: int | None = None) -> None:
        self.path, self.reason, self.table, self.line = path, reason, table, line
        place = f", line {line}" if line is not None else ""
        super().__init__(f"{path}{place}" + (f", [{table}]" if table else "") + f": {reason}")


class NoFeed(SourceError):
    """A dataset that no feed delivers."""

    def __init__(self, dataset: str, feeds: Sequence[str]) -> None:
        self.dataset, self.feeds = dataset, tuple(feeds)
        super().__init__(f"no feed delivers {dataset}; there are feeds of {', '.join(feeds) or 'nothing'}")


class UnknownProvider(SourceError):
    """No provider has this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(f"no provider is called {name}; there are {', '.join(known)}")


class BadDefinition(SourceError):
    """A description of a dataset or an indicator that the store cannot hold."""

    def __init__(self, field: str, value: object, reason: str) -> None:
        self.field, self.value, self.reason = field, value, reason
        super().__init__(f"{field} {value}: {reason}")
