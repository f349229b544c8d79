"""The panel: validated once."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from forecasting.data.panel import Panel
from forecasting.errors import (
    BadCutoff,
    DuplicateMonths,
    EmptyPanel,
    GapInSeries,
    MissingColumns,
    NotFinite,
)
from tests.support.panels import grid_panel, long_frame


def test_reads_series_of_different_spans_side_by_side():
    early = long_frame({"a": [1.0, 2.0, 3.0]}, start="2020-01")
    delayed = long_frame({"b": [5.0, 6.0]}, start="2020-03")
    panel = Panel.from_long(pd.concat([delayed, early]))
    assert panel.unique_ids == ("a", "b")
    assert [str(month) for month in panel.months] == ["2020-01", "2020-02", "2020-03", "2020-04"]
    assert_array_equal(panel.values, [[1, 2, 3, np.nan], [np.nan, np.nan, 5, 6]])


def test_the_order_of_rows_does_not_matter():
    frame = long_frame({"b": [1.0, 2.0], "a": [3.0, 4.0]}, keys={"a": {"partner": "DEU"}, "b": {"partner": "USA"}})
    shuffled = Panel.from_long(frame.sample(frac=1, random_state=1))
    straight = Panel.from_long(frame)
    assert_array_equal(shuffled.values, straight.values)
    assert shuffled.keys["partner"].tolist() == straight.keys["partner"].tolist() == ["DEU", "USA"]


def test_names_the_series_and_month_of_a_gap():
    frame = long_frame({"a": [1.0, 2.0, 3.0]}).drop(index=1)
    with pytest.raises(GapInSeries, match="series a: no value for 2015-02"):
        Panel.from_long(frame)


def test_names_the_series_and_month_of_a_duplicate():
    frame = long_frame({"a": [1.0, 2.0]})
    with pytest.raises(DuplicateMonths) as caught:
        Panel.from_long(pd.concat([frame, frame.tail(1)]))
    assert (caught.value.unique_id, caught.value.month) == ("a", "2015-02")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_refuses_values_that_are_not_finite(value):
    with pytest.raises(NotFinite, match="2015-02"):
        Panel.from_long(long_frame({"a": [1.0, value, 3.0]}))


def test_refuses_a_frame_without_rows_or_columns():
    with pytest.raises(EmptyPanel):
        Panel.from_long(pd.DataFrame({"unique_id": [], "ds": [], "y": []}))
    with pytest.raises(MissingColumns, match="ds, y"):
        Panel.from_long(pd.DataFrame({"unique_id": ["a"]}))


def test_until_restores_the_earlier_panel():
    early = long_frame({"a": [1.0, 2.0, 3.0]}, start="2020-01")
    delayed = long_frame({"b": [5.0, 6.0]}, start="2020-03")
    panel = Panel.from_long(pd.concat([early, delayed])).until(np.datetime64("2020-02"))
    assert panel.unique_ids == ("a",)
    assert_array_equal(panel.values, [[1.0, 2.0]])
    assert len(panel.keys) == 1


@pytest.mark.parametrize("month", ["2014-12", "2021-01"])
def test_a_cutoff_outside_the_panel_is_an_error(month):
    with pytest.raises(BadCutoff, match=month):
        grid_panel(72).position(np.datetime64(month))


def test_ahead_gives_actuals_and_nan_where_unknown():
    panel = Panel.from_long(long_frame({"a": [1.0, 2.0, 3.0, 4.0]}))
    assert_array_equal(panel.ahead([0, 2], 3), [[[2, 3, 4], [4, np.nan, np.nan]]])


def test_imputed_values_are_used_but_not_scored():
    frame = long_frame({"a": [1.0, 2.0, 3.0]}).assign(imputed=[False, True, False])
    panel = Panel.from_long(frame)
    assert_array_equal(panel.ahead([0], 2), [[[2, 3]]])
    assert_array_equal(panel.published_ahead([0], 2), [[[np.nan, 3]]])
