"""Errors of sections and reports.

PresentationError
├── NoSuchSection                a section that a page does not have, or not in the file format requested
└── FormatUnavailable                    a report format that this machine cannot produce
"""

from collections.abc import Sequence

from errors import TradewindError


class PresentationError(TradewindError):
    """A document or a part of one that cannot be produced."""


class NoSuchSection(PresentationError):
    """A part of a page that is not there, or not in that form."""

    def __init__(self, block: str | None, saved: str, blocks: Sequence[str]) -> None:
        self.block, self.saved, self.blocks = block, saved, tuple(blocks)
        super().__init__(f"this page has no {block} as {saved}; it has {', '.join(blocks)}")


class FormatUnavailable(PresentationError):
    """A form of a report that this machine lacks a library for."""

    def __init__(self, what: str, reason: str) -> None:
        self.what, self.reason = what, reason
        super().__init__(f"{what} cannot be made here: {reason}")
