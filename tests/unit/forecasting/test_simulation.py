"""Joint draws: reproducible, with the dependence of the errors."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from forecasting.config import PROBABILITIES
from forecasting.path_quantiles import path_quantiles
from forecasting.uncertainty.error_distribution import learn_distribution
from forecasting.uncertainty.simulation import CEILING, draw_paths
from tests.support.known_errors import HORIZON, SERIES, known_law, make_known_errors

IDS = [f"s{number:02d}" for number in range(SERIES)]
CENTRE = np.repeat(np.geomspace(10, 1000, SERIES)[:, None], HORIZON, axis=1)
UNIT = CENTRE[:, 0] / 10


def simulate(errors=None, **changes):
    errors = 0.1 * known_law(5) if errors is None else errors
    given: dict[str, Any] = {
        "transform_unit": UNIT,
        "greatest": CENTRE[:, 0],
        "unique_ids": IDS,
        "draws": 1000,
        "seed": 11,
    } | changes
    return draw_paths(learn_distribution(make_known_errors(errors, np.full(SERIES, 0.1))), CENTRE, **given)


def test_the_seed_determines_the_bytes():
    assert_array_equal(simulate(), simulate())
    assert not np.array_equal(simulate(), simulate(seed=12))


def test_the_centre_is_between_the_median_and_the_mean():
    paths = simulate(3 * known_law(5))
    median, mean = np.median(paths, axis=1), paths.mean(axis=1)
    assert (median < CENTRE).all()
    assert (mean > CENTRE).all()
    assert_allclose(np.sqrt(median * mean), CENTRE, rtol=0.05)


def test_quantiles_nest_and_widen_with_the_step():
    quantiles = path_quantiles(simulate(), PROBABILITIES)
    assert quantiles.shape == (SERIES, len(PROBABILITIES), HORIZON)
    assert (np.diff(quantiles, axis=1) >= 0).all()
    spread = quantiles[:, -2] - quantiles[:, 1]
    assert (spread[:, -1] > spread[:, 0]).all()


def test_draws_are_correlated_across_series_and_steps():
    """The correlation of the errors across series and steps is that of the draws."""
    logs = np.log(simulate() / CENTRE[:, None])
    across = np.corrcoef(logs[:, :, 0])
    assert across[~np.eye(SERIES, dtype=bool)].mean() == pytest.approx(0.6, abs=0.15)
    along = np.corrcoef(logs[3].T)
    assert along[5, 11] == pytest.approx(np.sqrt(6 / 12), abs=0.15)


def test_annual_spread_is_between_independent_and_comonotone():
    logs = np.log(simulate() / CENTRE[:, None])
    year = logs.sum(axis=2).std(axis=1)
    apart = np.sqrt((logs.std(axis=1) ** 2).sum(axis=1))
    row = logs.std(axis=1).sum(axis=1)
    assert (year > 1.5 * apart).all()
    assert (year < row).all()


def test_no_draw_explodes():
    wild = simulate(20 * known_law(5))
    assert np.isfinite(wild).all()
    assert (np.abs(wild) <= 20.001 * CENTRE[:, :1, None]).all()


def test_an_odd_number_of_draws_is_kept():
    assert simulate(draws=7).shape == (SERIES, 7, HORIZON)


def test_draws_stay_below_a_multiple_of_the_recent_values():
    paths = simulate(30 * known_law(5))
    ceiling = CEILING * CENTRE[:, None]
    assert (np.abs(paths) <= ceiling * (1 + 1e-9)).all()
    assert (paths.max(axis=1) > 0.5 * CENTRE).all()
