"""Notation of a table: separator, decimal mark, thousands mark, encoding, missing values, sheet."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

from tables.faults import BadDialect

SEPARATORS = {",": ",", ";": ";", "\t": "\t", "|": "|", " ": " ", ":": ":"}
SEPARATOR_NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", r"\t": "\t", "pipe": "|", "space": " "}
DECIMALS = {".": ".", ",": ",", "point": ".", "comma": ","}
THOUSANDS = {",": ",", ".": ".", " ": " ", "'": "'", "comma": ",", "point": ".", "space": " ", "apostrophe": "'"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """Notation of a table; a field that is None is detected from the table where only one reading is possible.

    With `thousands` None, numbers have no thousands mark: it is accepted only if named. A thousands mark " "
    stands for every kind of space, "'" for every kind of apostrophe. `missing` are cells that denote a missing
    value; their rows are omitted. `sheet` is a workbook's sheet, by name or by number from 0.
    """

    separator: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    missing: tuple[str, ...] = ()
    sheet: str | int = 0


STANDARD = Dialect()


def make_dialect(
    *,
    separator: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    missing: Sequence[str] = (),
    sheet: str | int | None = None,
) -> Dialect:
    """A dialect from marks as people write them: `;` or `semicolon`, `tab`, `space`.

    Raises:
        BadDialect: a mark or the encoding is unknown, or both marks are the same.
    """
    separators = {**SEPARATORS, **SEPARATOR_NAMES}
    chosen = Dialect(
        separator=_mark("separator", separator, separators),
        decimal=_mark("decimal", decimal, DECIMALS),
        thousands=_mark("thousands", thousands, THOUSANDS),
        encoding=_known_encoding(encoding),
        missing=tuple(text.strip() for text in missing),
        sheet=int(sheet) if isinstance(sheet, str) and sheet.isdecimal() else sheet or 0,
    )
    if chosen.decimal is not None and chosen.decimal == chosen.thousands:
        raise BadDialect("thousands", thousands or "", "the decimal mark is the same")
    return chosen


def _mark(option: str, given: str | None, known: dict[str, str]) -> str | None:
    if given is None:
        return None
    if given.casefold() not in known:
        names = ", ".join(name for name in known if name.strip() and not name.startswith("\\"))
        raise BadDialect(option, given, f"it is one of {names}")
    return known[given.casefold()]


def _known_encoding(given: str | None) -> str | None:
    if given is None:
        return None
    try:
        "".encode(given)
        return codecs.lookup(given).name
    except (LookupError, ValueError) as error:
        raise BadDialect(
            "encoding", given, "no text encoding has this name; cp1252 and gb18030 are examples"
        ) from error
