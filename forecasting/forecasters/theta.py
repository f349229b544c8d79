"""Theta methods (Assimakopoulos and Nikolopoulos 2000; Fiorucci et al. 2016), fitted by least squares.

The level is smoothed exponentially; a share of the deviation of a linear trend is added to it. The trend is that of the
whole history, or at each month that of the history before. Given the smoothing parameter, errors are linear in the
initial level and in that share, so the fit is exact: least squares at each point of a grid of smoothing parameters.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from forecasting.data.history import History
from forecasting.forecasters.preprocessing import Adjusted, forecast_adjusted
from forecasting.types import FloatArray

SMOOTHING = np.linspace(0.1, 0.99, 30)
# Errors of the first months depend on the initial level most, and are left out.
FIRST_ERROR = 3
# Standard normal quantile of the test for a season, at 5 %.
SEASON_QUANTILE = 1.6448536269514722


@dataclass(frozen=True, slots=True)
class Theta:
    """The best of two theta methods, with a trend of the whole history or one that is updated every month."""

    season_length: int = 12
    prior_weight: float = 0.5

    @property
    def min_observations(self) -> int:
        """Enough for a trend line."""
        return 5

    def forecast(self, history: History) -> FloatArray:
        """Mean forecasts, shape (horizon,), in the units of `y`. Raises TooFewObservations or ForecasterFailed."""
        return forecast_adjusted(self, history, self._forecast)

    def _forecast(self, adjusted: Adjusted, horizon: int) -> FloatArray:
        z = adjusted.adjusted_values
        season = classical_season(z, self.season_length) if has_season(z, self.season_length) else np.zeros(len(z))
        fits = [_fit(z - season, fixed) for fixed in (True, False)]
        ahead = min(fits, key=lambda fit: fit.squares).forecast(horizon)
        return ahead + np.resize(season[-self.season_length :], horizon)


@dataclass(frozen=True, slots=True)
class ThetaFit:
    """A fitted method: sum of squared errors, smoothing, share of the trend, and the states after `months` months.

    The trend is `intercept` + `slope` x month; `mean` is that of the history; a `fixed` trend is not updated.
    """

    fixed: bool
    squares: float
    smoothing: float
    share: float
    months: int
    level: float
    intercept: float
    slope: float
    mean: float

    def forecast(self, horizon: int) -> FloatArray:
        """Mean forecasts, shape (horizon,)."""
        level, intercept, slope, mean = self.level, self.intercept, self.slope, self.mean
        rest, ahead = 1.0 - self.smoothing, np.empty(horizon)
        for step in range(horizon):
            month = self.months + step
            decay = rest**month
            trend = intercept * decay + slope * (1.0 - decay * rest) / self.smoothing
            ahead[step] = level + self.share * trend
            level = self.smoothing * ahead[step] + rest * level
            if not self.fixed:
                slope = ((month - 1) * slope + 6.0 * (ahead[step] - mean) / (month + 1)) / (month + 2)
                mean = (month * mean + ahead[step]) / (month + 1)
                intercept = mean - slope * (month + 2) / 2.0
        return ahead


def _fit(y: FloatArray, fixed: bool) -> ThetaFit:
    """Least squares for values (n,), over the grid of smoothing parameters."""
    n, kept = len(y), slice(FIRST_ERROR - 1, None)
    levels, decay = _levels(y), _decay(n)
    intercept, slope = _trends(y)
    before_a, before_b = (intercept[-1], slope[-1]) if fixed else (intercept[:-1], slope[:-1])
    # Contributions to the forecasts of months 1 to n - 1, one row per smoothing parameter: initial level and trend.
    first = decay[:, 1:n]
    trend = before_a * first + before_b * (1.0 - first * (1.0 - SMOOTHING[:, None])) / SMOOTHING[:, None]
    first, trend, rest = first[:, kept], trend[:, kept], (y[1:] - levels[:, :-1])[:, kept]
    share, start = _least_squares(first, trend, rest)
    squares = np.square(rest - start[:, None] * first - share[:, None] * trend).sum(axis=1)
    best = int(np.argmin(squares))
    level = float(levels[best, -1] + start[best] * decay[best, n])
    a, b = float(intercept[-1]), float(slope[-1])
    return ThetaFit(
        fixed, float(squares[best]), float(SMOOTHING[best]), float(share[best]), n, level, a, b, float(y.mean())
    )


def _least_squares(first: FloatArray, trend: FloatArray, rest: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The trend's share, between 0 and 1, and the initial level, each (grid,); columns have shape (grid, n)."""
    power = np.maximum((first * first).sum(axis=1), np.finfo(float).tiny)
    both, level = (first * trend).sum(axis=1) / power, (first * rest).sum(axis=1) / power
    trend, rest = trend - both[:, None] * first, rest - level[:, None] * first
    share = (trend * rest).sum(axis=1) / np.maximum((trend * trend).sum(axis=1), np.finfo(float).tiny)
    share = np.clip(share, 0.0, 1.0)
    return share, level - share * both


def _levels(y: FloatArray) -> FloatArray:
    """Exponentially smoothed values with an initial level of zero, shape (grid, n)."""
    levels = np.empty((len(y), len(SMOOTHING)))
    level = np.zeros(len(SMOOTHING))
    for month, value in enumerate(y):
        level = level + SMOOTHING * (value - level)
        levels[month] = level
    return levels.T


@lru_cache(maxsize=8)
def _decay(n: int) -> FloatArray:
    """The initial level's weight after 0 to n months, shape (grid, n + 1)."""
    weights: FloatArray = (1.0 - SMOOTHING[:, None]) ** np.arange(n + 1)
    return weights


def _trends(y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Intercept and slope of the linear trend of the first 1 to n values, each (n,)."""
    count = np.arange(1, len(y) + 1)
    mean, weighted = np.cumsum(y) / count, np.cumsum(count * y)
    slope = 6.0 * (2.0 * weighted / count - (count + 1) * mean) / np.maximum(count**2 - 1, 1)
    slope[0] = 0.0
    return mean - slope * (count + 1) / 2.0, slope


def has_season(z: FloatArray, season_length: int) -> bool:
    """Whether values correlate with those of a season before, at 5 %; False for less than two seasons."""
    if len(z) < 2 * season_length:
        return False
    centred = z - z.mean()
    power = float(centred @ centred)
    lags = np.array([centred[lag:] @ centred[:-lag] for lag in range(1, season_length + 1)]) / power
    error = np.sqrt((1.0 + 2.0 * np.square(lags[:-1]).sum()) / len(z))
    return bool(abs(lags[-1]) > SEASON_QUANTILE * error)


def classical_season(z: FloatArray, season_length: int) -> FloatArray:
    """The additive season of the classical decomposition of values (n,), two seasons or more, shape (n,)."""
    half = season_length // 2
    weights = np.full(2 * half + 1, 1.0 / season_length)
    if season_length % 2 == 0:
        weights[[0, -1]] /= 2.0
    rest = np.full(-(-len(z) // season_length) * season_length, np.nan)
    rest[half : len(z) - half] = z[half : len(z) - half] - np.convolve(z, weights, mode="valid")
    season = np.nanmean(rest.reshape(-1, season_length), axis=0)
    return np.resize(season - season.mean(), len(z))
