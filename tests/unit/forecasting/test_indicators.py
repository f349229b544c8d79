"""Indicators: the ragged edge, surprises, and the adjustment of the combination."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from forecasting.combination.combined_forecasts import combine_panel
from forecasting.combination.indicator_adjustment import PENALTIES, bounded, regress
from forecasting.combination.indicator_surprises import find_surprises, surprise
from forecasting.config import ForecastConfig
from forecasting.data.indicators import DAY, Indicator, IndicatorPanel, shift_day
from forecasting.data.months import MONTH
from forecasting.data.panel import Panel
from forecasting.evaluation.indicator_evidence import ALL
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.pipeline import forecast_panel
from tests.support.panels import long_frame

MONTHS = 96
UID = "T.X.WLD.TOTAL"
CONFIG = ForecastConfig(horizon=6, folds=24, burn_in=24, draws=40, forecasters=("seasonal_naive", "theta"))


def day(text: str) -> np.datetime64:
    return np.datetime64(text, "D")


def shocks(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.05, MONTHS + 2)


def panel(news: np.ndarray) -> Panel:
    """One series whose months move with news, and with noise of its own."""
    own = np.random.default_rng(9).normal(0, 0.01, MONTHS)
    season = 0.1 * np.sin(2 * np.pi * np.arange(MONTHS) / 12)
    return Panel.from_long(long_frame({UID: 100 * np.exp(season + news[:MONTHS] + own)}))


def index(news: np.ndarray, *, start: str = "2015-01", lag: int = 0, extra: int = 1) -> Indicator:
    """An index that shows the news, public `lag` days after each month, to `extra` months beyond the panel."""
    months = np.datetime64(start, "M") + np.arange(MONTHS + extra)
    known_on = (months + 1).astype(DAY) - 1 + lag
    return Indicator("NEWS", "index", "CHN", months, known_on, 50 + 100 * news[: MONTHS + extra])


def indicators(*given: Indicator, as_of: str = "2023-01-31") -> IndicatorPanel:
    """Indicators that all inform the series; the panel ends with 2022-12."""
    ids = tuple(indicator.id for indicator in given)
    return IndicatorPanel(given, {UID: ids}, day(as_of), np.datetime64("2022-12", "M"))


def forecast(news: np.ndarray, given: IndicatorPanel | None):
    return forecast_panel(panel(news), config=CONFIG, reporter="CHN", indicators=given)


@pytest.mark.parametrize(
    ("given", "months", "shifted"),
    [
        ("2026-08-06", -2, "2026-06-06"),
        ("2026-09-30", -1, "2026-08-31"),
        ("2026-08-31", -6, "2026-02-28"),
        ("2026-03-30", -1, "2026-02-28"),
        ("2026-01-01", -1, "2025-12-01"),
    ],
)
def test_a_day_is_shifted_by_months_and_a_last_day_stays_one(given: str, months: int, shifted: str) -> None:
    assert shift_day(day(given), months) == day(shifted)


def test_the_latest_vintage_of_each_month_counts_on_a_day() -> None:
    months = np.array(["2022-11", "2022-12", "2022-12"], dtype=MONTH)
    known_on = np.array(["2022-12-01", "2023-01-01", "2023-01-15"], dtype=DAY)
    indicator = Indicator("K", "amount", "KOR", months, known_on, np.array([1.0, 2.0, 3.0]))
    assert_array_equal(indicator.known(day("2023-01-14"))[1], [1.0, 2.0])
    assert_array_equal(indicator.known(day("2023-01-15"))[1], [1.0, 3.0])
    assert_array_equal(indicator.known(day("2022-12-31"))[1], [1.0])


def test_a_surprise_in_an_index_is_its_distance_from_the_last_three_months() -> None:
    indicator = index(shocks())
    cutoff = np.datetime64("2020-06", "M")
    place = int((cutoff - indicator.months[0]).astype(int))
    expected = indicator.values[place + 2] - indicator.values[place - 2 : place + 1].mean()
    assert surprise(indicator, cutoff, 2, day("2020-08-31")) == pytest.approx(expected)
    assert np.isnan(surprise(indicator, cutoff, 2, day("2020-08-30")))


def test_a_surprise_in_an_amount_is_what_its_season_does_not_explain() -> None:
    months = np.datetime64("2012-01", "M") + np.arange(120)
    values = 100 * np.exp(0.2 * np.sin(2 * np.pi * np.arange(120) / 12) + 0.005 * np.arange(120))
    values[-1] *= 1.3
    indicator = Indicator("A", "amount", "DEU", months, (months + 1).astype(DAY), values)
    found = surprise(indicator, months[-2], 1, day("2022-01-01"))
    assert found == pytest.approx(np.log(1.3), abs=0.02)


def test_a_gap_shortens_the_history_of_an_amount() -> None:
    months = np.datetime64("2012-01", "M") + np.arange(120)
    kept = np.arange(120) != 100
    indicator = Indicator("A", "amount", "DEU", months[kept], (months[kept] + 1).astype(DAY), np.ones(119))
    assert np.isnan(surprise(indicator, months[-2], 1, day("2022-01-01")))


def test_a_fold_knows_as_many_months_as_its_own_day_allows() -> None:
    cutoffs = np.array(["2021-01", "2021-02", "2022-12"], dtype=MONTH)
    found = find_surprises(indicators(index(shocks(), lag=0), as_of="2023-01-31"), cutoffs)
    assert [found.leads_at(fold).tolist() for fold in range(3)] == [[1], [1], [1]]
    found = find_surprises(indicators(index(shocks(), lag=3), as_of="2023-02-02"), cutoffs)
    assert [found.leads_at(fold).tolist() for fold in range(3)] == [[0], [0], [0]]


def test_an_indicator_that_shows_the_news_moves_the_forecast_to_it() -> None:
    news = shocks()
    news[MONTHS] = -0.10
    plain, nowcast = forecast(news, None), forecast(news, indicators(index(news)))
    moved = np.log(nowcast.centre / plain.centre)[0]
    assert moved[0] < -0.04
    assert_array_equal(moved[2:], 0.0)
    before, after = (np.abs(f.backtest.combined - f.backtest.actual)[0, :, 0] for f in (plain, nowcast))
    assert after.mean() < 0.85 * before.mean()


def test_intervals_of_a_nowcast_are_narrower() -> None:
    news = shocks()
    plain, nowcast = forecast(news, None), forecast(news, indicators(index(news)))
    low, high = CONFIG.probabilities.index(0.1), CONFIG.probabilities.index(0.9)
    widths = [f.quantiles[0, high, 0] - f.quantiles[0, low, 0] for f in (plain, nowcast)]
    assert widths[1] < 0.9 * widths[0]


def test_a_value_public_a_day_after_the_as_of_day_changes_nothing() -> None:
    news = shocks()
    given = indicators(index(news, extra=1), as_of="2023-01-31")
    late = index(news, extra=2)
    planted = replace(
        late,
        values=np.append(late.values[:-1], 20.0),
        known_on=np.append(late.known_on[:-1], day("2023-02-01")),
    )
    before, after = forecast(news, given), forecast(news, replace(given, indicators=(planted,)))
    assert before.indicators is not None
    assert before.indicators.known["leads"].tolist() == [1]
    assert_array_equal(before.paths, after.paths)
    assert_array_equal(before.backtest.combined, after.backtest.combined)


def test_a_fold_never_sees_months_public_after_its_own_day() -> None:
    news = shocks()
    cutoffs = list(range(MONTHS - 50, MONTHS))
    base = forecast_at_cutoffs(
        panel(news), cutoffs=cutoffs, horizon=6, reporter="CHN", forecasters=("theta",), vintage_values={}
    )
    fold = 40
    late = index(news)
    changed = late.values.copy()
    # The fold's own first lead is the last month that it may see.
    changed[cutoffs[fold] + 2 :] += 30.0
    given = [indicators(late), indicators(replace(late, values=changed))]
    seen = [combine_panel(panel(news), base, indicators=known).centre[:, : fold + 1] for known in given]
    assert_array_equal(seen[0], seen[1])


def test_an_indicator_without_a_month_beyond_the_cutoff_changes_nothing() -> None:
    news = shocks()
    plain, same = forecast(news, None), forecast(news, indicators(index(news), as_of="2023-01-30"))
    assert_array_equal(plain.paths, same.paths)
    assert same.indicators is not None
    assert same.indicators.effects.empty
    assert same.indicators.evidence["n"].min() > 12


def test_evidence_tells_an_indicator_that_helps_from_one_that_does_not() -> None:
    news, noise = shocks(), shocks(seed=5)
    useless = replace(index(noise), id="NOISE")
    found = forecast(news, indicators(index(news), useless)).indicators
    assert found is not None
    evidence = found.evidence.set_index("indicator")
    ratio = evidence["mae_with"] / evidence["mae_without"]
    assert ratio["NEWS"] < 0.9
    assert ratio[ALL] < 0.9
    assert 0.95 < ratio["NOISE"] < 1.05
    assert evidence.loc["NEWS", "p_value"] < 0.1
    assert evidence.loc["NEWS", "weight"] > 1.0


def test_effects_of_indicators_add_up_to_the_move() -> None:
    news = shocks()
    other = replace(index(0.5 * news + shocks(seed=3)), id="OTHER")
    plain, nowcast = forecast(news, None), forecast(news, indicators(index(news), other))
    assert nowcast.indicators is not None
    added = nowcast.indicators.effects.groupby("month")["value"].sum()
    moved = (nowcast.centre - plain.centre)[0, : len(added)]
    assert_allclose(added.to_numpy(), moved, rtol=1e-6)


def test_a_surprise_is_bounded_whatever_its_size() -> None:
    values = np.append(np.random.default_rng(1).normal(size=40), [60.0, np.nan])
    found = bounded(values[None])[0]
    assert (found[-2], found[-1]) == (2.5, 0.0)


def test_a_regression_on_noise_gives_no_effect_mostly() -> None:
    draw = np.random.default_rng(4)
    target = np.arange(600, 661)
    effects = [
        regress(draw.normal(size=60), bounded(draw.normal(size=(1, 61))), target, PENALTIES)[0] for _ in range(60)
    ]
    assert np.mean(np.abs(effects) < 0.1) > 0.6
    assert np.all(np.abs(effects) < 0.5)


def test_few_folds_give_no_effect() -> None:
    x = np.random.default_rng(4).normal(size=(1, 20))
    assert_array_equal(regress(x[0, :19] * 0.1, x, np.arange(600, 620), PENALTIES), [0.0])
