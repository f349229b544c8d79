"""The in-process fit against Stan's, through Prophet's backend interface.

TRADEWIND_PROPHET_FITS sets how many random configurations are compared with Stan: 24 by default.
"""

import dataclasses
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from prophet import Prophet
from prophet.models import CmdStanPyBackend

from forecasting.forecasters.prophet.library_backend import MapBackend, MapProphet
from forecasting.forecasters.prophet.map_fit import fit_map, make_design

FITS = int(os.environ.get("TRADEWIND_PROPHET_FITS", "24"))
FIGURES = Path(__file__).resolve().parents[3] / "sources" / "bundled" / "data"
# Below it Stan has followed a posterior without a maximum towards sigma = 0.
DEGENERATE_SIGMA = 1e-6

logging.getLogger("cmdstanpy").disabled = True
logging.getLogger("prophet").setLevel(logging.ERROR)


def real_series():
    """Bundled monthly series: China's totals, and clean technology by partner and sector."""
    totals = pd.read_csv(FIGURES / "china_totals.csv")
    cleantech = pd.read_csv(FIGURES / "cleantech_exports.csv")
    groups = [*totals.groupby("flow"), *cleantech.groupby(["partner", "sector"])]
    return [group.sort_values("month").iloc[:, -1].to_numpy(float) for _, group in groups]


REAL = real_series()


def random_series(draw, n):
    slopes = draw.normal(0, 1, n).cumsum() * 0.02
    level = np.cumsum(slopes + draw.normal(0, 0.5, n)) + 3 * np.sin(2 * np.pi * np.arange(n) / 12)
    return (level + draw.normal(0, draw.choice([0.1, 1.0, 5.0]), n)) * 10 ** draw.uniform(-3, 6)


def random_problem(seed):
    """A Prophet model of a random configuration, and a frame for it."""
    draw = np.random.default_rng(seed)
    n = int(draw.choice([30, 48, 60, 97, 120, 222, 400]))
    daily = draw.random() < 0.3
    y = random_series(draw, n) if daily or draw.random() < 0.4 else REAL[draw.integers(len(REAL))][:n]
    if y.min() >= 0 and draw.random() < 0.5:
        y = np.log1p(y)
    frame = pd.DataFrame({"ds": pd.date_range("2008-01-01", periods=len(y), freq="D" if daily else "MS"), "y": y})
    arguments: dict[str, Any] = {
        "growth": str(draw.choice(["linear", "linear", "linear", "flat"])),
        "changepoint_prior_scale": float(10 ** draw.uniform(-3, 0)),
        "n_changepoints": int(draw.choice([0, 5, 10, 25, 40])),
        "changepoint_range": float(draw.choice([0.5, 0.8, 1.0])),
        "yearly_seasonality": [True, False, 3, 6, "auto"][draw.integers(5)],
        "weekly_seasonality": bool(draw.random() < 0.3),
        "daily_seasonality": False,
        "seasonality_prior_scale": float(10 ** draw.uniform(-2, 1.3)),
        "scaling": str(draw.choice(["absmax", "minmax"])),
    }
    model = MapProphet(uncertainty_samples=0, **arguments)
    if draw.random() < 0.4:
        frame["x"] = draw.normal(size=len(frame))
        model.add_regressor("x", standardize=bool(draw.random() < 0.5), prior_scale=float(10 ** draw.uniform(-1, 1)))
    return model, frame


def stan_arguments(model, frame):
    inputs = model.preprocess(frame)
    return dataclasses.asdict(model.calculate_initial_params(inputs.K)), dataclasses.asdict(inputs)


def log_posterior(params, data):
    """prophet.stan's density, written as its loop of lines."""
    row = {name: value[0] for name, value in params.items()}
    t, y, sigma = np.asarray(data["t"]), np.asarray(data["y"]), row["sigma_obs"][0]
    trend = np.full(len(t), row["m"][0])
    if data["trend_indicator"] == 0:
        trend = trend + row["k"][0] * t
        for change, delta in zip(data["t_change"], row["delta"], strict=True):
            trend = trend + delta * np.where(t >= change, t - change, 0.0)
    residuals = y - trend - data["X"].to_numpy() * np.asarray(data["s_a"]) @ row["beta"]
    value = -len(y) * np.log(sigma) - np.sum(residuals**2) / (2 * sigma**2)
    value -= (row["k"][0] ** 2 + row["m"][0] ** 2) / (2 * 5.0**2) + sigma**2 / (2 * 0.5**2)
    return value - np.abs(row["delta"]).sum() / data["tau"] - np.sum((row["beta"] / data["sigmas"]) ** 2) / 2


@pytest.fixture(scope="module")
def stan():
    return CmdStanPyBackend()


@pytest.mark.parametrize("seed", range(FITS))
def test_the_fit_is_at_least_as_probable_as_that_of_stan(seed, stan):
    model, frame = random_problem(seed)
    init, data = stan_arguments(model, frame)
    mine, theirs = MapBackend().fit(init, data), stan.fit(init, data)
    assert list(mine) == list(theirs)
    assert {name: value.shape for name, value in mine.items()} == {n: v.shape for n, v in theirs.items()}
    assert_allclose(mine["lp__"][0, 0], log_posterior(mine, data), rtol=1e-9, atol=1e-6)
    if theirs["sigma_obs"][0, 0] < DEGENERATE_SIGMA:
        assert np.isfinite(mine["trend"]).all()
        return
    gain = log_posterior(mine, data) - log_posterior(theirs, data)
    assert gain >= -1e-3
    if gain < 0.01:  # else Stan stopped before the maximum, and the fits differ
        fitted = [p["trend"][0] + data["X"].to_numpy() @ p["beta"][0] for p in (mine, theirs)]
        assert_allclose(fitted[0], fitted[1], atol=0.01 + 0.5 * theirs["sigma_obs"][0, 0])


def test_the_fit_is_a_local_maximum():
    init, data = stan_arguments(*random_problem(6))
    best = MapBackend().fit(init, data)
    draw = np.random.default_rng(0)
    for name in ("k", "m", "delta", "beta", "sigma_obs"):
        for size in (1e-3, 1e-5):
            moved = best | {name: best[name] + size * draw.normal(size=best[name].shape)}
            assert log_posterior(moved, data) <= log_posterior(best, data) + 1e-6


def test_prophet_predicts_what_it_predicts_with_stan():
    frame = pd.DataFrame({"ds": pd.date_range("2008-01-01", periods=223, freq="MS"), "y": np.log(REAL[1])})
    future = pd.DataFrame({"ds": pd.date_range("2026-08-01", periods=12, freq="MS")})
    mine = MapProphet(yearly_seasonality=5, uncertainty_samples=0).fit(frame)
    # Stan's default for a long series, L-BFGS, stops two log units short of the maximum here.
    theirs = Prophet(yearly_seasonality=5, uncertainty_samples=0).fit(frame, algorithm="Newton")
    means = [model.predict(future)["yhat"].to_numpy() for model in (mine, theirs)]
    assert_allclose(means[0], means[1], atol=2e-3 * np.ptp(frame["y"]))


def test_stan_is_not_loaded_until_it_is_needed():
    model = MapProphet(uncertainty_samples=0)
    model.fit(pd.DataFrame({"ds": pd.date_range("2020-01-01", periods=36, freq="MS"), "y": REAL[0][:36]}))
    assert isinstance(model.stan_backend, MapBackend)
    assert model.stan_backend.model is None
    assert model.stan_fit is None


@pytest.mark.parametrize(
    ("arguments", "fit_arguments"),
    [
        ({"growth": "logistic"}, {}),
        ({"seasonality_mode": "multiplicative", "yearly_seasonality": 3}, {}),
        ({"mcmc_samples": 20}, {"chains": 1, "show_progress": False}),
        ({}, {"seed": 3}),
    ],
    ids=["logistic", "multiplicative", "sampling", "arguments_for_stan"],
)
def test_stan_fits_models_that_are_not_a_regression(arguments, fit_arguments):
    frame = pd.DataFrame({"ds": pd.date_range("2018-01-01", periods=48, freq="MS"), "y": REAL[0][:48], "cap": 500.0})
    model = MapProphet(uncertainty_samples=0, **arguments)
    model.fit(frame, **fit_arguments)
    assert isinstance(model.stan_backend, MapBackend)
    assert isinstance(model.stan_backend.model, CmdStanPyBackend)
    assert model.stan_fit is not None
    assert np.isfinite(model.predict(frame)["yhat"]).all()
    model.stan_backend.cleanup()


def test_options_reach_stan():
    backend = MapBackend()
    backend.set_options(newton_fallback=False)
    model = MapProphet(growth="logistic", uncertainty_samples=0)
    model.stan_backend = backend
    model.fit(pd.DataFrame({"ds": pd.date_range("2020-01-01", periods=36, freq="MS"), "y": REAL[0][:36], "cap": 500.0}))
    assert backend.model.newton_fallback is False


def test_the_fit_is_reproducible_to_the_byte():
    init, data = stan_arguments(*random_problem(4))
    first, again = MapBackend().fit(init, data), MapBackend().fit(init, data)
    for name in first:
        assert_array_equal(first[name], again[name])


def problem(n, *, changepoints=5, order=6):
    t = np.linspace(0.0, 1.0, n)
    angles = 2 * np.pi * np.arange(n)[:, None] / 12.0 * np.arange(1, order + 1)
    features = np.hstack([np.sin(angles), np.cos(angles)])
    at = np.linspace(0.0, 0.8, changepoints + 1)[1:]
    return make_design(t=t, changepoints=at, features=features, scales=np.full(2 * order, 10.0), tau=0.5), t


@pytest.mark.parametrize("n", [3, 8, 14, 40])
def test_a_posterior_without_a_maximum_gives_a_finite_fit(n):
    design, t = problem(n)
    fit = fit_map(design, 0.2 + 0.6 * t)
    theta = np.concatenate([[fit.k, fit.m], fit.beta, fit.delta])
    assert np.isfinite(theta).all()
    assert fit.sigma > 0.0
    assert_allclose(design.columns @ theta, 0.2 + 0.6 * t, atol=1e-2)


def test_a_change_of_rate_is_found_and_no_other():
    design, t = problem(200, order=1)
    y = 0.3 * t + np.where(t > 0.48, 0.8 * (t - 0.48), 0.0) + 0.01 * np.random.default_rng(0).normal(size=200)
    fit = fit_map(design, y)
    assert_allclose(fit.delta, [0.0, 0.0, 0.8, 0.0, 0.0], atol=0.05)


def test_fitting_does_not_change_the_design():
    design, t = problem(60)
    before = {field.name: np.copy(getattr(design, field.name)) for field in dataclasses.fields(design)}
    y = np.sin(7 * t)
    fit_map(design, y)
    assert_array_equal(y, np.sin(7 * t))
    for name, value in before.items():
        assert_array_equal(getattr(design, name), value)
