"""Errors of sections and reports.

PresentationError
├── NoSuchSection        a section that a page does not have, or not in the requested file format
└── FormatUnavailable    a report format that this machine cannot produce
"""

from collections.abc import Sequence

from errors import TradewindError


class PresentationError(TradewindError):
    """A document or section that cannot be produced."""


class NoSuchSection(PresentationError):
    """A section that the page does not have, or not in the requested file format."""

    def __init__(self, section: str | None, saved: str, sections: Sequence[str]) -> None:
        self.section, self.saved, self.sections = section, saved, tuple(sections)
        super().__init__(f"this page has no section {section} as {saved}; its sections: {', '.join(sections)}")


class FormatUnavailable(PresentationError):
    """A report format whose library is missing on this machine."""

    def __init__(self, document: str, reason: str) -> None:
        self.document, self.reason = document, reason
        super().__init__(f"{document} cannot be produced on this server: {reason}")
