"""Metrics against explicit loops and against libraries."""

import numpy as np
import pandas as pd
import pytest
import utilsforecast.losses as peers
from numpy.testing import assert_allclose
from scipy.stats import norm, t

from forecasting.config import LEVELS, PROBABILITIES
from forecasting.evaluation.metrics import (
    diebold_mariano,
    fold_scores,
    folds_ahead,
    inside,
    pinball,
    seasonal_scales,
    weighted_interval_score,
)
from forecasting.evaluation.score_accumulator import ScoreAccumulator, ScoreTable
from tests.support.panels import trade_series


def slow_scale(y):
    changes = [abs(y[t] - y[t - 12]) for t in range(12, len(y))]
    return sum(changes) / len(changes)


def slow_wis(actual, quantile):
    total = 0.5 * abs(actual - quantile[0.5])
    for level in LEVELS:
        alpha = 1 - level / 100
        lo, hi = quantile[round(alpha / 2, 10)], quantile[round(1 - alpha / 2, 10)]
        penalty = 2 / alpha * (max(lo - actual, 0) + max(actual - hi, 0))
        total += alpha / 2 * (hi - lo + penalty)
    return total / (len(LEVELS) + 0.5)


def test_the_scale_uses_only_months_up_to_the_cutoff():
    y = trade_series(60, seed=1)
    values = np.vstack([np.r_[np.full(10, np.nan), y], np.r_[y, np.full(10, np.nan)]])
    absolute, squared = seasonal_scales(values, np.array([30, 69]))
    assert_allclose(absolute[0], [slow_scale(y[:21]), slow_scale(y)])
    assert_allclose(absolute[1, 0], slow_scale(y[:31]))
    assert (squared > absolute**2 * 0.999).all()


def test_a_series_without_a_year_or_without_change_has_no_scale():
    values = np.vstack([np.r_[np.arange(10.0), np.full(20, np.nan)], np.full(30, 5.0)])
    absolute, squared = seasonal_scales(values, np.array([29]))
    assert np.isnan(absolute).all()
    assert np.isnan(squared).all()


def test_wis_agrees_with_its_definition():
    draw = np.random.default_rng(2)
    actual = draw.normal(0, 2, 40)
    quantiles = np.sort(draw.normal(0, 2, (40, len(PROBABILITIES))), axis=1)
    slow = [slow_wis(a, dict(zip(PROBABILITIES, q, strict=True))) for a, q in zip(actual, quantiles, strict=True)]
    assert_allclose(weighted_interval_score(actual, quantiles), slow)


def test_pinball_loss_is_smallest_at_the_true_quantiles():
    actual = np.random.default_rng(3).normal(size=20000)
    truth = np.broadcast_to(norm.ppf(PROBABILITIES), (20000, len(PROBABILITIES)))
    assert pinball(actual, truth).mean() < pinball(actual, truth * 1.3).mean()
    assert pinball(actual, truth).mean() < pinball(actual, truth * 0.7).mean()


def score_table(*, actual, mean, quantiles, scale, squared_scale):
    """The scores of one forecaster of one series, from arrays with an axis of folds."""
    accumulator = ScoreAccumulator(len(actual), actual.shape[2])
    for fold in range(actual.shape[1]):
        accumulator.add(
            fold_scores(
                actual=actual[:, fold],
                mean=mean[:, fold],
                quantiles=quantiles[:, fold],
                scale=scale[:, fold],
                squared_scale=squared_scale[:, fold],
            )
        )
    return ScoreTable(("a",), tuple(accumulator.scored("m", "month"))).frame()


@pytest.fixture
def scored():
    """One series, its folds' forecasts, and the score table of them."""
    draw = np.random.default_rng(4)
    y = trade_series(80, seed=4)
    cutoffs = np.array([40, 50, 60, 70])
    actual = np.full((1, 4, 12), np.nan)
    for fold, cutoff in enumerate(cutoffs):
        ahead = y[cutoff + 1 : cutoff + 13]
        actual[0, fold, : len(ahead)] = ahead
    mean = np.nan_to_num(actual) + draw.normal(0, 5, actual.shape)
    quantiles = mean[:, :, None] + 8 * norm.ppf(np.array(PROBABILITIES))[:, None]
    absolute, squared = seasonal_scales(y[None], cutoffs)
    table = score_table(actual=actual, mean=mean, quantiles=quantiles, scale=absolute, squared_scale=squared)
    return y, cutoffs, actual, mean, quantiles, table


def value(table, metric, step, level=0.0):
    row = table[(table["metric"] == metric) & (table["step"] == step) & (table["level"] == level)]
    return float(row["value"].iloc[0]), int(row["n"].iloc[0])


def test_mase_and_smape_of_a_fold_agree_with_utilsforecast(scored):
    y, cutoffs, actual, mean, _, _ = scored
    frame = pd.DataFrame({"unique_id": "a", "y": actual[0, 0], "m": mean[0, 0]})
    train = pd.DataFrame({"unique_id": "a", "y": y[: cutoffs[0] + 1]})
    mase = peers.mase(frame, models=["m"], seasonality=12, train_df=train)["m"].iloc[0]
    smape = peers.smape(frame, models=["m"])["m"].iloc[0]
    absolute, squared = seasonal_scales(y[None], cutoffs[:1])
    table = score_table(
        actual=actual[:, :1],
        mean=mean[:, :1],
        quantiles=np.repeat(mean[:, :1, None], len(PROBABILITIES), axis=2),
        scale=absolute,
        squared_scale=squared,
    )
    assert_allclose(value(table, "mase", 0)[0], mase)
    assert_allclose(value(table, "smape", 0)[0], 200 * smape)
    rmsse = peers.rmsse(frame, models=["m"], seasonality=12, train_df=train)["m"].iloc[0]
    assert_allclose(value(table, "rmsse", 0)[0], rmsse)


def test_every_row_has_its_number_of_forecasts(scored):
    _, _, actual, mean, _, table = scored
    known = np.isfinite(actual[0])
    for step in (1, 9, 10, 12):
        errors = np.abs(mean - actual)[0, known[:, step - 1], step - 1]
        assert value(table, "mae", step) == (pytest.approx(errors.mean()), known[:, step - 1].sum())
    assert value(table, "mae", 0)[1] == known.sum()


def test_coverage_is_the_share_inside(scored):
    _, _, actual, _, quantiles, table = scored
    lo, hi = quantiles[0, :, PROBABILITIES.index(0.1)], quantiles[0, :, PROBABILITIES.index(0.9)]
    known = np.isfinite(actual[0])
    expected = ((actual[0] >= lo) & (actual[0] <= hi))[known].mean()
    assert value(table, "coverage", 0, 80.0)[0] == pytest.approx(expected)
    assert np.isnan(inside(np.array([np.nan]), np.array([0.0]), np.array([1.0])))[0]


def test_diebold_mariano_has_its_nominal_size():
    draw = np.random.default_rng(8)
    p_values = np.array([diebold_mariano(*draw.normal(size=(2, 60)) ** 2, step=1) for _ in range(600)])
    assert 0.02 < np.mean(p_values < 0.05) < 0.09
    worse = np.array(
        [diebold_mariano(draw.normal(size=60) ** 2, 4 + draw.normal(size=60) ** 2, step=3) for _ in range(20)]
    )
    assert (worse < 0.001).all()


def test_diebold_mariano_is_nan_for_few_folds_or_equal_losses():
    assert np.isnan(diebold_mariano(np.ones(5), np.zeros(5), step=1))
    assert np.isnan(diebold_mariano(np.ones(30), np.ones(30), step=1))


def test_steps_are_converted_to_folds():
    assert [folds_ahead(step, [1, 1]) for step in (1, 12)] == [1, 12]
    assert [folds_ahead(step, [4, 4]) for step in (1, 4, 5, 12)] == [1, 1, 2, 3]
    assert folds_ahead(12, [12, 6, 12]) == 2
    assert folds_ahead(12, []) == 12


def slow_diebold_mariano(loss, baseline, step):
    """As it is written in the papers, one series at a time."""
    difference = (loss - baseline)[np.isfinite(loss - baseline)]
    n = len(difference)
    if n < max(8, step + 2):
        return np.nan
    centred = difference - difference.mean()
    autocovariance = [centred[lag:] @ centred[: n - lag] / n for lag in range(step)]
    variance = (autocovariance[0] + 2 * sum((1 - k / step) * autocovariance[k] for k in range(1, step))) / n
    if variance <= 0:
        return np.nan
    correction = np.sqrt(max(n + 1 - 2 * step + step * (step - 1) / n, 1.0) / n)
    return 2 * t.sf(abs(correction * difference.mean() / np.sqrt(variance)), n - 1)


@pytest.mark.parametrize("step", [1, 4, 24])
def test_diebold_mariano_of_many_series_agrees_with_a_loop(step):
    draw = np.random.default_rng(9)
    ours, theirs = draw.normal(size=(2, 40, 30)) ** 2
    ours[draw.uniform(size=ours.shape) < 0.3] = np.nan
    ours[0], ours[1, 5:], theirs[2] = np.nan, np.nan, ours[2]
    expected = [slow_diebold_mariano(a, b, step) for a, b in zip(ours, theirs, strict=True)]
    assert_allclose(diebold_mariano(ours, theirs, step=step), expected)


def test_a_slice_of_the_score_table_is_its_rows():
    draw = np.random.default_rng(10)
    ids = ("b", "c", "a")
    accumulator = ScoreAccumulator(3, 4)
    accumulator.add({("mae", 0.0): draw.uniform(size=(3, 4)), ("coverage", 80.0): np.full((3, 4), np.nan)})
    score_table = ScoreTable(ids, tuple(accumulator.scored("m", "month")))
    whole = score_table.frame()
    assert whole["unique_id"].is_monotonic_increasing
    assert set(whole["metric"]) == {"mae"}
    some = score_table.of(slice(1, 3)).frame()
    pd.testing.assert_frame_equal(some, whole[whole["unique_id"] != "b"].reset_index(drop=True))
