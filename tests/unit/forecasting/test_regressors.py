"""Own regressors: values as known on a fold's day, their use by a forecaster, and their effects."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from forecasting.config import ForecastConfig
from forecasting.data.panel import Panel
from forecasting.data.regressors import UNIT, Regressor, RegressorPanel, scaled
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.forecasters import REGRESSIONS, WITH_REGRESSORS, with_own_regressors
from forecasting.pipeline import forecast_panel
from tests.support.panels import long_frame, trade_series

MONTHS, HORIZON, ELASTICITY = 84, 6, -0.02
NAMES = ("naive", "seasonal_naive", "structural")


def months(count: int, first: str = "2015-01") -> Any:
    return np.datetime64(first, "M") + np.arange(count)


def planned_rates() -> Any:
    """A rate in per cent that changes every few months, for the months of the panel and those ahead."""
    draw = np.random.default_rng(5)
    return np.repeat(draw.choice([0.0, 10.0, 25.0, 40.0], size=50), 3)[: MONTHS + HORIZON]


def world(*, known_ahead: int = 12) -> tuple[Panel, RegressorPanel]:
    """Two series of which one falls by 2 % for each point of a rate that is known `known_ahead` months before."""
    rates = planned_rates()
    series = {
        "T.X.USA.TOTAL": trade_series(MONTHS, seed=1, noise=0.02) * np.exp(ELASTICITY * rates[:MONTHS]),
        "T.X.DEU.TOTAL": trade_series(MONTHS, seed=2, noise=0.02),
    }
    panel = Panel.from_long(long_frame(series))
    span = months(MONTHS + HORIZON)
    column = Regressor("RATE", span, (span - known_ahead).astype("datetime64[D]"), rates)
    as_of = (panel.cutoff + 1).astype("datetime64[D]") + 10
    return panel, RegressorPanel((column,), {"T.X.USA.TOTAL": ("RATE",)}, as_of, panel.cutoff)


def test_a_value_is_the_latest_known_on_the_day() -> None:
    column = Regressor(
        "R",
        np.array(["2025-01", "2025-02", "2025-02"], "datetime64[M]"),
        np.array(["2024-12-01", "2024-12-01", "2025-01-20"], "datetime64[D]"),
        np.array([1.0, 2.0, 3.0]),
    )
    assert_array_equal(column.known(months(3, "2025-01"), np.datetime64("2025-01-19")), [1.0, 2.0, np.nan])
    assert_array_equal(column.known(months(3, "2025-01"), np.datetime64("2025-01-20")), [1.0, 3.0, np.nan])


def test_columns_are_centred_and_scaled_by_their_history() -> None:
    column = np.concatenate([np.tile([0.0, 10.0], 15), [20.0, 20.0]])[:, None]
    found, unit = scaled(column, 30)
    assert_allclose(found[:30].std(), UNIT)
    assert_allclose(found[30:, 0], (20 - 5) / unit[0])


@pytest.mark.parametrize("fault", ["future", "short", "constant"])
def test_a_column_that_cannot_be_used_is_left_out(fault: str) -> None:
    column = np.tile([0.0, 10.0], 16)[:, None]
    if fault == "future":
        column[-1] = np.nan
    elif fault == "short":
        column[:10] = np.nan
    else:
        column[:] = 3.0
    found, unit = scaled(column, 30)
    assert found.shape == (32, 0)
    assert np.isnan(unit).all()


def folds(panel: Panel, regressors: RegressorPanel | None, *names: str, every: int = 1) -> Any:
    cutoffs = list(range(47, MONTHS, every))
    return forecast_at_cutoffs(
        panel, cutoffs=cutoffs, horizon=HORIZON, reporter="", forecasters=names or NAMES, regressors=regressors
    )


@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_planned_rate_improves_every_regression(name: str) -> None:
    panel, regressors = world()
    base = folds(panel, regressors, "seasonal_naive", name, every=12)
    actual = panel.ahead(base.cutoffs.tolist(), HORIZON)
    row = panel.unique_ids.index("T.X.USA.TOTAL")
    without, with_regressors = (
        np.nanmean(np.abs(base.means[row, base.names.index(forecaster)] - actual[row]))
        for forecaster in (name, WITH_REGRESSORS[name])
    )
    assert with_regressors < 0.7 * without
    assert np.isnan(base.means[1 - row, base.names.index(WITH_REGRESSORS[name])]).all()
    assert_allclose(base.sensitivities["T.X.USA.TOTAL"], [[ELASTICITY]], rtol=0.25)


def test_every_regression_among_the_forecasters_runs_with_regressors_too() -> None:
    assert with_own_regressors(("ets", "arima", "prophet")) == (
        *("ets", "arima", "prophet"),
        *("arima_regressors", "prophet_regressors"),
    )
    assert with_own_regressors(("ets",)) == ("ets", "structural", "structural_regressors")


def test_without_regressors_nothing_changes() -> None:
    panel, regressors = world()
    plain, other = folds(panel, None), folds(panel, regressors)
    assert set(other.names) - set(plain.names) == {"structural_regressors"}
    places = [other.names.index(name) for name in plain.names]
    assert_array_equal(other.means[:, places], plain.means)


def test_a_fold_does_not_see_values_that_became_known_later() -> None:
    """Another value with a day after a fold's changes no forecast of that fold."""
    panel, regressors = world(known_ahead=1)
    column = regressors.regressors[0]
    as_of = panel.months[60].astype("datetime64[D]")
    later = column.known_on > as_of
    changed = replace(column, values=np.where(later, column.values + 30.0, column.values))
    before, after = (folds(panel, replace(regressors, regressors=(version,))) for version in (column, changed))
    early = before.cutoffs < 58
    assert_array_equal(before.means[:, :, early], after.means[:, :, early])


def test_a_run_reports_worth_weight_and_effect() -> None:
    panel, regressors = world()
    config = ForecastConfig(horizon=HORIZON, folds=12, burn_in=24, draws=20, forecasters=NAMES)
    found = forecast_panel(panel, config=config, reporter="", regressors=regressors).regressors
    assert found is not None
    (worth,) = found.evidence.to_dict("records")
    assert worth["unique_id"] == "T.X.USA.TOTAL"
    assert worth["n"] == 36
    assert worth["mae_with"] < 0.7 * worth["mae_without"]
    assert worth["p_value"] < 0.05
    assert worth["weight"] > 0.2
    (effect,) = found.effects.to_dict("records")
    assert_allclose(effect["coefficient"], ELASTICITY, rtol=0.25)
