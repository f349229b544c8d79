"""Young changes of level in the combination."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.combination.fold_data import read_fold_data
from forecasting.combination.level_change import LARGEST_SHARE, OLD, YOUNG, follow_level_changes
from forecasting.data.panel import Panel
from forecasting.evaluation.rolling_origin import BaseForecasts
from forecasting.types import FloatArray

FOLDS, HORIZON, NOISE = 24, 12, 0.01
# The share of a change that the forecasters follow at once.
FOLLOWED = 0.75
MONTHS = 12 + np.arange(FOLDS)
END = 12 + FOLDS
SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.sampled_from([-1.2, -0.8, 0.8, 1.5])
AGES = st.integers(YOUNG, OLD - 1)


def values(seed: int, first: int, size: float, *, last: int = END + HORIZON) -> FloatArray:
    """Values (1, months) of a level of 100 that is another from a `first` month to a `last` one."""
    noise = np.random.default_rng(seed).normal(0, NOISE, END + HORIZON)
    month = np.arange(END + HORIZON)
    return 100 * np.exp(noise + np.where((month >= first) & (month <= last), size, 0.0))[None]


def forecasts(first: int, size: float) -> FloatArray:
    """Forecasts (1, folds, horizon) of a level of 100 that follow a change from a `first` month in part."""
    level = 100 * np.exp(np.where(first <= MONTHS, FOLLOWED * size, 0.0))
    return np.repeat(level[None, :, None], HORIZON, axis=2)


def follow(y: FloatArray, centre: FloatArray) -> FloatArray:
    """The combination (1, folds, horizon) of values (1, months) after changes of level."""
    ds = pd.date_range("2015-01", periods=y.shape[1], freq="MS")
    panel = Panel.from_long(pd.DataFrame({"unique_id": "s", "ds": ds, "y": y[0]}))
    base = BaseForecasts(("naive",), MONTHS, centre[:, None], ())
    return follow_level_changes(centre, read_fold_data(panel, base, {}))


@given(SEEDS, SIZES, AGES)
def test_a_young_change_is_followed_less_with_age_and_step(seed: int, size: float, age: int) -> None:
    first, share = END - age, LARGEST_SHARE * (OLD - age) / (OLD - YOUNG)
    level = np.log(follow(values(seed, first, size), forecasts(first, size))[0, -1] / 100) / size
    moved = (level - FOLLOWED) / (1 - FOLLOWED)
    assert moved[0] == pytest.approx(share, abs=0.1)
    assert (np.diff(moved) < 0).all()
    assert moved[-1] > 0.3 * share


@given(SEEDS, SIZES)
def test_an_old_change_and_the_first_month_of_one_are_left_to_the_forecasters(seed: int, size: float) -> None:
    for age in (1, OLD, OLD + 3):
        centre = forecasts(END - age, size)
        moved = follow(values(seed, END - age, size), centre)
        np.testing.assert_array_equal(moved[0, -1], centre[0, -1])


@given(SEEDS, SIZES)
def test_a_single_event_moves_nothing(seed: int, size: float) -> None:
    centre, y = forecasts(END, size), values(seed, END - 4, size, last=END - 4)
    np.testing.assert_array_equal(follow(y, centre), centre)


@given(SEEDS)
def test_ordinary_series_stay_as_they_are(seed: int) -> None:
    centre = forecasts(END, 0.0)
    np.testing.assert_array_equal(follow(values(seed, END, 0.0), centre), centre)


@given(SEEDS, SIZES, AGES)
def test_a_fold_sees_only_its_past(seed: int, size: float, age: int) -> None:
    y, centre = values(seed, END - age, size), forecasts(END - age, size)
    changed = np.where(np.arange(y.shape[1]) > MONTHS[-1], 17.0, y)
    np.testing.assert_array_equal(follow(y, centre), follow(changed, centre))


def test_a_series_without_forecast_stays_at_zero() -> None:
    assert not follow(values(1, END - 2, 1.5), np.zeros((1, FOLDS, HORIZON))).any()
