"""Widths are drawn to how those said before them held: by step and by group, not as a whole."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.uncertainty.error_scale import estimate_error_scale
from forecasting.uncertainty.error_scale_calibration import FEWEST_FOLDS, SHRINKAGE, calibrate
from tests.support.known_errors import FOLDS, HORIZON, SERIES, known_law, make_known_errors

GROUP = np.repeat([0, 1], SERIES // 2)
STEPS = np.arange(1, HORIZON + 1)


def calibrated(errors, forecast_scale, aggregation_level=None):
    """The widths of the months ahead before and after, each (series, horizon)."""
    known = make_known_errors(errors, aggregation_level=aggregation_level)
    widths = estimate_error_scale(known)
    return widths.of(known.ahead), calibrate(widths, forecast_scale, known).of(known.ahead)


def right(errors):
    """Widths that were right: those of the errors' own law."""
    return np.broadcast_to(np.nanmean(np.abs(errors), axis=(0, 1)), errors.shape).copy()


def test_widths_that_held_are_left_as_they_are():
    errors = known_law(1, common=0.0)
    before, after = calibrated(errors, right(errors), GROUP)
    assert_allclose(after, before, rtol=0.05)


def test_steps_whose_widths_were_too_large_are_narrowed_and_the_others_widened():
    errors = known_law(2)
    before, after = calibrated(errors, right(errors) * STEPS**0.5)
    ratio = np.median(after / before, axis=0)
    slope, _ = np.polyfit(np.log(STEPS), np.log(ratio), 1)
    assert -0.7 < slope < -0.2
    assert ratio[0] > 1 > ratio[-1]


def test_a_slope_that_folds_do_not_agree_on_is_not_believed():
    errors = known_law(2)
    forecast_scale = right(errors) * STEPS ** np.where(np.arange(FOLDS) // HORIZON % 2, 1.0, -1.0)[:, None]
    before, after = calibrated(errors, forecast_scale)
    assert_allclose(after, before, rtol=0.2)


def test_a_group_whose_widths_were_too_large_is_narrowed_next_to_the_other():
    errors = known_law(3)
    forecast_scale = right(errors)
    forecast_scale[GROUP == 1] *= 2
    before, after = calibrated(errors, forecast_scale, GROUP)
    ratio = np.median(after / before, axis=1)
    trust = np.log(ratio[GROUP == 0][0] / ratio[GROUP == 1][0]) / np.log(2)
    months = np.sum(0.5 ** (np.arange(1, FOLDS - FEWEST_FOLDS + 1) / 12))
    assert trust == pytest.approx(months / (months + SHRINKAGE), abs=0.12)


def test_what_widened_every_error_is_no_news():
    errors = known_law(4)
    once, thrice = (calibrated(errors, right(errors) / factor, GROUP)[1] for factor in (1, 3))
    assert_allclose(once, thrice, rtol=0.01)


def test_the_first_folds_and_what_is_not_known_yet_count_for_nothing():
    errors = known_law(5)
    forecast_scale = right(errors)
    wrong = forecast_scale.copy()
    wrong[:, :FEWEST_FOLDS] *= STEPS
    assert (calibrated(errors, forecast_scale)[1] == calibrated(errors, wrong)[1]).all()
    errors[:, -1, 5:] = np.nan
    wrong = forecast_scale.copy()
    wrong[:, -1, 5:] *= 7
    assert (calibrated(errors, forecast_scale)[1] == calibrated(errors, wrong)[1]).all()


def test_with_few_folds_or_one_step_there_is_nothing_to_learn():
    errors = known_law(6)
    few = replace(make_known_errors(errors), errors=errors[:, :5], cutoffs=np.arange(5), cutoff=5)
    widths = estimate_error_scale(few)
    assert calibrate(widths, right(errors)[:, :5], few) is widths
    one_step = errors[..., :1]
    before, after = calibrated(one_step, right(one_step))
    assert_allclose(after, before)
    before, after = calibrated(np.zeros_like(errors), np.ones_like(errors), GROUP)
    assert_allclose(after, before)
