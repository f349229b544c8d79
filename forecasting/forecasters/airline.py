"""Regression with airline errors: (1 - B)(1 - B^s)(y - X b) = (1 + theta B)(1 + Theta B^s) e.

Box and Jenkins (1976); exact Gaussian likelihood. The differenced errors are a moving average, so their covariance is
banded and one evaluation costs a banded Cholesky factorisation. Regression effects have a normal prior around zero,
which keeps them small where a short or noisy history has little information about them.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.linalg import LinAlgError
from scipy.linalg import lapack, solve_banded, toeplitz

from forecasting.forecasters.newton import minimum
from forecasting.forecasters.outliers import additive_outliers
from forecasting.types import FloatArray

START = (-0.4, -0.6)
BOUND = 0.98
FARTHEST_START = 0.9
"""Nearer to the bound the likelihood is flat in the argument of the search."""
TOLERANCE = 0.02
"""Of the deviance, at the end of the search for the coefficients."""
TINY = float(np.finfo(float).tiny)


@dataclass(frozen=True, slots=True)
class Airline:
    """A fitted regression with airline errors.

    `effects` has shape (k,), in the units of `y`; `sigma` is the standard deviation of an innovation; `theta` has the
    regular and the seasonal moving-average coefficient.
    """

    season_length: int
    theta: tuple[float, float]
    effects: FloatArray
    sigma: float


def difference(x: FloatArray, season_length: int) -> FloatArray:
    """(1 - B)(1 - B^s) x along the first axis; s + 1 rows fewer."""
    seasonal = x[season_length:] - x[:-season_length]
    return seasonal[1:] - seasonal[:-1]


def fit_airline(
    y: FloatArray,
    regressors: FloatArray,
    *,
    season_length: int = 12,
    prior: float = np.inf,
    start: tuple[float, float] = START,
) -> Airline:
    """Fit `y` (n,) on `regressors` (n, k) by maximum likelihood; `prior` is the prior deviation of the effects.

    The search for the coefficients begins at `start`. Needs n >= season_length + 3.

    Raises:
        LinAlgError: the covariance cannot be factored.
    """
    w = difference(np.column_stack([y, regressors]), season_length)
    angles = minimum(
        lambda angles: _profile(_coefficients(angles), w, season_length, prior)[0],
        np.arctanh(np.clip(start, -FARTHEST_START, FARTHEST_START) / BOUND),
        tolerance=TOLERANCE,
    )
    theta = _coefficients(angles)
    _, effects, sigma = _profile(theta, w, season_length, prior)
    return Airline(season_length=season_length, theta=theta, effects=effects, sigma=sigma)


def deviance(theta: tuple[float, float], y: FloatArray, regressors: FloatArray, *, season_length: int) -> float:
    """Minus twice the log likelihood of `y` (n,) given `theta`, up to a constant, without a prior of the effects."""
    w = difference(np.column_stack([y, regressors]), season_length)
    return _profile(theta, w, season_length, np.inf)[0]


def forecast_airline(fit: Airline, errors: FloatArray, horizon: int) -> FloatArray:
    """Forecasts of the regression errors `errors` = y - X b (n,), shape (horizon,): their exact conditional mean."""
    s = fit.season_length
    w = difference(errors, s)
    gamma = np.zeros(len(w) + horizon)
    short = _autocovariance(fit.theta, s)[: len(gamma)]
    gamma[: len(short)] = short
    weights = _solve(_factor(fit.theta, len(w), s), w)
    future = toeplitz(gamma)[len(w) :, : len(w)] @ weights
    z = np.concatenate([errors, np.zeros(horizon)])
    for step in range(len(errors), len(z)):
        z[step] = future[step - len(errors)] + z[step - 1] + z[step - s] - z[step - s - 1]
    return z[len(errors) :]


def airline_outliers(fit: Airline, errors: FloatArray, *, deviations: float) -> FloatArray:
    """Sizes of the additive outliers in the regression errors `errors` (n,), shape (n,); see outliers.py."""
    n, s = len(errors), fit.season_length
    banded = _factor(fit.theta, n - s - 1, s)
    columns = difference(np.column_stack([np.eye(n), errors]), s)
    whitened = solve_banded((len(banded) - 1, 0), banded, columns)
    return additive_outliers(whitened[:, :n], whitened[:, n], deviations=deviations)


def _coefficients(angles: FloatArray) -> tuple[float, float]:
    theta, seasonal = BOUND * np.tanh(angles)
    return float(theta), float(seasonal)


def _autocovariance(theta: tuple[float, float], season_length: int) -> FloatArray:
    """Of (1 + theta B)(1 + Theta B^s) e at lags 0 to s + 1, for a season of at least three months."""
    regular, seasonal = theta
    gamma = np.zeros(season_length + 2)
    gamma[0], gamma[1] = (1 + regular**2) * (1 + seasonal**2), regular * (1 + seasonal**2)
    gamma[-1] = gamma[-3] = regular * seasonal
    gamma[-2] = seasonal * (1 + regular**2)
    return gamma


def _factor(theta: tuple[float, float], n: int, season_length: int) -> FloatArray:
    """The covariance's lower Cholesky factor, banded, shape (s + 2, n).

    LAPACK is called directly: one evaluation takes some hundred microseconds, less than SciPy's argument checks.
    """
    gamma = _autocovariance(theta, season_length)[:n]
    factor, info = lapack.dpbtrf(np.repeat(gamma[:, None], n, axis=1), lower=1)
    if info:
        raise LinAlgError(f"the covariance of {theta} has no Cholesky factor")
    return np.asarray(factor)


def _solve(factor: FloatArray, right: FloatArray) -> FloatArray:
    """The covariance's inverse times `right`, shape (n, k), from its factor."""
    solved, _ = lapack.dpbtrs(factor, right, lower=1)
    return np.asarray(solved)


def _profile(
    theta: tuple[float, float], w: FloatArray, season_length: int, prior: float
) -> tuple[float, FloatArray, float]:
    """Minus twice the log likelihood at the best effects and sigma, those effects, and sigma."""
    n, k = len(w), w.shape[1] - 1
    factor = _factor(theta, n, season_length)
    products = w.T @ _solve(factor, w)
    gram, cross, identity = products[1:, 1:], products[1:, 0], np.eye(k)
    power = float(products[0, 0])
    sigma2 = max(power / n, TINY)
    effects = np.zeros(k)
    for _ in range(3 if k and math.isfinite(prior) else 1):  # the ridge depends on sigma, which depends on the effects
        ridge = sigma2 / prior**2 + 1e-10
        effects = lapack.dgesv(gram + ridge * identity, cross)[2] if k else effects
        # From the normal equations: gram @ effects = cross - ridge * effects.
        rss = power - float(effects.dot(cross)) - ridge * float(effects.dot(effects))
        sigma2 = max(rss / n, TINY)
    deviance = n * math.log(sigma2) + 2.0 * float(np.log(factor[0]).sum())
    return deviance + float(effects.dot(effects)) / prior**2, effects, math.sqrt(sigma2)
