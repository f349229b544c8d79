"""Wide tables made long: months down with a column a series, or months across with a row a series."""

from collections.abc import Collection
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tables.columns import YEARS_AHEAD, distinct, months, numbers
from tables.dialect import STANDARD, Dialect
from tables.faults import Column, Faults, UnreadableTable
from tables.months import best_form, read_months
from tables.numerals import NUMBER

MOSTLY = 0.8
"""A column is one of months where at least this share of its cells can be read as such; the rest are faults."""
SERIES_NAME = "series"
DESCRIBING = ("unique_id", "flow", "partner", "sector", "vintage", "months", "status")
"""Columns of these names describe the rows, even where they hold numbers."""


def unpivot(
    frame: pd.DataFrame,
    *,
    today: date,
    negative: bool = False,
    dialect: Dialect = STANDARD,
    month: str | None = None,
    keep: Collection[str] = (),
) -> pd.DataFrame:
    """The cells of a wide table, a row each, under the numbers of their rows: `month`, `value` and what names them.

    Months down: the column `month`, or the first that holds months; every column with a number in it becomes rows,
    with its heading under `series`; columns without any are kept as they are. Months across: headings that are months
    become rows, all other columns are kept. Where `keep` names headings, only those become rows. Empty cells, and
    those that stand for a missing value, are left out.

    Raises:
        UnreadableTable: neither the headings nor a column are months; BadRows: a month or a number is at fault.
    """
    faults = Faults()
    across = [] if month is not None else _months_across(frame, today)
    if across:
        long = _from_across(frame, across, faults, today=today, negative=negative, dialect=dialect)
    else:
        column = month or _month_column(frame, today)
        long = _from_down(frame, column, keep, faults, today=today, negative=negative, dialect=dialect)
    faults.stop()
    if long.empty:
        raise UnreadableTable("the table", "there is no value in it")
    return long


def drop_missing(frame: pd.DataFrame, value: str, dialect: Dialect) -> pd.DataFrame:
    """The frame without rows whose value is one of the signs that stand for a missing value.

    Raises UnreadableTable where that is all of them.
    """
    if not dialect.missing or value not in frame:
        return frame
    kept = frame[~_is_one_of(frame[value], dialect.missing)]
    if kept.empty:
        raise UnreadableTable("the table", f"every {value} is missing")
    return kept


def _months_across(frame: pd.DataFrame, today: date) -> list[str]:
    """The headings that are months, if there are two at least, and no column holds months instead."""
    headings = [str(name) for name in frame.columns]
    found = read_months(headings, latest=today.year + YEARS_AHEAD)
    across = [heading for heading, month in zip(headings, found, strict=True) if month is not None]
    return across if len(across) > 1 else []


def _from_across(
    frame: pd.DataFrame, across: list[str], faults: Faults, *, today: date, negative: bool, dialect: Dialect
) -> pd.DataFrame:
    kept = [name for name in frame.columns if name not in across]
    headings = months(pd.Series(across, index=np.ones(len(across), dtype=int), name="header"), faults, today=today)
    parts = []
    for heading, month in zip(across, headings, strict=True):
        cells = _present(frame[heading], dialect)
        values = numbers(cells, faults, negative=negative, dialect=dialect)
        parts.append(frame.loc[cells.index, kept].assign(month=month, value=values))
    return pd.concat(parts).sort_index(kind="stable")


def _from_down(
    frame: pd.DataFrame,
    column: str,
    keep: Collection[str],
    faults: Faults,
    *,
    today: date,
    negative: bool,
    dialect: Dialect,
) -> pd.DataFrame:
    others = [name for name in frame.columns if name != column]
    measured = [name for name in others if name not in DESCRIBING and _has_numbers(frame[name], dialect)]
    kept = [name for name in others if name not in measured and _present(frame[name], dialect).size]
    read = months(frame[column], faults, today=today)
    parts = []
    for name in [name for name in measured if not keep or name in keep]:
        cells = _present(frame[name], dialect)
        values = numbers(cells, faults, negative=negative, dialect=dialect)
        part = frame.loc[cells.index, kept].assign(month=read.loc[cells.index], value=values)
        parts.append(part.assign(**{SERIES_NAME: str(name)}))
    return pd.concat(parts) if parts else pd.DataFrame()


def _month_column(frame: pd.DataFrame, today: date) -> str:
    for name in frame.columns:
        texts = [text for text in distinct(frame[name])[1] if text]
        form = best_form(texts, latest=today.year + YEARS_AHEAD)
        readable = sum(form.read(text, today.year + YEARS_AHEAD) is not None for text in texts)
        if texts and readable >= MOSTLY * len(texts):
            return str(name)
    shown = ", ".join(str(name) for name in frame.columns[:12])
    raise UnreadableTable(
        "the table",
        f"neither a column nor the header holds months (a workbook's other sheets: --sheet); the header has {shown}",
    )


def _present(column: Column, dialect: Dialect) -> Column:
    """The cells that are neither empty nor signs of a missing value."""
    return column[~_is_one_of(column, ("", *dialect.missing))]


def _is_one_of(column: Column, signs: tuple[str, ...]) -> "NDArray[np.bool_]":
    places, texts = distinct(column)
    return np.array([text in signs for text in texts], dtype=bool)[places]


def _has_numbers(column: Column, dialect: Dialect) -> bool:
    """Whether any cell looks like a number, whatever its marks."""
    marks = str.maketrans("", "", ",.' \u2019\u00a0\u202f")
    _, texts = distinct(_present(column, dialect))
    return any(
        pd.Series([text.lstrip("+-\u2212").translate(marks) for text in texts], dtype=object).str.match(NUMBER).tolist()
    )
