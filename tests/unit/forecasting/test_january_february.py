"""January and February published as one figure."""

import numpy as np
import pandas as pd
import pytest

from forecasting.data.calendar_regressors import calendar_regressors
from forecasting.data.january_february import split_combined
from tests.support.panels import long_frame


def published(years, *, effect=1.0):
    """Monthly values from 2010 whose January and February follow the holiday, and the last year's as one figure."""
    months = np.arange(np.datetime64("2010-01"), np.datetime64("2010-01") + 12 * years)
    logs = effect * calendar_regressors(months, "CHN")[:, :3] @ [0.1, -0.2, -0.3]
    frame = long_frame({"a": 100 * np.exp(logs)}, start="2010-01").assign(months=1)
    truth = frame.copy()
    january, february = frame.index[-12], frame.index[-11]
    frame.loc[february, ["y", "months"]] = [frame.loc[[january, february], "y"].sum(), 2]
    return truth, frame.drop(index=january)


def test_split_months_sum_to_the_figure_and_are_marked():
    _, frame = published(12)
    split = split_combined(frame, "CHN")
    months = split.set_index("ds")
    both = months.loc[["2021-01-01", "2021-02-01"]]
    assert both["imputed"].all()
    assert both["y"].sum() == pytest.approx(frame.loc[frame["months"] == 2, "y"].item())
    assert split["imputed"].sum() == 2
    assert len(split) == 144


@pytest.mark.parametrize("years", [10, 12, 14])
def test_the_share_follows_the_holiday(years):
    truth, frame = published(years)
    split = split_combined(frame, "CHN")
    january = split["y"].iloc[-12]
    expected = truth["y"].iloc[-12]
    by_days = (truth["y"].iloc[-12] + truth["y"].iloc[-11]) * 31 / 59
    assert abs(january - expected) < abs(by_days - expected)


def test_a_series_that_begins_with_a_combined_figure_is_split_by_days():
    frame = pd.DataFrame({"unique_id": ["a"], "ds": [pd.Timestamp("2024-02-01")], "y": [59.0], "months": [2]})
    assert split_combined(frame, "CHN")["y"].tolist() == pytest.approx([31.0, 28.0])


def test_single_months_are_unchanged():
    truth, _ = published(3)
    split = split_combined(truth, "CHN")
    assert not split["imputed"].any()
    assert split["y"].tolist() == truth["y"].tolist()


def test_a_year_is_split_from_earlier_years_only():
    _, frame = published(12)
    frame.loc[frame["ds"] == "2015-02-01", "months"] = 2
    frame = frame[frame["ds"] != "2015-01-01"]
    later = frame.assign(y=frame["y"].where((frame["ds"] < "2016-01-01") | (frame["ds"].dt.month > 1), 2 * frame["y"]))
    before, after = (split_combined(row, "CHN")[["ds", "y", "imputed"]] for row in (frame, later))
    of_2015 = before["imputed"] & (before["ds"].dt.year == 2015)
    assert of_2015.sum() == 2
    assert before["y"][of_2015].tolist() == after["y"][of_2015].tolist()
