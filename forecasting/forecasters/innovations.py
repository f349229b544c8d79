"""State-space models with a single source of error, averaged over a grid of their parameters (Hyndman et al. 2008).

Given the parameters, the errors of one-step forecasts are linear in the values and in the initial states. These have a
normal prior relative to the variance of the errors, so that both are integrated out exactly. Forecasts are averaged
with the marginal likelihood of the parameters and of the prior as weights: no search is needed, and a forecast is a
smooth function of its history. What depends on the parameters and the length of the history alone is computed once.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.types import FloatArray

# Points whose weight is below this share of the largest are left out.
SMALLEST_WEIGHT = 1e-3
# Below this share of the squared values, a sum of squared errors is rounding.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Models:
    """Parameters of points of a grid: a value is `weights` x states + season + error.

    Two states follow `transition` (points, 2, 2), and the error moves them by `gain` (points, 2) and the season of its
    month by `season_gain` (points,); `weights` have shape (points, 2). Without a season, `season_gain` is None.
    """

    transition: FloatArray
    weights: FloatArray
    gain: FloatArray
    season_gain: FloatArray | None


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Errors of the models in each of N months, where all other values and initial states are zero.

    `of_value` has shape (points, N): errors from a first value of one. `of_states`, shape (points, k, N): from each
    initial state of one, the two states before the months of the season. `precision` (2,) is that of the two states'
    prior relative to the errors', `season_precision` (priors,) that of a month of the season for each of its priors.
    """

    of_value: FloatArray
    of_states: FloatArray
    precision: FloatArray
    season_precision: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Information:
    """The information of n values about the initial states at each point, to which any prior of the season is added.

    `own` (points, 2, 2) is the covariance of the two states if the season is known, and `determinant` (points,) the log
    determinant of its inverse; `gain` (points, months, 2) is their effect on the season. The information about the
    season, with the two states integrated out, has the eigenvectors `vectors` (points, months, months) and the
    eigenvalues `values` (points, 1, months).
    """

    own: FloatArray
    determinant: FloatArray
    gain: FloatArray
    vectors: FloatArray
    values: FloatArray


def make_grid(models: Models, precision: FloatArray, season_precision: FloatArray, months: int) -> Grid:
    """The errors of models in a number of months; the precisions are those of a `Grid`."""
    points = len(models.gain)
    k = 2 if models.season_gain is None else 2 + MONTHS_PER_YEAR
    states, season = np.zeros((points, 2, k + 1)), np.zeros((points, MONTHS_PER_YEAR, k + 1))
    states[:, :, :2] = np.eye(2)
    season[:, :, 2:k] = np.eye(MONTHS_PER_YEAR, k - 2)
    errors = np.empty((months, points, k + 1))
    for month in range(months):
        place = month % MONTHS_PER_YEAR
        error = -np.einsum("gs,gsk->gk", models.weights, states) - season[:, place]
        error[:, k] += month == 0
        states = models.transition @ states + models.gain[:, :, None] * error[:, None]
        if models.season_gain is not None:
            season[:, place] += models.season_gain[:, None] * error
        errors[month] = error
    by_month = np.ascontiguousarray(errors.transpose(1, 2, 0))
    return Grid(
        np.ascontiguousarray(by_month[:, k]), np.ascontiguousarray(by_month[:, :k]), precision, season_precision
    )


def forecast(grid: Grid, z: FloatArray, horizon: int) -> FloatArray:
    """Mean forecasts of values `z` (n,), shape (horizon,); the grid has n + horizon months or more."""
    states, weights = _fit(grid, z)
    points, priors = np.nonzero(weights > SMALLEST_WEIGHT * weights.max())
    used = weights[points, priors]
    ahead = _continued(grid, z, states[points, priors], points, horizon)
    return np.asarray(used @ ahead / used.sum())


def _fit(grid: Grid, z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Means of the initial states (points, priors, k), and the weights of points and priors (points, priors)."""
    n = len(z)
    lagged = sliding_window_view(np.concatenate([np.zeros(n - 1), z]), n)[::-1]
    errors = grid.of_value[:, :n] @ np.ascontiguousarray(lagged)
    products = (grid.of_states[:, :, :n] @ errors[:, :, None])[:, :, 0]
    known, precision = _information(grid, n), grid.season_precision[:, None]
    of_states, of_season = products[:, :2, None], products[:, 2:, None]
    own = known.own @ of_states
    rotated = ((of_season - known.gain @ of_states).transpose(0, 2, 1)) @ known.vectors
    total = known.values + precision
    season = (rotated / total) @ known.vectors.transpose(0, 2, 1)
    states = -np.concatenate([own.transpose(0, 2, 1) - season @ known.gain, season], axis=2)
    power = np.square(errors).sum(axis=1)[:, None]
    explained = (own * of_states).sum(axis=1) + (np.square(rotated) / total).sum(axis=2)
    squares = np.maximum(power - explained, np.maximum(ROUNDING * power, np.finfo(float).tiny))
    # The determinant of the information relative to the prior's.
    determinant = known.determinant[:, None] + np.log(total / precision).sum(axis=2)
    likelihood = -0.5 * (n * np.log(squares) + determinant)
    return states, np.exp(likelihood - likelihood.max())


def _continued(grid: Grid, z: FloatArray, states: FloatArray, points: NDArray[np.intp], horizon: int) -> FloatArray:
    """The values that follow without any error from initial `states` (used, k) at `points`, shape (used, horizon)."""
    n = len(z)
    values = np.empty((len(points), n + horizon))
    values[:, :n] = z
    of_states = (states[:, None] @ grid.of_states[points, :, n : n + horizon])[:, 0]
    latest_first = grid.of_value[points, n + horizon - 1 :: -1]
    for month in range(n, n + horizon):
        earlier = latest_first[:, horizon + n - 1 - month : -1]
        values[:, month] = -np.einsum("gn,gn->g", earlier, values[:, :month]) - of_states[:, month - n]
    return values[:, n:]


@lru_cache(maxsize=256)
def _information(grid: Grid, n: int) -> _Information:
    """The information of n values about the initial states."""
    of_states = grid.of_states[:, :, :n]
    information = of_states @ of_states.transpose(0, 2, 1)
    inverse = information[:, :2, :2] + np.diag(grid.precision)
    own, across = np.asarray(np.linalg.inv(inverse), dtype=np.float64), information[:, 2:, :2]
    gain = across @ own
    values, vectors = np.linalg.eigh(information[:, 2:, 2:] - gain @ across.transpose(0, 2, 1))
    determinant = np.asarray(np.linalg.slogdet(inverse)[1])
    return _Information(own, determinant, gain, vectors, np.maximum(values, 0.0)[:, None])
