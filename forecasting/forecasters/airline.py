"""Regression with airline errors: (1 - B)(1 - B^s)(y - X b) = (1 + theta B)(1 + Theta B^s) e.

Box and Jenkins (1976); exact Gaussian likelihood. The differenced errors are a moving average, so their covariance is
banded and one evaluation costs a banded Cholesky factor. Regression effects have a normal prior around zero, which
keeps them small where a short or noisy history says little about them.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve_banded, cholesky_banded, solve_banded, toeplitz
from scipy.optimize import minimize

from forecasting.forecasters.outliers import additive_outliers
from forecasting.history import FloatArray

START = (-0.4, -0.6)
BOUND = 0.98


@dataclass(frozen=True, slots=True)
class Airline:
    """A fitted regression with airline errors.

    `effects` has shape (k,), in the units of `y`; `sigma` is the standard deviation of an innovation; `theta` holds
    the regular and the seasonal moving-average coefficient.
    """

    season_length: int
    theta: tuple[float, float]
    effects: FloatArray
    sigma: float


def difference(x: FloatArray, season_length: int) -> FloatArray:
    """(1 - B)(1 - B^s) x along the first axis; s + 1 rows fewer."""
    seasonal = x[season_length:] - x[:-season_length]
    return seasonal[1:] - seasonal[:-1]


def fit_airline(y: FloatArray, regressors: FloatArray, *, season_length: int = 12, prior: float = np.inf) -> Airline:
    """Fit `y` (n,) on `regressors` (n, k) by maximum likelihood; effects are a priori normal with deviation `prior`.

    Needs n >= season_length + 3. Raises LinAlgError where the covariance cannot be factored.
    """
    w = difference(np.column_stack([y, regressors]), season_length)
    result = minimize(
        lambda angles: _profile(_coefficients(angles), w, season_length, prior)[0],
        np.arctanh(np.divide(START, BOUND)),
        method="Nelder-Mead",
        options={"xatol": 0.02, "fatol": 0.01, "maxfev": 80},
    )
    theta = _coefficients(result.x)
    _, effects, sigma = _profile(theta, w, season_length, prior)
    return Airline(season_length=season_length, theta=theta, effects=effects, sigma=sigma)


def forecast_airline(fit: Airline, errors: FloatArray, horizon: int) -> FloatArray:
    """Forecasts of the regression errors `errors` = y - X b (n,), shape (horizon,): their exact conditional mean."""
    s = fit.season_length
    w = difference(errors, s)
    gamma = np.zeros(len(w) + horizon)
    short = _autocovariance(fit.theta, s)[: len(gamma)]
    gamma[: len(short)] = short
    weights = cho_solve_banded(_factor(fit.theta, len(w), s), w)
    future = toeplitz(gamma)[len(w) :, : len(w)] @ weights
    z = np.concatenate([errors, np.zeros(horizon)])
    for step in range(len(errors), len(z)):
        z[step] = future[step - len(errors)] + z[step - 1] + z[step - s] - z[step - s - 1]
    return z[len(errors) :]


def airline_outliers(fit: Airline, errors: FloatArray, *, deviations: float) -> FloatArray:
    """Sizes of the additive outliers in the regression errors `errors` (n,), shape (n,); see outliers.py."""
    n, s = len(errors), fit.season_length
    banded, _ = _factor(fit.theta, n - s - 1, s)
    columns = difference(np.column_stack([np.eye(n), errors]), s)
    whitened = solve_banded((len(banded) - 1, 0), banded, columns)
    return additive_outliers(whitened[:, :n], whitened[:, n], deviations=deviations)


def _coefficients(angles: FloatArray) -> tuple[float, float]:
    theta, seasonal = BOUND * np.tanh(angles)
    return float(theta), float(seasonal)


def _autocovariance(theta: tuple[float, float], season_length: int) -> FloatArray:
    polynomial = np.convolve([1.0, theta[0]], np.concatenate([[1.0], np.zeros(season_length - 1), [theta[1]]]))
    return np.correlate(polynomial, polynomial, mode="full")[len(polynomial) - 1 :]


def _factor(theta: tuple[float, float], n: int, season_length: int) -> tuple[FloatArray, bool]:
    gamma = _autocovariance(theta, season_length)[:n]
    return cholesky_banded(np.repeat(gamma[:, None], n, axis=1), lower=True), True


def _profile(
    theta: tuple[float, float], w: FloatArray, season_length: int, prior: float
) -> tuple[float, FloatArray, float]:
    """Minus twice the log likelihood at the best effects and sigma, those effects, and sigma."""
    n, k = len(w), w.shape[1] - 1
    factor = _factor(theta, n, season_length)
    products = w.T @ cho_solve_banded(factor, w)
    sigma2 = max(float(products[0, 0]) / n, np.finfo(float).tiny)
    effects = np.zeros(k)
    for _ in range(3 if k and np.isfinite(prior) else 1):  # the prior weighs against sigma, which needs the effects
        ridge = np.eye(k) * (sigma2 / prior**2 + 1e-10)
        effects = np.linalg.solve(products[1:, 1:] + ridge, products[1:, 0]) if k else effects
        rss = products[0, 0] - 2.0 * effects @ products[1:, 0] + effects @ products[1:, 1:] @ effects
        sigma2 = max(float(rss) / n, np.finfo(float).tiny)
    deviance = n * np.log(sigma2) + 2.0 * np.log(factor[0][0]).sum()
    return float(deviance + effects @ effects / prior**2), effects, float(np.sqrt(sigma2))
