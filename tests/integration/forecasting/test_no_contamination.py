"""Metamorphic tests: adding an odd series leaves the forecasts of the others as they were."""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.combination.combined_forecasts import combine_panel
from forecasting.config import ForecastConfig
from forecasting.data.panel import Panel
from forecasting.data.representative import representative_series
from forecasting.evaluation.fold_paths import fold_paths
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.pipeline import fold_positions
from tests.support.panels import long_frame, trade_series

MONTHS = 78
QUICK = ForecastConfig(horizon=6, folds=12, burn_in=24, forecasters=("naive", "seasonal_naive", "seasonal_mean"))


def odd(kind: str, seed: int, level: float) -> np.ndarray:
    draw = np.random.default_rng(seed)
    usual = trade_series(MONTHS, seed=seed, level=level)
    idle = np.zeros(MONTHS)
    idle[draw.integers(5, 40)] = 0.03 * level
    dead = np.where(np.arange(MONTHS) < 50, usual, 0.0)
    collapsed = np.where(np.arange(MONTHS) < 50, usual, draw.uniform(0, 0.005 * level, MONTHS))
    absurd = level * np.where(draw.random(MONTHS) < 0.1, 10.0 ** draw.uniform(2, 6, MONTHS), 0.01)
    kinds: dict[str, np.ndarray] = {
        "new": usual[-6:],
        "short": usual[-15:],
        "idle": idle,
        "dead": dead,
        "collapsed": collapsed,
        "absurd": absurd,
    }
    return kinds[kind]


def regular(count: int, seed: int) -> dict[str, np.ndarray]:
    return {f"s{i:02}": trade_series(MONTHS, seed=seed + i, level=10.0 ** (1 + i % 3)) for i in range(count)}


def means(series: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The published means of the last cutoff by series; series end together."""
    frames = {uid: np.concatenate([np.full(MONTHS - len(y), np.nan), y]) for uid, y in series.items()}
    panel = Panel.from_long(long_frame(frames).dropna())
    cutoffs = [*fold_positions(panel, QUICK), len(panel.months) - 1]
    base = forecast_at_cutoffs(panel, cutoffs=cutoffs, horizon=6, reporter="CHN", forecasters=QUICK.forecasters)
    pool = combine_panel(panel, base)
    paths = fold_paths(pool, len(cutoffs) - 1, draws=400, seed=1)
    return {uid: paths[row].mean(axis=0) for row, uid in enumerate(panel.unique_ids)}


KINDS = ("new", "short", "idle", "dead", "collapsed", "absurd")
CASES = [(kind, count) for kind in KINDS for count in (1, 8)]


@pytest.mark.parametrize(("kind", "count"), CASES)
@settings(
    max_examples=2, phases=[Phase.explicit, Phase.generate], deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(seed=st.integers(0, 10_000), level=st.floats(-3, 6))
def test_an_odd_series_does_not_move_the_others(kind, count, seed, level):
    others = regular(count, seed)
    alone = means(others)
    among = means(others | {"zz": odd(kind, seed + 99, 10.0**level)})
    for uid, mean in alone.items():
        assert_allclose(among[uid], mean, rtol=0.02, err_msg=f"{kind}: {uid}")


@pytest.mark.parametrize("kind", KINDS)
def test_an_odd_series_does_not_represent_the_panel(kind):
    odd_values = odd(kind, 5, 100.0)
    values = np.full((2, MONTHS), np.nan)
    values[0], values[1, MONTHS - len(odd_values) :] = trade_series(MONTHS, seed=3), odd_values
    assert representative_series(values).tolist() == [True, False]


def test_a_boom_represents_the_panel_and_an_isolated_value_does_not():
    boom = np.where(np.arange(MONTHS) < 60, 1.0, 1.4 ** np.clip(np.arange(MONTHS) - 60, 0, 15))
    isolated = np.where(np.arange(MONTHS) == 70, 100.0, 1.0)
    assert representative_series(np.stack([boom, isolated])).tolist() == [True, False]


def test_a_panel_of_short_series_is_represented_by_all_of_them():
    values = np.full((3, 20), np.nan)
    values[:2, 10:] = 5.0
    assert representative_series(values).tolist() == [True, True, False]
