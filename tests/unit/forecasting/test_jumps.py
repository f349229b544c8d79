"""Jumps in the errors known at a cutoff."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.types import FloatArray
from forecasting.uncertainty.error_scale import KnownErrors, estimate_error_scale
from forecasting.uncertainty.jumps import DOUBT, JUMP_SIZE, count_jumps_once

FOLDS, HORIZON, USUAL = 30, 12, 0.08
CUTOFFS = np.arange(FOLDS)
SEEDS = st.integers(0, 2**32 - 1)


def ordinary(seed: int) -> FloatArray:
    """Known errors of one series whose forecasts are right but for noise, shape (1, folds, horizon)."""
    noise = np.random.default_rng(seed).normal(0, USUAL, FOLDS + HORIZON + 1)
    target = CUTOFFS[:, None] + 1 + np.arange(HORIZON)
    return np.where(target <= FOLDS, noise[target], np.nan)[None]


def with_jump(errors: FloatArray, month: int, size: float, *, last: int = FOLDS) -> FloatArray:
    """The errors with a jump from a month to a last one that no fold before it foresaw."""
    target = CUTOFFS[:, None] + 1 + np.arange(HORIZON)
    missed = (CUTOFFS[:, None] < month) & (target >= month) & (target <= last)
    return errors + size * missed


def scale_of(errors: FloatArray) -> FloatArray:
    """The error scale of the months ahead, shape (horizon,)."""
    known = KnownErrors(errors, CUTOFFS, FOLDS, np.array([USUAL]), np.zeros(1, dtype=np.int64), new_year=False)
    ahead: FloatArray = estimate_error_scale(known).ahead_of(known)[0]
    return ahead


@given(SEEDS, st.integers(8, 20), st.sampled_from([-2.0, -1.4, 1.4, 2.0]))
def test_a_lasting_jump_counts_in_the_error_of_its_month_only(seed: int, month: int, size: float) -> None:
    calm = ordinary(seed)
    counted = count_jumps_once(with_jump(calm, month, size), CUTOFFS)
    gap = np.abs(counted - calm)[0]
    assert gap[month - 1, 0] == pytest.approx(abs(size))
    gap[month - 1, 0] = 0.0
    assert np.nanmax(gap) < 3 * USUAL


@given(SEEDS, st.sampled_from([-1.5, 1.5]))
def test_a_calm_year_after_a_shift_has_the_scale_of_a_calm_year(seed: int, size: float) -> None:
    calm = ordinary(seed)
    shifted = with_jump(calm, FOLDS - 12, size)
    raw, counted = scale_of(shifted), scale_of(count_jumps_once(shifted, CUTOFFS))
    assert counted.mean() < 0.6 * raw.mean()
    assert counted.mean() < 3 * scale_of(calm).mean()


@given(SEEDS, st.integers(1, 4), st.sampled_from([-1.5, 1.0]))
def test_the_doubt_about_a_young_jump_falls_with_every_month(seed: int, months: int, size: float) -> None:
    calm = ordinary(seed) / 100
    counted = count_jumps_once(with_jump(calm, FOLDS - months + 1, size), CUTOFFS)
    remaining = counted[0, FOLDS - 6, 5] / size
    assert remaining == pytest.approx(DOUBT ** (months - 1), abs=0.01)


@given(SEEDS, st.integers(8, 20), st.sampled_from([-3.5, 2.6]))
def test_a_single_event_is_bounded_in_every_fold(seed: int, month: int, size: float) -> None:
    calm = ordinary(seed)
    counted = count_jumps_once(with_jump(calm, month, size, last=month), CUTOFFS)
    target = CUTOFFS[:, None] + 1 + np.arange(HORIZON)
    at_event = np.abs(counted[0][(target == month) & np.isfinite(counted[0])])
    assert at_event.max() < max(JUMP_SIZE, 12 * USUAL)
    np.testing.assert_array_equal(counted[0][target != month], calm[0][target != month])


@given(SEEDS)
def test_ordinary_errors_and_folds_far_apart_stay_as_they_are(seed: int) -> None:
    calm = ordinary(seed)
    np.testing.assert_array_equal(count_jumps_once(calm, CUTOFFS), calm)
    volatile = 10 * calm
    unchanged = np.isnan(volatile) | (count_jumps_once(volatile, CUTOFFS) == volatile)
    assert unchanged.all()


def test_few_folds_are_no_evidence_of_a_jump() -> None:
    errors = np.array([[[0.01, 0.02], [3.0, 3.0], [0.01, np.nan]]])
    np.testing.assert_array_equal(count_jumps_once(errors, np.arange(3)), errors)
