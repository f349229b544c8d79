"""The backtest: scores by fold, in chunks of series."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from forecasting.combination.combined_forecasts import CombinedForecasts, combine_panel
from forecasting.config import COMBINATION, ForecastConfig
from forecasting.evaluation import chunks
from forecasting.evaluation.fold_paths import fold_distribution, fold_paths
from forecasting.evaluation.metrics import pinball
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.path_quantiles import path_quantiles, quantiles_of_paths
from forecasting.pipeline import evaluate_panel, forecast_panel
from forecasting.uncertainty import error_distribution
from forecasting.uncertainty.arsinh_transform import transform
from forecasting.uncertainty.error_distribution import learn_distribution
from tests.support.panels import gaps_of_sums, grid_panel

CONFIG = ForecastConfig(
    horizon=12, folds=4, burn_in=6, draws=200, forecasters=("naive", "seasonal_naive", "seasonal_mean")
)


def forecast(panel):
    return forecast_panel(panel, config=CONFIG, reporter="CHN")


@pytest.fixture(scope="module")
def panel():
    return grid_panel(84)


@pytest.fixture(scope="module")
def whole(panel):
    return forecast(panel)


def test_chunks_change_nothing_beyond_stored_precision(panel, whole, monkeypatch):
    monkeypatch.setattr(chunks, "BLOCK_VALUES", 5 * CONFIG.draws * CONFIG.horizon)
    parts = forecast(panel)
    # Sums of parts that nearly cancel have the precision of the parts.
    assert_allclose(parts.paths, whole.paths, rtol=2e-6, atol=1e-6 * float(whole.paths.max()))
    assert gaps_of_sums(panel, parts.paths.astype(np.float64)) < 1e-6 * parts.paths.max()
    keys = ["unique_id", "forecaster", "step", "kind", "metric", "level"]
    pd.testing.assert_frame_equal(parts.backtest.scores[keys], whole.backtest.scores[keys])
    steady = ~whole.backtest.scores["metric"].isin(["coverage", "pit"])
    assert_allclose(parts.backtest.scores["value"][steady], whole.backtest.scores["value"][steady], rtol=1e-4)


def test_a_run_keeps_the_combination_and_an_evaluation_all_quantiles(panel, whole):
    assert set(whole.backtest.quantiles) == {COMBINATION}
    evaluated, _ = evaluate_panel(panel, cutoffs=[panel.months[-14]], config=CONFIG, reporter="CHN")
    assert set(evaluated.quantiles) == {*CONFIG.forecasters, COMBINATION}
    assert all(values.shape == (12, 1, 9, 12) for values in evaluated.quantiles.values())


def test_accumulated_scores_are_means_over_folds(whole):
    backtest = whole.backtest
    scores = backtest.scores[(backtest.scores["kind"] == "month") & (backtest.scores["step"] == 3)]
    row = scores[(scores["unique_id"] == whole.unique_ids[0]) & (scores["forecaster"] == COMBINATION)]
    quantiles = np.moveaxis(backtest.quantiles[COMBINATION][0].astype(float), 1, -1)[:, 2]
    actual = backtest.actual[0, :, 2]
    expected = {
        "mae": np.nanmean(np.abs(backtest.means[0, -1, :, 2] - actual)),
        "pinball": np.nanmean(pinball(actual, quantiles)),
    }
    found = row.set_index("metric")["value"]
    assert_allclose([found[name] for name in expected], list(expected.values()))
    assert int(row.set_index("metric")["n"]["mae"]) == np.isfinite(actual).sum()


def test_a_slice_of_a_backtest_is_its_rows(whole):
    some = whole.backtest.of(slice(3, 5))
    assert_array_equal(some.means, whole.backtest.means[3:5])
    assert set(some.scores["unique_id"]) == set(whole.unique_ids[3:5])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_path_quantiles_equal_those_of_numpy_to_the_bit(dtype):
    paths = np.random.default_rng(1).lognormal(size=(5, 37, 6)).astype(dtype)
    paths[2, 4, 3] = np.nan
    probabilities = (0.0, 0.025, 0.1, 0.5, 0.77, 1.0)
    expected = np.moveaxis(np.quantile(paths, probabilities, axis=1).astype(np.float64), 0, 1)
    assert_array_equal(path_quantiles(paths, probabilities), expected)


def test_quantiles_in_chunks_are_those_of_all_paths(monkeypatch):
    paths = np.random.default_rng(2).lognormal(size=(7, 20, 3)).astype(np.float32)
    monkeypatch.setattr(chunks, "BLOCK_VALUES", 2 * 20 * 3)
    assert_array_equal(quantiles_of_paths(paths, (0.1, 0.5)), path_quantiles(paths, (0.1, 0.5)))


def test_a_folds_scale_is_calibrated_by_earlier_folds(panel):
    base = forecast_at_cutoffs(
        panel, cutoffs=range(40, 75), horizon=3, reporter="CHN", forecasters=("naive", "seasonal_naive")
    )
    pool, fold = combine_panel(panel, base), 34

    def widths():
        return fold_distribution(pool, fold).marginals.width

    before = widths()
    assert not np.allclose(before, learn_distribution(pool.known_errors(fold)).marginals.width, rtol=0.01)
    # The scale of months that were not known at the fold has no influence.
    pool.forecast_scale[:, fold:] *= 9
    pool.forecast_scale[:, fold - 1, 1:] *= 9
    assert_array_equal(widths(), before)
    pool.forecast_scale[:, fold - 5 : fold - 3, 0] /= 9
    assert not np.allclose(widths(), before, rtol=0.003)


def test_reconciled_paths_are_as_wide_as_the_error_distribution(panel, monkeypatch):
    # With one factor most of the correlation of parts and wholes is lost, and reconciliation removes variance.
    monkeypatch.setattr(error_distribution, "RANK", 1)
    base = forecast_at_cutoffs(
        panel, cutoffs=range(40, 75), horizon=3, reporter="CHN", forecasters=("naive", "seasonal_naive")
    )
    pool, fold = combine_panel(panel, base), 34
    distribution = fold_distribution(pool, fold)
    errors = distribution.marginals.standardised(np.random.default_rng(3).uniform(size=100_000))
    expected = distribution.marginals.width * errors.std()

    def ratio():
        paths = fold_paths(pool, fold, draws=4000, seed=1).astype(np.float64)
        return np.median(transform(paths, pool.transform_unit[:, fold, None, None]).std(axis=1) / expected)

    assert_allclose(ratio(), 1.0, atol=0.03)
    monkeypatch.setattr(CombinedForecasts, "widened", lambda pool, fold, distribution, reconcile: distribution)
    assert ratio() < 0.94
