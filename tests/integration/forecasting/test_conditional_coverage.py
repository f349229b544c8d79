"""Coverage by condition at the cutoff: volatility, change of level, lateness."""

import numpy as np
import pytest

from forecasting.config import LEVELS, ForecastConfig, interval_probabilities
from forecasting.data.panel import Panel
from forecasting.evaluation.conditional_coverage import GROUPS
from forecasting.pipeline import evaluate_panel, forecast_panel
from tests.support.panels import long_frame, trade_series

MONTHS = 84
CONFIG = ForecastConfig(
    horizon=4, folds=6, burn_in=12, draws=100, forecasters=("naive", "seasonal_naive", "seasonal_mean")
)


@pytest.fixture(scope="module")
def backtest():
    months, draw = np.arange(MONTHS), np.random.default_rng(5)
    risen = np.where(months < MONTHS - 16, 100.0, 300.0) * np.exp(0.03 * draw.normal(size=MONTHS))
    calm = 100 * np.exp(np.where(months < MONTHS - 30, 0.4, 0.02) * draw.normal(size=MONTHS))
    late = np.where(months < MONTHS - 8, trade_series(MONTHS, seed=3), np.nan)
    series = {"calm": calm, "late": late, "risen": risen, "usual": trade_series(MONTHS, seed=1)}
    panel = Panel.from_long(long_frame(series).dropna())
    return forecast_panel(panel, config=CONFIG, reporter="ZZZ").backtest


def rows(backtest, condition, level):
    found = [row for row in backtest.conditional_coverage if (row.condition, row.level) == (condition, level)]
    return {row.group: row for row in found}


def test_series_are_in_the_group_of_their_kind(backtest):
    assert set(rows(backtest, "level", 80.0)) == {"steady", "risen"}
    assert "calmer" in rows(backtest, "volatility", 80.0)
    assert {row.group for row in backtest.conditional_coverage} <= {name for names in GROUPS.values() for name in names}


@pytest.mark.parametrize("level", LEVELS)
def test_groups_add_up_to_the_coverage_of_all(backtest, level):
    probabilities = CONFIG.probabilities
    lo, hi = (backtest.quantiles["combination"][:, :, probabilities.index(p)] for p in interval_probabilities(level))
    known = np.isfinite(backtest.actual)
    inside = ((backtest.actual >= lo) & (backtest.actual <= hi))[known]
    for condition in GROUPS:
        found = rows(backtest, condition, level).values()
        assert sum(row.n for row in found) == len(inside)
        assert sum(row.coverage * row.n for row in found) == pytest.approx(inside.sum())


LATE_BY = 3


def late_backtest(seed):
    """A backtest in which half of the series lack their last three months at every other fold, unlike before."""
    months, count = 96, 16
    series = {f"s{i:02}": trade_series(months, seed=100 * seed + i) for i in range(count)}
    panel = Panel.from_long(long_frame(series))
    cutoffs = list(range(months - 30, months - 4))
    seen = {cutoff: panel.values[:, : cutoff + 1].copy() for cutoff in cutoffs}
    for place, cutoff in enumerate(cutoffs):
        if place % 2:
            seen[cutoff][place % 4 // 2 :: 2, -LATE_BY:] = np.nan
    backtest, _ = evaluate_panel(
        panel, cutoffs=list(panel.months[cutoffs]), config=CONFIG, reporter="ZZZ", vintage_values=seen
    )
    return rows(backtest, "lateness", 80.0)


@pytest.mark.parametrize("seed", [1, 2])
def test_intervals_of_late_series_hold_as_many_outcomes_as_the_others(seed):
    found = late_backtest(seed)
    assert found["late"].n > 400
    assert {group: 0.74 <= row.coverage <= 0.86 for group, row in found.items()} == {"on time": True, "late": True}
