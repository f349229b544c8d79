"""Calibration of the scale: by step and by aggregation level, not by a common factor."""

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
    """The scale of the months ahead before and after calibration, each (series, horizon)."""
    known = make_known_errors(errors, aggregation_level=aggregation_level)
    widths = estimate_error_scale(known)
    return widths.of(known.ahead), calibrate(widths, forecast_scale, known).of(known.ahead)


def right(errors):
    """The correct scale: that of the errors' distribution."""
    return np.broadcast_to(np.nanmean(np.abs(errors), axis=(0, 1)), errors.shape).copy()


def test_a_correct_scale_is_unchanged():
    errors = known_law(1, common=0.0)
    before, after = calibrated(errors, right(errors), GROUP)
    assert_allclose(after, before, rtol=0.05)


def test_a_wrong_slope_over_steps_is_corrected():
    errors = known_law(2)
    before, after = calibrated(errors, right(errors) * STEPS**0.5)
    ratio = np.median(after / before, axis=0)
    slope, _ = np.polyfit(np.log(STEPS), np.log(ratio), 1)
    assert -0.7 < slope < -0.2
    assert ratio[0] > 1 > ratio[-1]


def test_a_slope_that_folds_disagree_on_is_shrunk():
    errors = known_law(2)
    forecast_scale = right(errors) * STEPS ** np.where(np.arange(FOLDS) // HORIZON % 2, 1.0, -1.0)[:, None]
    before, after = calibrated(errors, forecast_scale)
    assert_allclose(after, before, rtol=0.2)


def test_a_level_with_too_large_a_scale_is_narrowed():
    errors = known_law(3)
    forecast_scale = right(errors)
    forecast_scale[GROUP == 1] *= 2
    before, after = calibrated(errors, forecast_scale, GROUP)
    ratio = np.median(after / before, axis=1)
    trust = np.log(ratio[GROUP == 0][0] / ratio[GROUP == 1][0]) / np.log(2)
    months = np.sum(0.5 ** (np.arange(1, FOLDS - FEWEST_FOLDS + 1) / 12))
    assert trust == pytest.approx(months / (months + SHRINKAGE), abs=0.12)


def test_a_common_factor_of_all_errors_has_no_effect():
    errors = known_law(4)
    once, thrice = (calibrated(errors, right(errors) / factor, GROUP)[1] for factor in (1, 3))
    assert_allclose(once, thrice, rtol=0.01)


def test_first_folds_and_unknown_errors_are_ignored():
    errors = known_law(5)
    forecast_scale = right(errors)
    wrong = forecast_scale.copy()
    wrong[:, :FEWEST_FOLDS] *= STEPS
    assert (calibrated(errors, forecast_scale)[1] == calibrated(errors, wrong)[1]).all()
    errors[:, -1, 5:] = np.nan
    wrong = forecast_scale.copy()
    wrong[:, -1, 5:] *= 7
    assert (calibrated(errors, forecast_scale)[1] == calibrated(errors, wrong)[1]).all()


def test_few_folds_or_one_step_change_nothing():
    errors = known_law(6)
    few = replace(make_known_errors(errors), errors=errors[:, :5], cutoffs=np.arange(5), cutoff=5)
    widths = estimate_error_scale(few)
    assert calibrate(widths, right(errors)[:, :5], few) is widths
    one_step = errors[..., :1]
    before, after = calibrated(one_step, right(one_step))
    assert_allclose(after, before)
    before, after = calibrated(np.zeros_like(errors), np.ones_like(errors), GROUP)
    assert_allclose(after, before)
