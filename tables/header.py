"""The names of a table's columns."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tables.faults import SHOWN_COLUMNS, SHOWN_LETTERS, plain

MOST_COLUMNS = 2_000
HEADER_LETTERS = 200_000
UNNAMED = "column {}"


def refuse_many(columns: int) -> None:
    """Raise ValueError for more columns than any table of trade has."""
    if columns > MOST_COLUMNS:
        raise ValueError(f"the header has {columns:,} cells, and {MOST_COLUMNS:,} are accepted")


def header_names(cells: Iterable[object]) -> list[str]:
    """Names without surplus space; a cell without one is named by its number. Raises ValueError for one twice."""
    texts = [" ".join(plain(cell).strip(' "').split()) for cell in cells]
    names = [text or UNNAMED.format(number) for number, text in enumerate(texts, start=1)]
    twice = [name[:SHOWN_LETTERS] for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(f"the header names {', '.join(sorted(twice)[:SHOWN_COLUMNS])} more than once")
    return names


def without_blanks(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame without rows that are blank throughout, and without unnamed columns that are."""
    unnamed = [number for number, name in enumerate(frame.columns) if name == UNNAMED.format(number + 1)]
    blank_columns = [number for number in unnamed if _blank(frame.iloc[:, number]).all()]
    blank = np.ones(len(frame), dtype=bool)
    for number in range(frame.shape[1]):
        # Few rows are blank up to here, so all columns but the first cost next to nothing.
        places = np.flatnonzero(blank)
        blank[places] = _blank(frame.iloc[places, number])
    kept = [name for number, name in enumerate(frame.columns) if number not in blank_columns]
    return frame.loc[~blank, kept]


def _blank(column: "pd.Series[Any]") -> "NDArray[np.bool_]":
    if column.dtype != object:
        return column.isna().to_numpy()
    return np.array([not value.strip() if isinstance(value, str) else pd.isna(value) for value in column], dtype=bool)
