"""Forecasts with indicators: their effects, the evidence of folds, and no look-ahead."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from forecasting.combination.combined_forecasts import combine_panel
from forecasting.config import ForecastConfig
from forecasting.data.indicators import IndicatorPanel
from forecasting.evaluation.indicator_evidence import ALL
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.pipeline import PanelForecast, forecast_panel
from tests.support.indicators import MONTHS, day, index, indicators, panel, shocks

CONFIG = ForecastConfig(horizon=6, folds=24, burn_in=24, draws=40, forecasters=("seasonal_naive", "theta"))
NEWS = shocks()


def forecast(given: IndicatorPanel | None) -> PanelForecast:
    return forecast_panel(panel(NEWS), config=CONFIG, reporter="CHN", indicators=given)


@pytest.fixture(scope="module")
def plain() -> PanelForecast:
    return forecast(None)


@pytest.fixture(scope="module")
def nowcast() -> PanelForecast:
    return forecast(indicators(index(NEWS)))


def test_an_indicator_that_shows_the_news_moves_the_forecast_to_it(plain: PanelForecast) -> None:
    news = NEWS.copy()
    news[MONTHS] = -0.10
    nowcast = forecast(indicators(index(news)))
    moved = np.log(nowcast.centre / plain.centre)[0]
    assert moved[0] < -0.04
    assert_array_equal(moved[2:], 0.0)
    before, after = (np.abs(f.backtest.combined - f.backtest.actual)[0, :, 0] for f in (plain, nowcast))
    assert after.mean() < 0.85 * before.mean()


def test_intervals_of_a_nowcast_are_narrower(plain: PanelForecast, nowcast: PanelForecast) -> None:
    low, high = CONFIG.probabilities.index(0.1), CONFIG.probabilities.index(0.9)
    widths = [f.quantiles[0, high, 0] - f.quantiles[0, low, 0] for f in (plain, nowcast)]
    assert widths[1] < 0.9 * widths[0]


def test_a_value_public_a_day_after_the_as_of_day_changes_nothing(nowcast: PanelForecast) -> None:
    late = index(NEWS, extra=2)
    planted = replace(
        late,
        values=np.append(late.values[:-1], 20.0),
        known_on=np.append(late.known_on[:-1], day("2023-02-01")),
    )
    after = forecast(replace(indicators(index(NEWS), as_of="2023-01-31"), indicators=(planted,)))
    assert nowcast.indicators is not None
    assert nowcast.indicators.known["leads"].tolist() == [1]
    assert_array_equal(nowcast.paths, after.paths)
    assert_array_equal(nowcast.backtest.combined, after.backtest.combined)


def test_a_fold_never_sees_months_public_after_its_own_day() -> None:
    cutoffs = list(range(MONTHS - 50, MONTHS))
    base = forecast_at_cutoffs(
        panel(NEWS), cutoffs=cutoffs, horizon=6, reporter="CHN", forecasters=("theta",), vintage_values={}
    )
    fold = 40
    late = index(NEWS)
    changed = late.values.copy()
    # The fold's own first lead is the last month that it may see.
    changed[cutoffs[fold] + 2 :] += 30.0
    given = [indicators(late), indicators(replace(late, values=changed))]
    seen = [combine_panel(panel(NEWS), base, indicators=known).centre[:, : fold + 1] for known in given]
    assert_array_equal(seen[0], seen[1])


def test_an_indicator_without_a_month_beyond_the_cutoff_changes_nothing(plain: PanelForecast) -> None:
    same = forecast(indicators(index(NEWS), as_of="2023-01-30"))
    assert_array_equal(plain.paths, same.paths)
    assert same.indicators is not None
    assert same.indicators.effects.empty
    assert same.indicators.evidence["n"].min() > 12


def test_evidence_tells_an_indicator_that_helps_from_one_that_does_not() -> None:
    useless = replace(index(shocks(seed=5)), id="NOISE")
    found = forecast(indicators(index(NEWS), useless)).indicators
    assert found is not None
    evidence: Any = found.evidence.set_index("indicator")
    ratio = evidence["mae_with"] / evidence["mae_without"]
    assert ratio["NEWS"] < 0.9
    assert ratio[ALL] < 0.9
    assert 0.95 < ratio["NOISE"] < 1.05
    assert evidence.loc["NEWS", "p_value"] < 0.1
    assert evidence.loc["NEWS", "weight"] > 1.0


def test_effects_of_indicators_add_up_to_the_move(plain: PanelForecast) -> None:
    other = replace(index(0.5 * NEWS + shocks(seed=3)), id="OTHER")
    nowcast = forecast(indicators(index(NEWS), other))
    assert nowcast.indicators is not None
    added = nowcast.indicators.effects.groupby("month")["value"].sum()
    moved = (nowcast.centre - plain.centre)[0, : len(added)]
    assert_allclose(added.to_numpy(), moved, rtol=1e-6)
