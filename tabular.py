"""Tables from outside: reading them, and refusing what is wrong with them, row by row.

TableError
├── UnreadableTable            it cannot be read as a table at all
└── BadRows                    it can, and these are its faults
"""

from collections.abc import Sequence
from dataclasses import dataclass

SHOWN_FAULTS = 3


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one cell. `row` counts as in the file, where a CSV's header is row 1."""

    row: int | None
    column: str
    value: str
    reason: str

    def __str__(self) -> str:
        place = f"row {self.row}, {self.column}" if self.row is not None else self.column
        return f"{place}: {self.reason}" + (f" ({self.value!r})" if self.value else "")


def summary(faults: Sequence[Fault], total: int) -> str:
    """The first few faults in words, and how many there are in all."""
    shown = "; ".join(map(str, faults[:SHOWN_FAULTS]))
    return shown if total <= SHOWN_FAULTS else f"{shown}; and {total - SHOWN_FAULTS} more"


class TableError(ValueError):
    """A table from outside that is not accepted."""


class UnreadableTable(TableError):
    """The bytes are no table we read."""

    def __init__(self, source: str, reason: str) -> None:
        self.source, self.reason = source, reason
        super().__init__(f"{source}: {reason}")


class BadRows(TableError):
    """A table with faults in it: the first of them (as many as are kept), and their number."""

    def __init__(self, faults: Sequence[Fault], *, total: int | None = None) -> None:
        self.faults, self.total = tuple(faults), len(faults) if total is None else total
        super().__init__(summary(self.faults, self.total))
