"""What is wrong with a table from outside, row by row.

TableError
├── UnreadableTable            it cannot be read as a table at all
├── MisspeltColumns            it has columns that look like one that is read
└── BadRows                    it can, and these are its faults

Rows are counted as in the file: a CSV's header is row 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from errors import TradewindError

Column: TypeAlias = "pd.Series[Any]"

SHOWN_FAULTS, KEPT_FAULTS = 3, 50
# From here on two names are one misspelt: by the share of letters in common.
ALIKE = 0.8


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
    """Tell the first few faults in words, and how many there are in all."""
    shown = "; ".join(map(str, faults[:SHOWN_FAULTS]))
    return shown if total <= SHOWN_FAULTS else f"{shown}; and {total - SHOWN_FAULTS} more"


class TableError(TradewindError, ValueError):
    """A table from outside that is not accepted."""


class UnreadableTable(TableError):
    """The bytes are no table we read."""

    def __init__(self, source: str, reason: str) -> None:
        self.source, self.reason = source, reason
        super().__init__(f"{source}: {reason}")


class MisspeltColumns(TableError):
    """Columns that look like one that is read: passed over in silence, they would leave its default to count."""

    def __init__(self, columns: Sequence[str], known: Sequence[str]) -> None:
        self.columns, self.known = tuple(columns), tuple(known)
        found = ", ".join(map(repr, self.columns))
        super().__init__(f"the header has {found}, which is not read; the columns are {', '.join(self.known)}")


class BadRows(TableError):
    """A table with faults in it: the first of them (as many as are kept), and their number."""

    def __init__(self, faults: Sequence[Fault], *, total: int | None = None) -> None:
        self.faults, self.total = tuple(faults), len(faults) if total is None else total
        super().__init__(summary(self.faults, self.total))


@dataclass(slots=True)
class Faults:
    """Faults as they are found; all are counted, the first are kept."""

    kept: list[Fault] = field(default_factory=list)
    total: int = 0

    def add(self, column: Column, bad: NDArray[np.bool_], reason: str) -> None:
        """Note the cells of `column` where `bad`, an array as long, is true."""
        places = np.flatnonzero(bad)
        self.total += len(places)
        for place in places[: max(0, KEPT_FAULTS - len(self.kept))]:
            value = plain(column.iloc[place])[:40]
            self.kept.append(Fault(int(column.index[place]), str(column.name), value, reason))

    def stop(self) -> None:
        """Raise BadRows if there is any, in the order of the rows."""
        if self.total:
            raise BadRows(sorted(self.kept, key=lambda fault: fault.row or 0), total=self.total)


def require_columns(
    frame: pd.DataFrame, columns: Sequence[str], name: str = "the table", *, optional: Sequence[str] | None = None
) -> None:
    """Raise UnreadableTable unless the frame has each of `columns`.

    Where `optional` says which others are read, raise MisspeltColumns for any that look like one of them and are not.
    """
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        found = ", ".join(map(str, frame.columns[:12]))
        raise UnreadableTable(name, f"the header lacks {', '.join(missing)}; it has {found}")
    known = [*columns, *(optional or ())]
    unread = [str(column) for column in frame.columns if column not in known]
    misspelt = [column for column in unread if get_close_matches(_letters(column), known, n=1, cutoff=ALIKE)]
    if misspelt and optional is not None:
        raise MisspeltColumns(misspelt, known)


def _letters(column: str) -> str:
    return "".join(column.casefold().split())


def plain(value: Any) -> str:
    """A cell as text; what is missing is empty, a day that carries a midnight is the day."""
    if pd.isna(value):
        return ""
    return value.isoformat().removesuffix("T00:00:00") if isinstance(value, date) else str(value)
