"""The own scale of steps that an indicator informs."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from forecasting.uncertainty.error_distribution import learn_distribution
from tests.support.known_errors import FOLDS, HORIZON, SERIES, known_law, make_known_errors


def halved(errors: np.ndarray) -> np.ndarray:
    """Errors whose first step an indicator has halved, in the first series."""
    smaller = errors.copy()
    smaller[0, :, 0] *= 0.5
    return smaller


def informed() -> np.ndarray:
    found = np.zeros((SERIES, FOLDS + 1, HORIZON), dtype=bool)
    found[0, :, 0] = True
    return found


def width(errors: np.ndarray, scale: np.ndarray, marks: np.ndarray | None) -> np.ndarray:
    return learn_distribution(make_known_errors(errors), scale, marks).marginals.width


def usual(errors: np.ndarray) -> np.ndarray:
    return np.broadcast_to(np.abs(errors).mean(axis=(0, 1)), errors.shape).copy()


def test_an_informed_step_has_the_scale_of_its_own_errors() -> None:
    errors = known_law(3)
    scale = usual(errors)
    plain, own = width(halved(errors), scale, None), width(halved(errors), scale, informed())
    assert own[0, 0] / plain[0, 0] == pytest.approx(0.6, abs=0.15)


def test_other_steps_and_series_keep_theirs() -> None:
    errors = halved(known_law(3))
    scale = usual(errors)
    plain, own = width(errors, scale, None), width(errors, scale, informed())
    plain[0, 0] = own[0, 0] = 1.0
    assert_array_equal(plain, own)


def test_a_forecast_that_is_not_informed_keeps_the_shared_scale() -> None:
    errors = halved(known_law(3))
    scale, marks = usual(errors), informed()
    marks[:, -1] = False
    assert_array_equal(width(errors, scale, None), width(errors, scale, marks))


def test_few_informed_folds_are_shrunk_towards_the_shared_scale() -> None:
    errors = halved(known_law(3))
    scale, marks = usual(errors), informed()
    whole = width(errors, scale, marks)[0, 0]
    marks[:, :-4] = False
    few = width(errors, scale, marks)[0, 0]
    assert whole < few < width(errors, scale, None)[0, 0]
