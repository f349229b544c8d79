"""Formats of numbers: decimal and thousands marks, missing values, and faults.

A decimal comma is detected where the column proves it: no cell has a point, no cell has two commas, and in at least
one the comma is not followed by three digits. Other marks have to be named.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tables.dialect import Dialect

LARGEST = 1e18
"""Beyond it a value is an error or in too small a unit, and sums of squares lose their precision."""
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
ONE_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+")
LIKE_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")
GROUPED = re.compile(r"[+-]?[0-9]{1,3}([., '\u2019\u00a0\u202f\u2009])[0-9]{2,3}(\1[0-9]{2,3})*([.,][0-9]+)?")
INFINITE = re.compile(r"[+-]?(inf|infinity)", re.IGNORECASE)
SPACES, APOSTROPHES = " \u00a0\u202f\u2009", "'\u2019"
MISSING = frozenset(
    {":", ".", "..", "...", "…", "-", "--", "–", "—", "n/a", "na", "n.a.", "n.a", "#n/a", "nan", "null", "none", "x"}
)
WITH_A_FLAG = re.compile(r"(:|\.\.)\s*\(?[a-z]{1,2}\)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Numerals:
    """Numbers read from distinct texts: `values`, shape (texts,), with NaN or a value beyond LARGEST where unusable."""

    texts: Sequence[str]
    values: NDArray[np.float64]
    decimal: str

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Which texts do not say a number that is accepted."""
        return ~(np.abs(self.values) <= LARGEST)

    def reason(self, place: int) -> str:
        """The reason why the text at a position is not accepted, and the remedy."""
        text, value = self.texts[place], float(self.values[place])
        if text == "":
            return "is empty"
        if is_missing(text):
            return f"is a missing value: leave the row out, or name the sign with --missing {text!r}"
        if np.isfinite(value):
            return f"is beyond {LARGEST:g}, the largest value accepted: correct it, or use a larger unit"
        if np.isinf(value) or INFINITE.fullmatch(text):
            return "is not a finite number"
        return _mark_reason(text, self.decimal)


def read_numerals(texts: Sequence[str], dialect: Dialect) -> Numerals:
    """The numbers that `texts` (stripped, distinct) say, correctly rounded."""
    decimal, thousands = _marks(texts, dialect)
    written = [text.replace("\u2212", "-") for text in texts] if any("\u2212" in text for text in texts) else texts
    if (decimal, thousands) != (".", None):
        written = [_standard(text, decimal, thousands) for text in written]
    array = pa.array(written, pa.string())
    digits = pc.utf8_ltrim(pc.if_else(pc.match_substring_regex(array, NUMBER), array, None), "+")
    values = digits.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return Numerals(texts, values, decimal)


def is_missing(text: str) -> bool:
    """Whether a cell is a common sign of a missing value; an empty cell is not."""
    return text.casefold() in MISSING or WITH_A_FLAG.fullmatch(text) is not None


def _marks(texts: Iterable[str], dialect: Dialect) -> tuple[str, str | None]:
    """The decimal and the thousands mark."""
    if dialect.decimal is not None:
        return dialect.decimal, dialect.thousands
    if dialect.thousands is not None:
        return ("," if dialect.thousands == "." else "."), dialect.thousands
    with_comma = [text for text in texts if "," in text]
    if not with_comma or any("." in text and not is_missing(text) for text in texts):
        return ".", None
    proved = all(map(ONE_COMMA.fullmatch, with_comma)) and not all(map(LIKE_THOUSANDS.fullmatch, with_comma))
    return ("," if proved else "."), None


def _standard(text: str, decimal: str, thousands: str | None) -> str:
    """The number with a decimal point and without thousands marks; other text remains and is no number."""
    whole, mark, fraction = text.partition(decimal)
    if thousands is not None:
        mark_class = {" ": f"[{SPACES}]", "'": f"[{APOSTROPHES}]"}.get(thousands, re.escape(thousands))
        if re.search(mark_class, whole):
            if not re.fullmatch(rf"[+-]?[0-9]{{1,3}}({mark_class}[0-9]{{2,3}})*{mark_class}[0-9]{{3}}", whole):
                return "?"
            whole = re.sub(mark_class, "", whole)
    if decimal != "." and ("." in whole or "." in fraction):
        return "?"
    return f"{whole}.{fraction}" if mark else whole


def _mark_reason(text: str, decimal: str) -> str:
    """Which mark is the fault, and the option that names it."""
    if decimal == "." and ONE_COMMA.fullmatch(text):
        if LIKE_THOUSANDS.fullmatch(text):
            return "has a thousands mark or a decimal comma: name it with --thousands , or --decimal ,"
        return "has a decimal comma: name it with --decimal ,"
    grouped = GROUPED.fullmatch(text)
    return f"has thousands marks: {_options(text, grouped[1])}" if grouped else "is not a number"


def _options(text: str, mark: str) -> str:
    """The options that would read a number whose groups are separated by `mark`."""
    named = "space" if mark in SPACES else "apostrophe" if mark in APOSTROPHES else mark
    rest = text[text.rindex(mark) + 1 :]
    comma = " with --decimal ," if "," in rest or mark == "." else ""
    return f"name the mark with --thousands {named}{comma}"
