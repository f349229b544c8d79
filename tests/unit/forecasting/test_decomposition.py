"""Decomposition: components are recovered and multiply to the values."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from forecasting.analysis.decomposition import NAMES, OPTIONS, Components, decompose, decompose_panel
from forecasting.data.calendar_regressors import calendar_regressors
from forecasting.data.panel import Panel
from forecasting.forecasters.prophet.library import fit_and_predict
from tests.support.panels import long_frame, trade_series

N, HORIZON = 120, 12
MONTHS = np.datetime64("2014-01") + np.arange(N + HORIZON)
CALENDAR = calendar_regressors(MONTHS, "CHN")
SEASON = 0.2 * np.cos(2 * np.pi * (np.arange(N + HORIZON) % 12) / 12)
HOLIDAYS = CALENDAR @ np.array([0.02, -0.3, -0.1, 0.2])
TREND = 4.0 + 0.01 * np.arange(N + HORIZON)


@pytest.fixture(scope="module")
def parts() -> Components:
    noise = np.random.default_rng(3).normal(0.0, 0.005, N)
    return decompose(np.exp((TREND + SEASON + HOLIDAYS)[:N] + noise), MONTHS, CALENDAR)


def test_components_multiply_to_the_values(parts: Components) -> None:
    noise = np.random.default_rng(3).normal(0.0, 0.005, N)
    product = parts.trend[:N] * (1 + parts.season[:N]) * (1 + parts.calendar[:N]) * (1 + parts.rest)
    assert_allclose(product, np.exp((TREND + SEASON + HOLIDAYS)[:N] + noise))


def test_components_are_recovered_in_the_past_and_ahead(parts: Components) -> None:
    assert_allclose(np.log(parts.trend), TREND, atol=0.05)
    assert_allclose(np.log1p(parts.season), SEASON, atol=0.03)
    assert_allclose(np.log1p(parts.calendar), HOLIDAYS, atol=0.03)


@pytest.mark.parametrize("n", [36, 97, N])
def test_components_are_those_of_the_prophet_library(n: int) -> None:
    y = trade_series(n, seed=5)
    months, calendar = MONTHS[: n + HORIZON], CALENDAR[: n + HORIZON]
    parts, library = decompose(y, months, calendar), fit_and_predict(np.log(y), months, calendar, OPTIONS)
    assert_allclose(np.log(parts.trend), library["trend"], atol=1e-8)
    assert_allclose(np.log1p(parts.season), library["yearly"], atol=1e-8)
    assert_allclose(np.log1p(parts.calendar), library["extra_regressors_additive"], atol=1e-8)


def test_without_a_calendar_its_component_is_zero() -> None:
    y = np.exp((TREND + SEASON)[:N])
    parts = decompose(y, MONTHS, np.zeros((N + HORIZON, 0)))
    assert_allclose(parts.calendar, 0.0)


def test_a_constant_series_is_all_trend() -> None:
    parts = decompose(np.full(N, 7.0), MONTHS, CALENDAR)
    assert_allclose(parts.trend, 7.0, rtol=1e-6)
    assert_allclose(parts.season, 0.0, atol=1e-6)


def test_a_panel_is_decomposed_where_series_have_values() -> None:
    whole = trade_series(80, seed=1)
    broken = np.where(np.arange(80) == 30, 0.0, whole)
    frame = long_frame({"broken": broken, "never": np.zeros(80), "short": broken[:60], "whole": whole})
    panel = Panel.from_long(frame)
    found = decompose_panel(panel, horizon=6, reporter="CHN")
    assert found.shape == (4, len(NAMES), 86)
    begins = {uid: np.flatnonzero(np.isfinite(found[row, 0])) for row, uid in enumerate(panel.unique_ids)}
    assert (begins["whole"][0], begins["whole"][-1]) == (0, 85)
    assert (begins["broken"][0], begins["broken"][-1]) == (31, 85)
    # The twenty-nine months after its zero are too few.
    assert not len(begins["short"])
    assert not len(begins["never"])
    alone = decompose(
        whole, panel.months[0] + np.arange(86), calendar_regressors(panel.months[0] + np.arange(86), "CHN")
    )
    assert_allclose(found[3, 0], alone.trend, rtol=1e-6)
    assert_allclose(found[3, 3, :80], alone.rest, rtol=1e-5, atol=1e-6)
    assert np.isnan(found[3, 3, 80:]).all()
