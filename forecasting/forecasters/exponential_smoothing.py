"""Exponential smoothing and related methods.

ETS and CES are averaged over their smoothing parameters (innovations.py) on the adjusted history;
docs/decisions/0103-smoothing-averaged-over-a-grid.md and 0105-priors-of-the-season.md have errors and times.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from forecasting.data.history import History
from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.errors import NotApplicable
from forecasting.forecasters.base import require_finite, require_observations
from forecasting.forecasters.innovations import Grid, Models, forecast, make_grid
from forecasting.forecasters.preprocessing import Adjusted, forecast_adjusted
from forecasting.types import FloatArray

# Smoothing of the level; of the trend, as a share of it; of the season, as a share of the rest; and damping.
LEVEL, TREND = (0.03, 0.12, 0.3, 0.5, 0.75, 0.99), (1e-4, 0.03, 0.15)
SEASON, DAMPING = (1e-4, 0.1, 0.3, 0.8), (0.9, 0.995)
# Complex smoothing: its real and its imaginary part, and the smoothing of the season.
REAL, IMAGINARY, COMPLEX_SEASON = (1.03, 1.12, 1.25, 1.4, 1.6, 1.8), (0.97, 0.985, 1.0, 1.01), (1e-4, 0.1, 0.3)
# Prior standard deviations of initial states, relative to that of an error.
ANY_LEVEL, ANY_TREND = 100.0, 0.1
# Those of the season, from none to a strong one: the likelihood of the history weighs them.
SEASONS = (0.3, 1.0, 3.0, 10.0)
# Grids have this many months or a multiple, so that few are computed.
SIZE_STEP = 96


@dataclass(frozen=True, slots=True)
class ETS:
    """Additive errors, damped trend, additive season (Hyndman et al. 2008); no season for a year or less."""

    prior_weight: float = 0.5

    @property
    def min_observations(self) -> int:
        """Enough for a level, a trend and their smoothing parameters."""
        return 12

    def forecast(self, history: History) -> FloatArray:
        """Mean forecasts, shape (horizon,), in the units of `y`. Raises TooFewObservations or ForecasterFailed."""
        return forecast_adjusted(self, history, _forecast_ets)


@dataclass(frozen=True, slots=True)
class CES:
    """Complex exponential smoothing with an additive season (Svetunkov, Kourentzes and Ord 2022)."""

    prior_weight: float = 1.0

    @property
    def min_observations(self) -> int:
        """A year and a month, so that the season is seen to return."""
        return MONTHS_PER_YEAR + 1

    def forecast(self, history: History) -> FloatArray:
        """Mean forecasts, shape (horizon,), in the units of `y`. Raises TooFewObservations or ForecasterFailed."""
        return forecast_adjusted(self, history, _forecast_ces)


@dataclass(frozen=True, slots=True)
class TSB:
    """Teunter, Syntetos and Babai (2011): intermittent demand that may end, for series with many zeros."""

    demand_smoothing: float = 0.2
    probability_smoothing: float = 0.2
    prior_weight: float = 1.0

    @property
    def min_observations(self) -> int:
        """One."""
        return 1

    def forecast(self, history: History) -> FloatArray:
        """Mean forecasts, shape (horizon,), in the units of `y`.

        Raises:
            TooFewObservations, ForecasterFailed: as every forecaster; NotApplicable: a value is negative.
        """
        require_observations(self, history)
        y = np.asarray(history.y, dtype=np.float64)
        if (y < 0).any():
            raise NotApplicable(history.unique_id, type(self).__name__, "demand is not negative")
        if not y.any():
            return np.zeros(history.horizon)
        demand = _smoothed(y[y > 0], self.demand_smoothing)
        probability = _smoothed((y > 0).astype(np.float64), self.probability_smoothing)
        return require_finite(self, history, np.full(history.horizon, demand * probability))


def _smoothed(values: FloatArray, smoothing: float) -> float:
    """The level after values (n,), begun at the first."""
    level = float(values[0])
    for value in values[1:].tolist():
        level += smoothing * (value - level)
    return level


def _forecast_ets(adjusted: Adjusted, horizon: int) -> FloatArray:
    z = adjusted.adjusted_values
    seasonal = len(z) > MONTHS_PER_YEAR
    mean = float(z.mean())
    return mean + forecast(_ets_grid(_size(len(z) + horizon), seasonal), z - mean, horizon)


def _forecast_ces(adjusted: Adjusted, horizon: int) -> FloatArray:
    z = adjusted.adjusted_values
    return forecast(_ces_grid(_size(len(z) + horizon)), z, horizon)


def _size(months: int) -> int:
    return -(-months // SIZE_STEP) * SIZE_STEP


@lru_cache(maxsize=6)
def _ets_grid(months: int, seasonal: bool) -> Grid:
    points = product(LEVEL, TREND, SEASON if seasonal else (0.0,), DAMPING)
    level, share, rest, damping = np.array(list(points)).T
    none, full = np.zeros_like(level), np.ones_like(level)
    models = Models(
        transition=np.array([[full, damping], [none, damping]]).transpose(2, 0, 1),
        weights=np.stack([full, damping], axis=1),
        gain=np.stack([level, level * share], axis=1),
        season_gain=(1.0 - level) * rest if seasonal else None,
    )
    return make_grid(
        models, np.array([ANY_LEVEL, ANY_TREND]) ** -2.0, np.array(SEASONS if seasonal else [1.0]) ** -2.0, months
    )


@lru_cache(maxsize=3)
def _ces_grid(months: int) -> Grid:
    real, imaginary, season = np.array(list(product(REAL, IMAGINARY, COMPLEX_SEASON))).T
    none, full = np.zeros_like(real), np.ones_like(real)
    models = Models(
        transition=np.array([[full, imaginary - 1.0], [full, 1.0 - real]]).transpose(2, 0, 1),
        weights=np.stack([full, none], axis=1),
        gain=np.stack([real - imaginary, real + imaginary], axis=1),
        season_gain=season,
    )
    return make_grid(models, np.array([ANY_LEVEL, ANY_LEVEL]) ** -2.0, np.array(SEASONS) ** -2.0, months)
