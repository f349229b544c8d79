"""Gaps: months missing inside a series."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Notify = Callable[[str], None]
RUN = "run of months"


def after_last_gap(
    frame: pd.DataFrame, *, keys: Sequence[str], month: str, months: str | None = None, notify: Notify
) -> pd.DataFrame:
    """The rows after the last gap of each series, sorted; `notify` receives a sentence for each shortened series."""
    gap = follows_gap(frame, keys=keys, month=month, months=months)
    numbered = frame.assign(**{RUN: np.cumsum(gap)})
    runs = numbered.groupby(list(keys), sort=False)[RUN]
    kept = (numbered[RUN] == runs.transform("max")).to_numpy()
    shortened = (runs.transform("min") < runs.transform("max")).to_numpy()
    for _, row in frame[kept & shortened].drop_duplicates(list(keys)).iterrows():
        name = ".".join(str(row[key]) for key in keys)
        notify(f"{name}: read from {row[month]:%Y-%m} on, after its last missing month")
    rest: pd.DataFrame = frame[kept]
    return rest


def follows_gap(
    frame: pd.DataFrame, *, keys: Sequence[str], month: str, months: str | None = None
) -> NDArray[np.bool_]:
    """Whether each row, sorted by series and month, follows a missing month; `months` counts the months of a row."""
    number = frame[month].dt.year * 12 + frame[month].dt.month
    length = frame[months] if months is not None else 1
    same = frame.duplicated(list(keys)) & (frame[list(keys)] == frame[list(keys)].shift()).all(axis="columns")
    gaps: NDArray[np.bool_] = (same & (number - number.shift() > length)).to_numpy(dtype=bool)
    return gaps
