"""Spans of months that one asks about: months, quarters, calendar years, the year to date, January with February.

A month is a number here: twelve times the year, plus the month less one.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

Frequency = Literal["M", "Q", "A", "YTD", "JF"]
FREQUENCIES: tuple[Frequency, ...] = get_args(Frequency)
KINDS = {1: "month", 2: "jan_feb", 3: "quarter", 12: "year"}
"""Kinds by length, of spans that begin where such a one does in the calendar."""
KINDS_OF: dict[Frequency, str] = {"M": "month", "Q": "quarter", "A": "year", "YTD": "year_to_date", "JF": "jan_feb"}
YEAR = 12
LONGEST = 24
MONTH = r"(\d{4})-(0[1-9]|1[0-2])"
WRITTEN = "a period is written 2026, 2026-Q1, 2026-03 or 2026-01/2026-02"


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive months from `first` to `last`, both included.

    `kind` is month, jan_feb, quarter, year, year_to_date, or span where it is none of them.
    """

    first: int
    last: int
    kind: str

    @property
    def months(self) -> int:
        """How many months it has."""
        return self.last - self.first + 1

    @property
    def label(self) -> str:
        """As it is written: 2026, 2026-Q1, 2026-03 or 2026-01/2026-02."""
        year, month = divmod(self.first, YEAR)
        if self.kind == "year":
            return f"{year:04}"
        if self.kind == "quarter":
            return f"{year:04}-Q{month // 3 + 1}"
        if self.kind == "month":
            return month_text(self.first)
        return f"{month_text(self.first)}/{month_text(self.last)}"

    def observed(self, cutoff: int) -> int:
        """How many of its months are none later than the cutoff."""
        return min(max(cutoff - self.first + 1, 0), self.months)

    def back(self, months: int) -> "Span":
        """The same span that many months earlier."""
        first, last = self.first - months, self.last - months
        return Span(first, last, _kind(first, last) if months % YEAR else self.kind)


def month_number(year: int, month: int) -> int:
    """A month as a number."""
    return year * YEAR + month - 1


def month_text(number: int) -> str:
    """A month as YYYY-MM."""
    return f"{number // YEAR:04}-{number % YEAR + 1:02}"


def spans_ahead(cutoff: int, horizon: int, frequency: Frequency) -> list[Span]:
    """Every span of a frequency that ends 1 to `horizon` months after the cutoff, in order; some are partly past."""
    found = []
    for last in range(cutoff + 1, cutoff + horizon + 1):
        month = last % YEAR + 1
        if frequency == "M":
            found.append(Span(last, last, "month"))
        elif frequency == "Q" and month % 3 == 0:
            found.append(Span(last - 2, last, "quarter"))
        elif frequency == "A" and month == YEAR:
            found.append(Span(last - YEAR + 1, last, "year"))
        elif frequency == "JF" and month == 2:
            found.append(Span(last - 1, last, "jan_feb"))
        elif frequency == "YTD":
            found.append(Span(last - month + 1, last, "year_to_date"))
    return found


def read_span(text: str) -> Span:
    """The span that is written 2026, 2026-Q1, 2026-03 or 2026-01/2026-02. Raises ValueError, saying what is wrong."""
    if found := re.fullmatch(r"(\d{4})", text):
        first = month_number(int(found[1]), 1)
        return Span(first, first + YEAR - 1, "year")
    if found := re.fullmatch(r"(\d{4})-Q([1-4])", text):
        first = month_number(int(found[1]), 3 * int(found[2]) - 2)
        return Span(first, first + 2, "quarter")
    if found := re.fullmatch(f"{MONTH}(?:/{MONTH})?", text):
        first = month_number(int(found[1]), int(found[2]))
        last = month_number(int(found[3]), int(found[4])) if found[3] else first
        if not 0 <= last - first < LONGEST:
            raise ValueError(f"a period runs from its first month to its last, {LONGEST} months at most")
        return Span(first, last, _kind(first, last))
    raise ValueError(WRITTEN)


def _kind(first: int, last: int) -> str:
    length = last - first + 1
    begins = length in KINDS and first % (YEAR if length == 2 else length) == 0
    return KINDS[length] if begins else "span"
