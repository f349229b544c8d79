"""Forecasts with events: their effects, the evidence of folds, and no look-ahead."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from forecasting.combination.combined_forecasts import CombinedForecasts, combine_panel
from forecasting.data.events import REGRESSORS
from forecasting.evaluation.event_evidence import report_events
from forecasting.evaluation.rolling_origin import BaseForecasts, forecast_at_cutoffs
from tests.support.events import tariff_panel

HORIZON = 6
COST = 0


@pytest.fixture(scope="module")
def base() -> BaseForecasts:
    panel, _ = tariff_panel()
    cutoffs = list(range(35, len(panel.months)))
    names = ("naive", "seasonal_naive", "seasonal_mean")
    return forecast_at_cutoffs(panel, cutoffs=cutoffs, horizon=HORIZON, reporter="DEU", forecasters=names)


@pytest.fixture(scope="module")
def plain(base: BaseForecasts) -> CombinedForecasts:
    return combine_panel(tariff_panel()[0], base)


@pytest.fixture(scope="module")
def adjusted(base: BaseForecasts) -> CombinedForecasts:
    panel, events = tariff_panel()
    return combine_panel(panel, base, events=events)


def test_announced_duties_improve_the_forecasts_of_later_folds(
    plain: CombinedForecasts, adjusted: CombinedForecasts
) -> None:
    panel, events = tariff_panel()
    row = panel.unique_ids.index("T.X.USA.TOTAL")
    late = slice(60, None)
    moved = adjusted.centre[row, late] != plain.centre[row, late]
    errors = [np.nanmean(np.abs(pool.centre[row, late] - pool.actual[row, late])[moved]) for pool in (plain, adjusted)]
    assert moved.any()
    assert errors[1] < 0.8 * errors[0]
    report = report_events(adjusted, events)
    assert report is not None
    assert list(report.evidence["regressor"]) == list(REGRESSORS)
    coefficient, _, without, with_events, _ = report.evidence.drop(columns="regressor").to_numpy(float)[COST]
    assert with_events < without
    assert coefficient < -0.5


def test_a_fold_sees_only_events_announced_by_its_day(base: BaseForecasts, adjusted: CombinedForecasts) -> None:
    """An event announced after a fold's day changes no forecast of that fold or of those before it."""
    panel, events = tariff_panel()
    fold = 70
    day = events.day_at(panel.months[base.cutoffs[fold]])
    later = tuple(
        replace(duty, rate_after=90.0, rate_before=45.0) if duty.announced > day else duty for duty in events.events
    )
    assert later != events.events
    changed = combine_panel(panel, base, events=replace(events, events=later))
    assert_array_equal(changed.centre[:, : fold + 1], adjusted.centre[:, : fold + 1])
    assert (changed.centre[:, fold + 1 :] != adjusted.centre[:, fold + 1 :]).any()


@pytest.mark.parametrize("length", [1, 3])
def test_a_panel_without_changes_is_left_to_the_bit(base: BaseForecasts, plain: CombinedForecasts, length: int) -> None:
    panel, events = tariff_panel()
    quiet = replace(events, events=events.events[:length], covers={"T.X.USA.TOTAL": ()})
    assert_array_equal(combine_panel(panel, base, events=quiet).centre, plain.centre)
