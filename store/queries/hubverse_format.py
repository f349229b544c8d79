"""Forecasts from outside, laid out as the hubverse does, read and refused row by row.

A row is one statement: model_id, reference_date, target, horizon, location, target_end_date, output_type,
output_type_id, value (https://docs.hubverse.io, model output). Here a target is a flow and a sector (`X TOTAL`), with
`JF` behind it for January and February in one, and `pc1` for growth on a year ago in per cent (`X TOTAL JF pc1`); a
balance is `B TOTAL`. A location is a partner; horizons are months.
"""

import re
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from tables import Column, Faults, numbers, require_columns

COLUMNS = (
    *("model_id", "reference_date", "target", "horizon", "location"),
    *("target_end_date", "output_type", "output_type_id", "value"),
)
KEY = ["model_id", "flow", "partner", "sector", "reference_date", "month", "months", "measure"]
TARGET = re.compile(r"(?!B .* pc1$)([XMB]) ([A-Za-z0-9_.-]{1,24})( JF)?( pc1)?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
POINTS = {"mean": 0.0, "median": 0.5}
"""Output types of one number, and the probability under which they are kept."""
SAME = {"median": "quantile", "quantile": "median"}
"""Output types that say the same where the probability is a half."""
CONTRADICTS = "contradicts the median, or the quantile 0.5, of the same forecast"


def check_hubverse(frame: pd.DataFrame, *, today: date) -> pd.DataFrame:
    """Forecasts ready for the store, by row number: the columns KEY, output_type, probability and value.

    `month` is the target's (February for January and February in one, `months` 2), dates are `datetime64[ns]`.
    `measure` is `level`, `pc1` or `balance`; the flow of a balance is X.
    Raises UnreadableTable for missing columns, MisspeltColumns for those that look like one, BadRows for faults.
    """
    require_columns(frame, COLUMNS, optional=())
    faults = Faults()
    clean = pd.DataFrame({"model_id": _matching(frame["model_id"], faults, r"[A-Za-z0-9_.-]{1,60}")})
    target = [TARGET.fullmatch(text) for text in _texts(frame["target"])]
    faults.add(frame["target"], np.array([found is None for found in target]), "is no flow and sector like 'X TOTAL'")
    clean["flow"], clean["sector"], clean["months"], clean["measure"] = zip(*map(_target, target), strict=True)
    clean["partner"] = _matching(frame["location"], faults, r"[A-Z0-9_]{2,12}")
    clean["reference_date"] = _days(frame["reference_date"], faults)
    late = clean["reference_date"] > pd.Timestamp(today)
    faults.add(frame["reference_date"], late.to_numpy(), "is in the future")
    clean["month"] = _months(frame, clean, faults)
    clean["output_type"] = _matching(frame["output_type"], faults, "mean|median|quantile", "is not scored here")
    clean["probability"] = _probabilities(frame["output_type_id"], clean["output_type"], faults)
    clean["value"] = numbers(frame["value"], faults)
    faults.stop()
    _refuse_disorder(frame, clean, faults)
    return clean


def _target(found: "re.Match[str] | None") -> tuple[str, str, int, str]:
    """Flow, sector, months and measure; a balance is kept with the exports."""
    if not found:
        return "", "", 1, "level"
    balance = found[1] == "B"
    measure = "balance" if balance else "pc1" if found[4] else "level"
    return "X" if balance else found[1], found[2], 2 if found[3] else 1, measure


def _texts(column: Column) -> list[str]:
    return ["" if pd.isna(value) else str(value).strip() for value in column.tolist()]


def _matching(column: Column, faults: Faults, pattern: str, reason: str = "is no code") -> Column:
    texts = _texts(column)
    faults.add(column, np.array([not re.fullmatch(pattern, text) for text in texts]), reason)
    return pd.Series(texts, column.index, name=column.name, dtype=object)


def _days(column: Column, faults: Faults) -> Column:
    texts = [text if DAY.fullmatch(text) else None for text in _texts(column)]
    days = pd.to_datetime(pd.Series(texts, column.index, dtype=object), errors="coerce", format="%Y-%m-%d")
    faults.add(column, days.isna().to_numpy(), "is no day, which is YYYY-MM-DD")
    return days.astype("datetime64[ns]")


def _months(frame: pd.DataFrame, clean: pd.DataFrame, faults: Faults) -> Column:
    """The month of each target, checked against its last day and its distance from the reference date."""
    end = _days(frame["target_end_date"], faults)
    faults.add(frame["target_end_date"], (end.notna() & ~end.dt.is_month_end).to_numpy(), "is no last day of a month")
    both = (clean["months"] == 2) & end.notna() & (end.dt.month != 2)
    faults.add(frame["target_end_date"], both.to_numpy(), "January and February in one end with February")
    horizon = _matching(frame["horizon"], faults, r"-?[0-9]{1,3}(\.0)?", "is no number of months")
    ahead = pd.to_numeric(horizon, errors="coerce")
    reference = clean["reference_date"]
    distance = 12 * (end.dt.year - reference.dt.year) + end.dt.month - reference.dt.month
    off = (ahead.notna() & distance.notna() & (ahead != distance)).to_numpy()
    faults.add(frame["horizon"], off, "is not the number of months from reference_date to target_end_date")
    return pd.Series(end.to_numpy().astype("datetime64[M]").astype("datetime64[ns]"), end.index)


def _probabilities(column: Column, output_type: Column, faults: Faults) -> Column:
    texts = _texts(column)
    point = output_type.isin(list(POINTS)).to_numpy()
    named = np.array([text not in ("", "NA") for text in texts])
    faults.add(column, point & named, "is for quantiles; a mean or a median has none (NA)")
    values = pd.to_numeric(pd.Series(texts, column.index, dtype=object), errors="coerce")
    wrong = (output_type == "quantile").to_numpy() & ~((values > 0) & (values < 1)).to_numpy()
    faults.add(column, wrong, "is no probability above 0 and below 1")
    return values.where(~point, output_type.map(POINTS)).astype(float)


def _refuse_disorder(frame: pd.DataFrame, clean: pd.DataFrame, faults: Faults) -> None:
    """Refuse duplicates, contradictions, and quantiles that decrease with their probability."""
    twice = clean.duplicated([*KEY, "output_type", "probability"]).to_numpy()
    faults.add(frame["output_type_id"], twice, "appears in an earlier row of the same forecast")
    halves = clean[(clean["probability"] == POINTS["median"]) & ~twice]
    other = halves["value"] != halves.groupby(KEY, sort=False)["value"].transform("first")
    against: list[Any] = other[other].index.tolist()
    faults.add(frame["value"], frame.index.isin(against), CONTRADICTS)
    ordered = clean[clean["output_type"] == "quantile"].sort_values([*KEY, "probability"], kind="stable")
    falls = ordered.groupby(KEY, sort=False)["value"].diff() < 0
    crossing: list[Any] = falls[falls].index.tolist()
    faults.add(frame["value"], frame.index.isin(crossing), "is below the quantile of a lower probability")
    faults.stop()
