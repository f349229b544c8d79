"""Validation of tables of events."""

import numpy as np
import pandas as pd

from tables.columns import codes, days, distinct, numbers
from tables.faults import Column, Faults, require_columns

EVENT_COLUMNS = ("id", "kind", "title", "announced", "effective", "authority", "reporter", "source")
MORE_EVENT_COLUMNS = (
    *("measure", "until", "until_known_on", "flow", "partner", "sector", "share"),
    *("rate_before", "rate_after", "note"),
)
TEXTS = ("title", "authority", "source")
LONGEST_TEXT, HIGHEST_RATE = 300, 1000.0
CODE, PARTNERS, SECTORS = r"[A-Z][A-Z0-9_]{0,59}", r"[A-Z0-9_]{2,12}", r"[A-Za-z0-9_.-]{1,24}"


def check_events(frame: pd.DataFrame, *, kinds: tuple[str, ...]) -> pd.DataFrame:
    """Events ready for the store, by row number.

    Takes columns id, kind, title, announced, effective, authority, reporter, source and, if given, measure (by default
    the id), until, until_known_on, flow (X, M; by default both), partner and sector (codes with a space between; by
    default all), share, rate_before, rate_after, note. Gives days as `datetime64[ns]` and numbers as floats, NaT and
    NaN where empty, and `partners` and `sectors` as lists. Raises UnreadableTable for missing columns, MisspeltColumns
    for those that look like one, BadRows for faults.
    """
    require_columns(frame, EVENT_COLUMNS, optional=MORE_EVENT_COLUMNS)
    frame = frame.assign(**{name: "" for name in MORE_EVENT_COLUMNS if name not in frame})
    faults = Faults()
    own = frame["measure"].where(_is_given(frame["measure"]), frame["id"])
    clean = pd.DataFrame(
        {
            "id": codes(frame["id"], faults, CODE),
            "kind": codes(frame["kind"], faults, "|".join(kinds), f"is not one of {', '.join(kinds)}"),
            "measure": codes(own.rename("measure"), faults, CODE),
            **{name: _text(frame[name], faults, required=name in TEXTS) for name in (*TEXTS, "note")},
            "announced": days(frame["announced"], faults),
            "effective": days(frame["effective"], faults),
            **{name: _optional_days(frame[name], faults) for name in ("until", "until_known_on")},
            "reporter": codes(frame["reporter"], faults, PARTNERS),
            "flow": codes(frame["flow"].where(_is_given(frame["flow"]), "*"), faults, r"X|M|\*", "must be X, M or *"),
            "partners": _lists(frame["partner"], faults, PARTNERS),
            "sectors": _lists(frame["sector"], faults, SECTORS),
            **{name: _optional_numbers(frame[name], faults) for name in ("share", "rate_before", "rate_after")},
        },
        index=frame.index,
    )
    _refuse_contradictions(clean, faults)
    faults.stop()
    return clean


def _refuse_contradictions(clean: pd.DataFrame, faults: Faults) -> None:
    def refuse(name: str, bad: "pd.Series[bool]", reason: str) -> None:
        faults.add(clean[name], bad.to_numpy(dtype=bool), reason)

    refuse("id", clean["id"].duplicated(), "appears in an earlier row")
    refuse("effective", clean["effective"] < clean["announced"], "is before the announcement")
    refuse("until", clean["until"] <= clean["effective"], "is not after the effective day")
    refuse("until_known_on", clean["until_known_on"] < clean["announced"], "is before the announcement")
    refuse("until_known_on", clean["until_known_on"].notna() & clean["until"].isna(), "is given without `until`")
    refuse("share", (clean["share"] == 0) | (clean["share"] > 1), "is not a share above 0 and up to 1")
    one_rate = clean["rate_before"].notna() != clean["rate_after"].notna()
    refuse("rate_after", one_rate, "is given without the other rate, or the other without it")
    for name in ("rate_before", "rate_after"):
        refuse(name, clean[name] > HIGHEST_RATE, f"is above {HIGHEST_RATE:g} %")


def _is_given(column: Column) -> "pd.Series[bool]":
    places, texts = distinct(column)
    return pd.Series(np.array([text != "" for text in texts], dtype=bool)[places], column.index)


def _text(column: Column, faults: Faults, *, required: bool) -> Column:
    places, texts = distinct(column)
    found = pd.Series(np.array(texts, dtype=object)[places], column.index, name=column.name)
    if required:
        faults.add(found, (found == "").to_numpy(), "is empty")
    faults.add(found, (found.str.len() > LONGEST_TEXT).to_numpy(), f"is longer than {LONGEST_TEXT} characters")
    return found


def _optional_days(column: Column, faults: Faults) -> Column:
    found = pd.Series(pd.NaT, column.index, dtype="datetime64[ns]", name=column.name)
    given = _is_given(column)
    found.loc[given] = days(column[given], faults)
    return found


def _optional_numbers(column: Column, faults: Faults) -> Column:
    found = pd.Series(np.nan, column.index, dtype=float, name=column.name)
    given = _is_given(column)
    found.loc[given] = numbers(column[given], faults)
    return found


def _lists(column: Column, faults: Faults, pattern: str) -> Column:
    """Codes of each cell, sorted; an empty cell is an empty list."""
    places, texts = distinct(column)
    lists = pd.Series([sorted(set(texts[place].split())) for place in places], column.index, dtype=object)
    exploded = lists.explode().dropna().rename(str(column.name))
    if len(exploded):
        codes(exploded, faults, pattern)
    return lists
