"""Rolling origin: every forecaster at every cutoff, without look-ahead."""

from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from forecasting.data.panel import Panel
from forecasting.errors import ForecasterFailed, UnknownForecaster
from forecasting.evaluation import rolling_origin
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.evaluation.series_fits import SeriesTask, fit_series
from forecasting.forecasters import FORECASTERS
from tests.support.panels import grid_panel, long_frame, trade_series

CHEAP = ("naive", "seasonal_naive", "theta")


def fit(panel, **changes):
    given: dict[str, Any] = {"cutoffs": [40, 50, 59], "horizon": 6, "reporter": "CHN", "forecasters": CHEAP} | changes
    return forecast_at_cutoffs(panel, **given)


@pytest.fixture(scope="module")
def base():
    return fit(grid_panel(60))


def test_forecasts_are_those_of_the_history_up_to_each_cutoff(base):
    panel = grid_panel(60)
    seasonal = base.means[:, base.names.index("seasonal_naive")]
    for fold, cutoff in enumerate(base.cutoffs):
        assert_allclose(seasonal[:, fold], panel.values[:, cutoff - 11 : cutoff - 5])


def test_a_change_after_the_cutoff_changes_nothing(base):
    panel = grid_panel(60)
    changed = Panel(panel.unique_ids, panel.months, panel.values.copy(), panel.imputed, panel.keys)
    changed.values[:, 51:] *= 10
    after = fit(changed)
    assert_array_equal(base.means[:, :, :2], after.means[:, :, :2])
    assert not np.array_equal(base.means[:, :, 2], after.means[:, :, 2])


def test_an_executor_gives_the_same_bytes(base):
    panel = grid_panel(60)
    with ThreadPoolExecutor(2) as threads, ProcessPoolExecutor(2) as processes:
        there, elsewhere = fit(panel, executor=threads), fit(panel, executor=processes)
    assert_array_equal(base.means, there.means)
    assert_array_equal(base.means, elsewhere.means)


def test_a_delayed_series_is_forecast_over_the_requested_months():
    panel = Panel.from_long(long_frame({"late": trade_series(48, seed=1), "on_time": trade_series(50, seed=2)}))
    base = fit(panel, cutoffs=[49], horizon=3)
    seasonal = base.means[0, base.names.index("seasonal_naive"), 0]
    assert_allclose(seasonal, panel.values[0, 38:41])


def test_a_series_that_has_not_begun_has_no_forecast():
    frame = long_frame({"old": trade_series(60, seed=1)})
    young = long_frame({"young": trade_series(12, seed=2)}, start="2019-01")
    panel = Panel.from_long(pd.concat([frame, young]))
    base = fit(panel, cutoffs=[40, 59], horizon=2)
    assert np.isnan(base.means[1, :, 0]).all()
    assert np.isfinite(base.means[1, base.names.index("seasonal_naive"), 1]).all()


class Hanging(Executor):
    """An executor whose tasks never end."""

    def submit(self, fn, /, *args, **kwargs):
        return Future()


def test_progress_is_reported_while_every_fit_hangs(monkeypatch):
    monkeypatch.setattr(rolling_origin, "PULSE_SECONDS", 0.01)
    reported = []

    def stop(*progress):
        reported.append(progress)
        if len(reported) == 3:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        forecast_at_cutoffs(
            grid_panel(48), cutoffs=[40], horizon=3, reporter="CHN", executor=Hanging(), on_progress=stop
        )
    assert {(stage, done) for stage, done, _ in reported} == {("fit", 0)}


def test_progress_counts_every_series():
    reported = []
    fit(grid_panel(60), forecasters=["naive"], on_progress=lambda *args: reported.append(args))
    assert reported[-1] == ("fit", 12, 12)
    assert [done for _, done, _ in reported] == list(range(1, 13))


@dataclass(frozen=True)
class Failing:
    """Fails on long histories with a named or an unnamed error."""

    named: bool
    min_observations: int = 1
    prior_weight: float = 1.0

    def forecast(self, history):
        if len(history.y) <= 50:
            return np.zeros(history.horizon)
        if self.named:
            raise ForecasterFailed(history.unique_id, "stumbling", "no luck")
        raise np.linalg.LinAlgError("singular matrix")


@pytest.mark.parametrize(("named", "reason"), [(True, "no luck"), (False, "LinAlgError: singular matrix")])
def test_the_baseline_replaces_a_failed_forecaster(monkeypatch, named, reason):
    monkeypatch.setitem(FORECASTERS, "stumbling", Failing(named))
    task = SeriesTask(
        "a", np.datetime64("2015-01"), trade_series(60, seed=1), "CHN", (40, 59), 3, ("stumbling", "seasonal_naive")
    )
    done = fit_series(task)
    assert_array_equal(done.means[0, 0], np.zeros(3))
    assert_array_equal(done.means[0, 1], done.means[1, 1])
    (failure,) = done.failures
    assert (failure.forecaster, failure.cutoff, failure.reason) == ("stumbling", "2019-12", reason)


def test_the_baseline_is_included_and_unknown_names_are_refused():
    assert fit(grid_panel(60), forecasters=["naive"]).names == ("naive", "seasonal_naive")
    with pytest.raises(UnknownForecaster, match="there is no forecaster 'oracle'"):
        fit(grid_panel(60), forecasters=["oracle"])
