"""The record of known errors against explicit loops; the number of independent series."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.combination.error_record import ErrorRecord, capped_errors, median_known

CAP = 2.0


def panel(*, series=6, folds=14, horizon=3, seed=0, shared=0.0):
    draw = np.random.default_rng(seed)
    actuals = 100.0 + draw.normal(size=(series, folds, horizon))
    own = draw.normal(size=(series, 4, folds, horizon))
    errors = np.sqrt(1 - shared) * own + np.sqrt(shared) * own[:1]
    means = actuals[:, None] + np.array([1.0, 1.5, 1.0, 0.8])[:, None, None] * errors
    return means, actuals, np.full((series, folds), 2.0), np.arange(30, 30 + folds)


def record_of(given):
    means, actuals, scale, cutoffs = given
    return ErrorRecord(means, actuals, scale, cutoffs, CAP)


def slow_log_errors(given, fold):
    means, actuals, scale, cutoffs = given
    totals, references = np.zeros(means.shape[1]), np.zeros(means.shape[1])
    for s, k, h in np.ndindex(*actuals.shape):
        if k >= fold or cutoffs[k] + 1 + h > cutoffs[fold]:
            continue
        errors = np.minimum(np.abs(means[s, :, k, h] - actuals[s, k, h]) / scale[s, k], CAP)
        known = np.isfinite(errors)
        totals[known] += errors[known]
        references[known] += np.median(errors[known]) if known.any() else 0.0
    return np.log(totals / references)


def test_relative_errors_match_a_loop():
    given = panel()
    given[0][2, 1, :5] = np.nan
    given[1][3, 4, 1] = np.nan
    record = record_of(given)
    for fold in range(len(given[3])):
        evidence = record.known_at(fold)
        if fold > 1:
            assert_allclose(evidence.log_error, slow_log_errors(given, fold), rtol=1e-4, atol=1e-6)


def test_no_known_month_is_no_evidence():
    evidence = record_of(panel()).known_at(0)
    assert evidence.months == 0.0
    assert (evidence.coverage == 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_identical_series_count_as_one(seed):
    apart, together = (
        record_of(panel(series=30, folds=40, seed=seed, shared=shared)).known_at(39) for shared in (0.0, 1.0)
    )
    assert apart.independent_series > 15
    assert together.independent_series < 1.5


def test_one_series_counts_as_one():
    assert record_of(panel(series=1)).known_at(13).independent_series == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(3))
def test_standard_errors_match_the_spread(seed):
    records = [record_of(panel(series=4, folds=40, seed=100 * seed + value)).known_at(39) for value in range(60)]
    spread = np.std([record.log_error for record in records], axis=0)
    expected = np.median([record.standard_error for record in records], axis=0)
    assert_allclose(expected, spread, rtol=0.4)


def test_medians_exclude_unknown_errors():
    errors = np.random.default_rng(2).normal(size=(5, 6, 7))
    errors[0, :3] = np.nan
    errors[1, 1:] = np.nan
    errors[2] = np.nan
    expected = np.full((5, 7), np.nan)
    expected[[0, 1, 3, 4]] = np.nanmedian(errors[[0, 1, 3, 4]], axis=1)
    assert_allclose(median_known(errors), expected)


def test_errors_without_a_scale_are_unknown():
    errors = capped_errors(np.ones((2, 3, 4)), np.zeros((3, 4)), np.array([0.0, np.nan, 1e-9]), CAP)
    assert np.isnan(errors[:, :2]).all()
    assert (errors[:, 2] == CAP).all()
