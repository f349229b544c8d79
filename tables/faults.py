"""Faults of tables from files and requests.

TableError
├── UnreadableTable            the bytes are no table
├── MisspeltColumns            columns resemble a known column
├── BadDialect                 a named separator, mark or encoding is unknown
├── BadLayout                  a named column is missing
└── BadRows                    rows have faults

Rows are numbered as in Excel: a header in the first line is row 1.
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
SHOWN_COLUMNS, SHOWN_LETTERS = 12, 40
# Names resemble each other if they share at least this proportion of letters.
SIMILARITY = 0.8


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one cell. Rows are numbered as in Excel: a header in the first line is row 1."""

    row: int | None
    column: str
    value: str
    reason: str

    def __str__(self) -> str:
        place = f"row {self.row}, {self.column}" if self.row is not None else self.column
        return f"{place}: {self.reason}" + (f" ({self.value!r})" if self.value else "")


def summary(faults: Sequence[Fault], total: int) -> str:
    """The first few faults as text, and their total number."""
    shown = "; ".join(map(str, faults[:SHOWN_FAULTS]))
    return shown if total <= SHOWN_FAULTS else f"{shown}; and {total - SHOWN_FAULTS} more"


class TableError(TradewindError, ValueError):
    """A table that is not accepted."""


class UnreadableTable(TableError):
    """The bytes are not a readable table."""

    def __init__(self, source: str, reason: str) -> None:
        self.source, self.reason = source, reason
        super().__init__(f"{source}: {reason}")


class MisspeltColumns(TableError):
    """Columns resemble a known column; ignoring them silently would use its default."""

    def __init__(self, columns: Sequence[str], known: Sequence[str]) -> None:
        self.columns, self.known = tuple(columns), tuple(known)
        found = ", ".join(map(repr, self.columns[:SHOWN_COLUMNS]))
        super().__init__(f"the header has {found}, which is not read; the columns are {', '.join(self.known)}")


class BadDialect(TableError):
    """A named separator, mark or encoding is unknown."""

    def __init__(self, option: str, value: str, reason: str) -> None:
        self.option, self.value, self.reason = option, value, reason
        super().__init__(f"{option} {value!r}: {reason}")


class BadLayout(TableError):
    """A named column is missing, or cannot have the named role."""

    def __init__(self, option: str, value: str, reason: str) -> None:
        self.option, self.value, self.reason = option, value, reason
        super().__init__(f"{option} {value!r}: {reason}")


class BadRows(TableError):
    """A table with faults: the first of them, and their number."""

    def __init__(self, faults: Sequence[Fault], *, total: int | None = None) -> None:
        self.faults, self.total = tuple(faults), len(faults) if total is None else total
        super().__init__(summary(self.faults, self.total))


@dataclass(slots=True)
class Faults:
    """Collector of faults; all are counted, the first are kept."""

    kept: list[Fault] = field(default_factory=list)
    total: int = 0

    def add(self, column: Column, bad: NDArray[np.bool_], reason: str) -> None:
        """Record the cells of `column` where `bad`, an array of the same length, is true."""
        self.add_each(column, {int(place): reason for place in np.flatnonzero(bad)[:KEPT_FAULTS]}, int(bad.sum()))

    def add_each(self, column: Column, reasons: dict[int, str], total: int) -> None:
        """Record cells of `column` by position, with a reason for each; `total` includes those not listed."""
        self.total += total
        for place in list(reasons)[: max(0, KEPT_FAULTS - len(self.kept))]:
            value = plain(column.iloc[place])[:SHOWN_LETTERS]
            name = str(column.name)[:SHOWN_LETTERS]
            self.kept.append(Fault(int(column.index[place]), name, value, reasons[place]))

    def stop(self) -> None:
        """Raise BadRows if there are faults, in the order of rows."""
        if self.total:
            raise BadRows(sorted(self.kept, key=lambda fault: fault.row or 0), total=self.total)


def require_columns(
    frame: pd.DataFrame, columns: Sequence[str], name: str = "the table", *, optional: Sequence[str] | None = None
) -> None:
    """Raise UnreadableTable unless the frame has each of `columns`.

    With the known columns in `optional`, raise MisspeltColumns for other columns that resemble one of them.
    """
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        found = ", ".join(str(column)[:SHOWN_LETTERS] for column in frame.columns[:SHOWN_COLUMNS])
        help_ = "" if len(frame.columns) > 1 else "; if that is a row of cells, name what separates them: --separator"
        raise UnreadableTable(name, f"the header lacks {', '.join(missing)}; it has {found}{help_}")
    known = [*columns, *(optional or ())]
    unread = [str(column) for column in frame.columns if column not in known]
    misspelt = [column for column in unread if len(column) <= SHOWN_LETTERS and _like_one(column, known)]
    if misspelt and optional is not None:
        raise MisspeltColumns(misspelt, known)


def _like_one(column: str, known: Sequence[str]) -> bool:
    return bool(get_close_matches("".join(column.casefold().split()), known, n=1, cutoff=SIMILARITY))


def plain(value: Any) -> str:
    """A cell as text: a missing value is empty, midnight is omitted, a whole number has no decimals."""
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return ""
    if isinstance(value, date):
        return value.isoformat().removesuffix("T00:00:00")
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)
