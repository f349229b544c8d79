"""A structural time-series model averaged over its variances, which are not estimated.

y = level + transient + season + calendar effects + drift + noise, on a logarithmic scale. The level is a fractional
Brownian motion that reverts in part (Mandelbrot and Van Ness 1968), the transient an autoregression that decays within
months, the season a random effect of each calendar month that may change over years (Harvey 1989). The variances of
season and noise, as ratios to the level's, lie on a grid; forecasts are averaged over it by marginal likelihood,
tempered because every model of the grid is misspecified (Grünwald and van Ommen 2017). A season, a calendar effect or a
drift therefore counts as far as the history supports it, which suits short, noisy and booming series.

The covariances of the grid depend on the lag only: they are factored once for all series, and a shorter history uses
the leading block of the factor.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular

from forecasting.data.history import History
from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.errors import ForecasterFailed
from forecasting.forecasters.base import require_finite, require_observations
from forecasting.forecasters.outliers import additive_outliers
from forecasting.forecasters.scaling import scale_of
from forecasting.types import FloatArray

# Variances of noise and of the season as ratios to that of the level's monthly change.
NOISE = (0.0, 0.5, 2.0, 6.0)
SEASON = (0.0, 0.25, 1.0, 4.0)
# Persistence of a rise, which the one-month likelihood does not identify: the level's Hurst exponent (0.5 is a random
# walk, less reverts), the transient's variance and its decay in months.
HURST = 0.4
TRANSIENT, TRANSIENT_MONTHS = 2.0, 6.0
# The factors' size is rounded up to a multiple of this, so that few sizes are computed.
SIZE_STEP = 48
TEMPER = 0.5
DECADE = 10 * MONTHS_PER_YEAR


@dataclass(frozen=True, slots=True)
class Structural:
    """Level, transient, season, calendar and drift, averaged over their variances.

    `season_memory` is the time in years over which the autocorrelation of the season falls to 1/e; None means a fixed
    season. `effect_prior` and `drift_prior` are prior standard deviations, on the logarithmic scale, of a calendar
    effect and of a year's drift (and of each decade's deviation from it). `shift`, a share of the recent mean, is added
    before logarithms are taken. Only the last `longest` months are used.
    """

    season_memory: float | None = None
    effect_prior: float = 0.15
    drift_prior: float = 0.05
    shift: float = 0.15
    outlier_deviations: float = 4.0
    longest: int = 240
    prior_weight: float = 3.0

    @property
    def min_observations(self) -> int:
        """Three, for two changes."""
        return 3

    def forecast(self, history: History) -> FloatArray:
        """Mean forecasts, shape (horizon,), in the units of `y`. Raises TooFewObservations or ForecasterFailed."""
        require_observations(self, history)
        y = history.y[-self.longest :]
        if np.ptp(y) == 0.0:
            return np.full(history.horizon, y[-1], dtype=np.float64)
        calendar = history.calendar[len(history.y) - len(y) :]
        scale = scale_of(y, shift=self.shift)
        try:
            ahead = self._ahead(scale.to(y), calendar)
        except np.linalg.LinAlgError as error:
            raise ForecasterFailed(history.unique_id, type(self).__name__, str(error)) from error
        return require_finite(self, history, scale.back(ahead))

    def _ahead(self, z: FloatArray, calendar: FloatArray) -> FloatArray:
        grid = _grid(-(-len(calendar) // SIZE_STEP) * SIZE_STEP, self.season_memory)
        drifts = _drifts(len(z), len(calendar))
        changes = np.column_stack([np.diff(calendar, axis=0), drifts])
        priors = np.repeat([self.effect_prior, self.drift_prior], [calendar.shape[1], drifts.shape[1]])
        fit = _fit(grid, z, changes, priors)
        best = int(np.argmax(fit.posterior))
        sizes = additive_outliers(
            _whitened_impulses(grid.inverse[best, : len(z) - 1, : len(z) - 1]),
            fit.whitened[best],
            deviations=self.outlier_deviations,
        )
        if sizes.any():
            z = z - sizes
            fit = _fit(grid, z, changes, priors)
        ahead: FloatArray = z[-1] + _mean_change(grid, fit, changes, len(z)).cumsum()
        return ahead


@dataclass(frozen=True, slots=True)
class Grid:
    """Covariances of monthly changes at each point of the grid: `factor` and its `inverse`, shape (points, N, N)."""

    factor: FloatArray
    inverse: FloatArray


@dataclass(frozen=True, slots=True)
class GridFit:
    """A history fitted at each point of the grid.

    `posterior` has shape (points,), `effects` (points, k), `whitened` errors (points, n - 1).
    """

    posterior: FloatArray
    effects: FloatArray
    whitened: FloatArray


@lru_cache(maxsize=6)
def _grid(size: int, season_memory: float | None) -> Grid:
    lag = np.abs(np.subtract.outer(np.arange(size + 1), np.arange(size + 1)))
    fade = 1.0 if season_memory is None else np.exp(-lag / (MONTHS_PER_YEAR * season_memory))
    noise, season, transient = (
        np.diff(np.diff(covariance, axis=0), axis=1)
        for covariance in (np.eye(size + 1), (lag % MONTHS_PER_YEAR == 0) * fade, np.exp(-lag / TRANSIENT_MONTHS))
    )
    lasting = _fractional_noise(lag[:size, :size]) + TRANSIENT * transient
    factor = np.array([cholesky(lasting + r * noise + s * season, lower=True) for r, s in _points()])
    inverse = np.array([solve_triangular(point, np.eye(size), lower=True) for point in factor])
    return Grid(factor, inverse)


def _points() -> list[tuple[float, float]]:
    return list(product(NOISE, SEASON))


def _fractional_noise(lag: NDArray[np.int64]) -> FloatArray:
    """The covariance of the level's monthly changes, by their distance in months."""
    power = 2.0 * HURST
    noise: FloatArray = 0.5 * ((lag + 1.0) ** power + np.abs(lag - 1.0) ** power) - lag**power
    return noise


def _drifts(n: int, months: int) -> FloatArray:
    """The regressors of drift on the monthly changes, shape (months - 1, k): a constant, and a step a decade.

    Decades count back from the last of `n` values; the constant is the drift of the last decade and of the months
    ahead.
    """
    back = n - 2 - np.arange(months - 1)
    earlier = [back >= end for end in range(DECADE, n - MONTHS_PER_YEAR, DECADE)]
    return np.column_stack([np.ones(months - 1), *earlier]) / MONTHS_PER_YEAR


def _fit(grid: Grid, z: FloatArray, changes: FloatArray, priors: FloatArray) -> GridFit:
    """Effects with a normal prior, and the marginal likelihood, at each point of the grid.

    `z` has shape (n,), `changes` of the regressors (n + horizon - 1, k). The prior is relative to the level's variance,
    which depends on the effects: a few iterations settle both.
    """
    m, k = len(z) - 1, changes.shape[1]
    white = grid.inverse[:, :m, :m] @ np.column_stack([np.diff(z), changes[:m]])
    products = white.transpose(0, 2, 1) @ white
    variance = np.maximum(products[:, 0, 0] / m, np.finfo(float).tiny)
    for _ in range(3):
        ridge = variance[:, None] / priors**2
        information = products[:, 1:, 1:] + ridge[:, :, None] * np.eye(k)
        solved = np.linalg.solve(information, products[:, 1:, :1])
        effects = np.asarray(solved[..., 0], dtype=np.float64)
        explained = np.einsum("gk,gk->g", effects, products[:, 1:, 0])
        variance = np.maximum((products[:, 0, 0] - explained) / m, np.finfo(float).tiny)
    determinant = 2.0 * np.log(np.diagonal(grid.factor[:, :m, :m], axis1=1, axis2=2)).sum(axis=1)
    determinant += np.linalg.slogdet(information)[1] - np.log(ridge).sum(axis=1)
    likelihood = -0.5 * TEMPER * (m * np.log(variance) + determinant)
    posterior: FloatArray = np.exp(likelihood - likelihood.max())
    posterior /= posterior.sum()
    whitened: FloatArray = white[:, :, 0] - np.einsum("gmk,gk->gm", white[:, :, 1:], effects)
    return GridFit(posterior, effects, whitened)


def _mean_change(grid: Grid, fit: GridFit, changes: FloatArray, n: int) -> FloatArray:
    """Mean monthly changes of the months ahead, shape (horizon,), averaged over the grid."""
    seen = grid.factor[:, n - 1 : len(changes), : n - 1] @ fit.whitened[:, :, None]
    expected = seen[..., 0] + fit.effects @ changes[n - 1 :].T
    return fit.posterior @ expected


def _whitened_impulses(inverse: FloatArray) -> FloatArray:
    """The effect of an outlier of size one in each month on the whitened changes, shape (n - 1, n)."""
    column = np.zeros((len(inverse), 1))
    return np.hstack([column, inverse]) - np.hstack([inverse, column])
