"""Conversion of other table layouts: columns renamed, constants added, wide tables made long."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tables.columns import distinct
from tables.dialect import STANDARD, Dialect
from tables.faults import SHOWN_COLUMNS, SHOWN_LETTERS, BadLayout, Column
from tables.wide import SERIES_NAME, unpivot


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Roles of the columns of a table.

    `columns` maps headings of the table to known columns (`{"Date": "month"}`), `constant` has the values of missing
    columns. Of a `wide` table, the series named in `keep` are read, or all except those in `drop`; of a long table,
    `drop` names columns. With `after_gaps` a series with a missing month starts after
    its last gap.
    """

    dialect: Dialect = STANDARD
    wide: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    constant: Mapping[str, str] = field(default_factory=dict)
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    after_gaps: bool = False


AS_IT_IS = Layout()


def parse_pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    """Pairs written `date=month,country=partner`; a comma that starts no pair belongs to the name that follows it.

    Raises BadLayout.
    """
    pairs: dict[str, str] = {}
    for text in given:
        start = ""
        for piece in text.split(","):
            start += piece
            name, equals, value = start.rpartition("=")
            if equals and name.strip() and value.strip():
                pairs[name.strip()] = value.strip()
                start = ""
            elif equals:
                break
            else:
                start += ","
        if start:
            raise BadLayout(option, text, "write NAME=VALUE, with commas between several")
    return pairs


def arrange(
    frame: pd.DataFrame, layout: Layout, *, today: date, month: str, value: str, negative: bool = False
) -> pd.DataFrame:
    """The table by its layout, with its columns of months and values called `month` and `value`.

    The series of a wide table are under SERIES_NAME, its months are `datetime64[ns]` and its values numbers.
    Raises BadLayout for a heading that is not there, UnreadableTable and BadRows as `unpivot`.
    """
    frame = _renamed(frame, layout.columns)
    if not layout.wide:
        if layout.keep:
            raise BadLayout("keep", layout.keep[0], "series are named by headings in a wide table only (--wide)")
        frame = frame.drop(columns=[_found("drop", name, frame.columns) for name in layout.drop])
    else:
        frame, keep = _chosen(frame, layout)
        given = month if month in frame else None
        frame = unpivot(frame, today=today, negative=negative, dialect=layout.dialect, month=given, keep=keep)
        frame = frame.rename(columns={"month": month, "value": value})
    clash = sorted(set(layout.constant) & set(frame.columns))
    if clash:
        raise BadLayout("constant", clash[0], "the table has a column of that name")
    return frame.assign(**layout.constant)


def panel_frame(frame: pd.DataFrame, layout: Layout, *, today: date) -> pd.DataFrame:
    """A table arranged as a panel: unique_id, ds, y; a wide table's series are called by what names them, with dots."""
    arranged = arrange(frame, layout, today=today, month="ds", value="y", negative=True)
    if not layout.wide or "unique_id" in arranged:
        return arranged
    names = [name for name in arranged.columns if name not in ("ds", "y", "partner", "sector", SERIES_NAME)]
    names += [name for name in ("partner", "sector", SERIES_NAME) if name in arranged]
    if not names:
        return arranged.assign(unique_id="series")
    texts = [_texts(arranged[name]).tolist() for name in names]
    unique_id = [".".join(row) for row in zip(*texts, strict=True)]
    extra = [name for name in names if name not in ("partner", "sector")]
    return arranged.drop(columns=extra).assign(unique_id=unique_id)


def _renamed(frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    found = {_found("map", theirs, frame.columns): ours for theirs, ours in columns.items()}
    taken = sorted((set(found.values()) & set(frame.columns)) - set(found))
    if taken:
        raise BadLayout("map", taken[0], "the table has a column of that name already")
    renamed: pd.DataFrame = frame.rename(columns=found)
    return renamed


def _chosen(frame: pd.DataFrame, layout: Layout) -> tuple[pd.DataFrame, list[str]]:
    """The wide table without unwanted columns or rows, and the headings of the columns to keep (all, if none)."""
    headings = list(map(str, frame.columns))
    keep, drop = ([_matching(name, headings) for name in names] for names in (layout.keep, layout.drop))
    if None in keep or None in drop:
        return _rows_named(frame, layout), []
    return frame.drop(columns=[name for name in drop if name]), [name for name in keep if name]


def _rows_named(frame: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """The rows of a table with months across that are wanted, by any of their texts."""
    texts = pd.DataFrame({name: _texts(frame[name]) for name in frame.columns}, index=frame.index)
    known = set(texts.to_numpy().ravel().tolist()) | set(map(str, frame.columns))
    for option, names in (("keep", layout.keep), ("drop", layout.drop)):
        for name in names:
            _found(option, name, [text for text in known if text and not text.replace(".", "").isdecimal()])
    kept = texts.isin(layout.keep).any(axis="columns") if layout.keep else pd.Series(True, frame.index)
    return frame[kept & ~texts.isin(layout.drop).any(axis="columns")]


def _texts(column: Column) -> NDArray[np.object_]:
    places, texts = distinct(column)
    return np.array(texts, dtype=object)[places]


def _found(option: str, name: str, known: Iterable[object]) -> str:
    """The heading of this name. Raises BadLayout with those most like it."""
    headings = list(map(str, known))
    match = _matching(name, headings)
    if match is not None:
        return match
    like = get_close_matches(name, [heading for heading in headings if len(heading) <= SHOWN_LETTERS], n=3)
    shown = ", ".join(heading[:SHOWN_LETTERS] for heading in (like or headings[:SHOWN_COLUMNS]))
    raise BadLayout(option, name, f"the table has no such name; it has {shown}")


def _matching(name: str, headings: Sequence[str]) -> str | None:
    """The heading that is the name, or the only one that is but for capitals."""
    if name in headings:
        return name
    same = [heading for heading in headings if heading.casefold() == name.casefold()]
    return same[0] if len(same) == 1 else None
