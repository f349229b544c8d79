"""January and February published as one figure: the split into months, marked as imputed.

The share of January is predicted from the earlier years with both months: a ridge regression of its logit on the
difference between the calendar regressors of January and February.
"""

from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.calendar_regressors import calendar_regressors
from forecasting.data.months import MONTH, MONTHS_PER_YEAR
from forecasting.types import FloatArray

# January has 31 of the 59 days: the share where a series has no year with both months.
DEFAULT_SHARE = 31 / 59
RIDGE = 0.1


def split_combined(frame: pd.DataFrame, reporter: str) -> pd.DataFrame:
    """The long frame with one row a month and a column `imputed`; `months` is 2 where February includes January.

    The two months of a split figure add up to it exactly. Columns other than ds, y and months are kept.
    """
    frame = frame.assign(imputed=False)
    if not (frame["months"] == 2).any():
        return frame.drop(columns="months")
    parts = [_split_series(series, reporter) for _, series in frame.groupby("unique_id", sort=False)]
    return pd.concat(parts, ignore_index=True).drop(columns="months")


def _split_series(series: pd.DataFrame, reporter: str) -> pd.DataFrame:
    combined = series["months"] == 2
    if not combined.any():
        return series
    years = series.loc[combined, "ds"].dt.year.to_numpy()
    january = series[combined].copy()
    share = _predicted_shares(series[~combined], years, reporter)
    january["ds"] = pd.to_datetime([f"{year}-01-01" for year in years])
    january["y"] = january["y"] * share
    february = series[combined].copy()
    february["y"] = february["y"] - january["y"].to_numpy()
    split = pd.concat([january, february]).assign(imputed=True)
    return pd.concat([series[~combined], split]).sort_values("ds", ignore_index=True)


def _predicted_shares(single: pd.DataFrame, years: Any, reporter: str) -> FloatArray:
    """January's predicted share of January and February, shape (years,), each from the years before it."""
    by_month = single.assign(year=single["ds"].dt.year, month=single["ds"].dt.month)
    table = by_month[by_month["month"] <= 2].pivot_table(index="year", columns="month", values="y")
    table = table.reindex(columns=[1, 2]).dropna()
    table = table[(table > 0).all(axis=1)]
    logit = np.log(table[1].to_numpy() / table[2].to_numpy())
    past, ahead = (_calendar_difference(which, reporter) for which in (table.index.to_numpy(), years))
    # The share of a year is predicted from earlier years only, so that a backtest sees no later value.
    known = [table.index.to_numpy() < year for year in years]
    return np.array([_share(past[k], logit[k], difference) for k, difference in zip(known, ahead, strict=True)])


def _share(past: FloatArray, logit: FloatArray, difference: FloatArray) -> float:
    """January's share in a year with a calendar `difference` (k,), from `past` (years, k) and `logit` (years,)."""
    if not len(logit):
        return DEFAULT_SHARE
    centre = past.mean(axis=0)
    gram = (past - centre).T @ (past - centre) + RIDGE * np.eye(past.shape[1])
    slope = np.linalg.solve(gram, (past - centre).T @ (logit - logit.mean()))
    return float(1 / (1 + np.exp(-(logit.mean() + (difference - centre) @ slope))))


def _calendar_difference(years: Any, reporter: str) -> FloatArray:
    """Calendar regressors of January less those of February, shape (years, k)."""
    january = (np.asarray(years) - 1970) * MONTHS_PER_YEAR
    first, second = (calendar_regressors((january + month).astype(MONTH), reporter) for month in (0, 1))
    return first - second
