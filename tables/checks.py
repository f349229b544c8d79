"""Validation of observations, indicators, due dates, and panels to forecast."""

from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tables.columns import codes, days, distinct, known_days, moments, months, numbers, periods
from tables.dialect import STANDARD, Dialect
from tables.faults import Column, Faults, require_columns
from tables.gaps import Notify, after_last_gap, follows_gap
from tables.jumps import refuse_jumps
from tables.wide import drop_missing

OBSERVATION_COLUMNS = ("month", "flow", "partner", "sector", "value")
MORE_OBSERVATION_COLUMNS = ("vintage", "months", "status")
SECTOR_FORM = "is not a code of a sector: up to 24 letters, digits and . _ -, without spaces"
PANEL_COLUMNS = ("unique_id", "ds", "y")
INDICATOR_COLUMNS = ("month", "value")
RELEASE_COLUMNS = ("dataset", "period", "due_on")
SERIES_COLUMNS = ["flow", "partner", "sector"]
NEGATIVE = "is negative, which this dataset does not allow; one created with --allow-negative does"
GAP_ADVICE = "add it, or let the series start after its last gap with --after-gaps"


def check_observations(
    frame: pd.DataFrame, *, today: date, negative: bool = False, dialect: Dialect = STANDARD
) -> pd.DataFrame:
    """Observations ready for the store, by row number.

    Takes columns month, flow, partner, sector, value and, if given, vintage, months, status. Gives month and
    vintage as `datetime64[ns]` (vintage NaT where it is not given), value as float, months 1 or 2, status a letter.
    Raises UnreadableTable for missing columns, MisspeltColumns for those that look like one, BadRows for faults.
    """
    require_columns(frame, OBSERVATION_COLUMNS, optional=MORE_OBSERVATION_COLUMNS)
    frame = drop_missing(frame, "value", dialect)
    faults = Faults()
    clean = pd.DataFrame(
        {
            "month": months(frame["month"], faults, today=today),
            "flow": codes(frame["flow"], faults, "X|M", "must be X or M; the balance is derived"),
            "partner": codes(frame["partner"], faults, r"[A-Z0-9_]{2,12}"),
            "sector": codes(frame["sector"], faults, r"[A-Za-z0-9_.-]{1,24}", SECTOR_FORM),
            "value": numbers(frame["value"], faults, negative=negative, refusal=NEGATIVE, dialect=dialect),
            "vintage": _vintages(frame, faults, today),
            "months": 1,
            "status": "A",
        },
        index=frame.index,
    )
    if "months" in frame:
        clean["months"] = codes(frame["months"], faults, "1|2", "must be 1 or 2").map({"1": 1, "2": 2})
        off = (clean["months"] == 2) & (clean["month"].dt.month != 2)
        faults.add(frame["months"], off.to_numpy(), "only February's figure may hold two months")
    if "status" in frame:
        clean["status"] = codes(frame["status"], faults, "A|P|I", "must be A, P or I")
    early = clean["vintage"] <= clean["month"]
    faults.add(clean["vintage"], early.to_numpy(), "a value cannot be known before its month has begun")
    faults.stop()
    _refuse_duplicates(clean, [*SERIES_COLUMNS, "month", "vintage"], "month", faults)
    return clean


def check_indicator(frame: pd.DataFrame, *, today: date) -> pd.DataFrame:
    """Values of an indicator ready for the store, by row number.

    Takes columns month, value and, if given, known_on, the day a value became public, empty where the indicator's
    rule applies. Gives month and known_on as `datetime64[ns]` (NaT where no day is given), value as float.
    Raises UnreadableTable for missing columns, MisspeltColumns for those that look like one, BadRows for faults.
    """
    require_columns(frame, INDICATOR_COLUMNS, optional=("known_on",))
    faults = Faults()
    known_on = pd.Series(pd.NaT, frame.index, dtype="datetime64[ns]")
    if "known_on" in frame:
        given = _is_stated(frame["known_on"])
        known_on.loc[given] = known_days(frame.loc[given, "known_on"], faults, today=today)
    clean = pd.DataFrame(
        {
            "month": months(frame["month"], faults, today=today),
            "value": numbers(frame["value"], faults, negative=True),
            "known_on": known_on,
        },
        index=frame.index,
    )
    early = clean["known_on"] <= clean["month"]
    faults.add(clean["known_on"], early.to_numpy(), "a value cannot be known before its month has begun")
    faults.stop()
    _refuse_duplicates(
        clean, ["month", "known_on"], "month", faults, "appears in an earlier row with the same known_on"
    )
    return clean


def check_regressor(frame: pd.DataFrame, *, today: date) -> pd.DataFrame:
    """Values of a regressor ready for the store, by row number.

    Takes columns month, past or to come, value and, if given, known_on, the day a value became known, by default
    today. Gives month and known_on as `datetime64[ns]`, value as float.
    Raises UnreadableTable for missing columns, MisspeltColumns for those that look like one, BadRows for faults.
    """
    require_columns(frame, INDICATOR_COLUMNS, optional=("known_on",))
    faults = Faults()
    known_on = pd.Series(pd.Timestamp(today), frame.index, dtype="datetime64[ns]")
    if "known_on" in frame:
        given = _is_stated(frame["known_on"])
        known_on.loc[given] = known_days(frame.loc[given, "known_on"], faults, today=today)
    clean = pd.DataFrame(
        {
            "month": periods(frame["month"], faults),
            "value": numbers(frame["value"], faults, negative=True),
            "known_on": known_on,
        },
        index=frame.index,
    )
    faults.stop()
    _refuse_duplicates(
        clean, ["month", "known_on"], "month", faults, "appears in an earlier row with the same known_on"
    )
    return clean


def check_releases(frame: pd.DataFrame) -> pd.DataFrame:
    """Due dates ready for the store, by row number.

    Takes columns dataset, period (a month), due_on (a day) and, if given, time: `HH:MM` in UTC, or with an offset as
    in `11:00+08:00`, or empty. Gives period and due_on as `datetime64[ns]`, due_at in UTC, NaT where no time is given.
    Raises UnreadableTable for missing columns, MisspeltColumns for those that look like one, BadRows for faults.
    """
    require_columns(frame, RELEASE_COLUMNS, optional=("time",))
    faults = Faults()
    period, due_on = periods(frame["period"], faults), days(frame["due_on"], faults)
    over = period + pd.offsets.MonthBegin(1)
    faults.add(frame["due_on"], (due_on < over).to_numpy(), "is before its month is over")
    clean = pd.DataFrame(
        {
            "dataset": codes(frame["dataset"], faults, "[A-Z][A-Z0-9_]{0,39}"),
            "period": period,
            "due_on": due_on,
            "due_at": _moments(frame, faults),
        },
        index=frame.index,
    )
    faults.stop()
    _refuse_duplicates(clean, ["dataset", "period"], "period", faults, "appears in an earlier row of the same dataset")
    return clean


def check_panel(
    frame: pd.DataFrame,
    *,
    today: date,
    negative: bool = False,
    dialect: Dialect = STANDARD,
    after_gaps: bool = False,
    force: bool = False,
    notify: Notify = lambda _: None,
) -> pd.DataFrame:
    """A panel ready to be forecast: unique_id, ds (`datetime64[ns]`), y and, if given, partner and sector.

    Rows come sorted by series and month. With `after_gaps` a series with a missing month starts after its last gap,
    otherwise the gap is a fault. A last value that is far beyond those before it is one too, unless `force`;
    `notify` is called with a sentence for everything that was accepted so and should be known.
    Raises UnreadableTable for missing columns, MisspeltColumns for those that look like one, BadRows for faults.
    """
    require_columns(frame, PANEL_COLUMNS, optional=("partner", "sector"))
    frame = drop_missing(frame, "y", dialect)
    faults = Faults()
    names = [name for name in ("unique_id", "partner", "sector") if name in frame]
    clean = pd.DataFrame({name: codes(frame[name], faults, r".{1,200}") for name in names}, index=frame.index)
    clean["ds"] = months(frame["ds"], faults, today=today)
    clean["y"] = numbers(frame["y"], faults, negative=negative, dialect=dialect)
    faults.stop()
    _refuse_duplicates(clean, ["unique_id", "ds"], "ds", faults)
    clean = clean.sort_values(["unique_id", "ds"], kind="stable")
    for name in names[1:]:
        first = clean.groupby("unique_id", sort=False)[name].transform("first")
        faults.add(clean[name], (clean[name] != first).to_numpy(), "changes within its series")
    if after_gaps:
        clean = after_last_gap(clean, keys=["unique_id"], month="ds", notify=notify)
    gaps = follows_gap(clean, keys=["unique_id"], month="ds")
    faults.add(clean["ds"], gaps, f"the month before it is missing from its series: {GAP_ADVICE}")
    refuse_jumps(clean, keys=["unique_id"], month="ds", value="y", faults=faults, force=force, notify=notify)
    faults.stop()
    return clean[["unique_id", "ds", "y", *names[1:]]]


def _vintages(frame: pd.DataFrame, faults: Faults, today: date) -> Column:
    """The day each value became known; NaT where the table does not say: no column, or an empty cell."""
    vintages = pd.Series(pd.NaT, frame.index, dtype="datetime64[ns]")
    if "vintage" in frame:
        # Rows of a wide table share their numbers, so that positions identify them.
        stated = np.flatnonzero(_is_stated(frame["vintage"]))
        vintages.iloc[stated] = known_days(frame["vintage"].iloc[stated], faults, today=today).to_numpy()
    return vintages


def _is_stated(column: Column) -> NDArray[np.bool_]:
    """Which cells are not empty, in a workbook as in text."""
    places, texts = distinct(column)
    return np.array([text != "" for text in texts], dtype=bool)[places]


def _moments(frame: pd.DataFrame, faults: Faults) -> Column:
    """The moment each release is due, in UTC; NaT where the table gives no time."""
    if "time" not in frame:
        return pd.Series(pd.NaT, frame.index, dtype="datetime64[ns, UTC]")
    return moments(frame["due_on"], frame["time"], faults)


def _refuse_duplicates(
    clean: pd.DataFrame,
    key: list[str],
    month: str,
    faults: Faults,
    reason: str = "appears in an earlier row of the same series",
) -> None:
    faults.add(clean[month], clean.duplicated(key).to_numpy(), reason)
    faults.stop()
