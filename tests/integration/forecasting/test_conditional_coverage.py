"""Coverage by condition at the cutoff: volatility, change of level, lateness."""

import numpy as np
import pytest

from forecasting.config import LEVELS, ForecastConfig, interval_probabilities
from forecasting.data.panel import Panel
from forecasting.evaluation.conditional_coverage import GROUPS
from forecasting.pipeline import forecast_panel
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
