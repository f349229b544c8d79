"""Prophet's maximum a posteriori fit in process, independent of the prophet package.

With a linear or flat trend and additive features, `prophet/stan_model/prophet.stan` is a penalised
regression. The columns of C are t, 1, the features and the hinges (t - s)+ of the S changepoints;
theta = (k, m, beta, delta):

    y ~ N(C theta, sigma),  k, m ~ N(0, 5),  beta ~ N(0, scales),  delta ~ Laplace(0, tau),
    sigma ~ N(0, 0.5), sigma > 0

    log posterior = -T log sigma - RSS / (2 sigma^2) - sum(precision theta^2) / 2 - sum |delta| / tau - 2 sigma^2

For a given sigma it is a lasso in delta and a ridge in the rest, solved exactly by feature-sign search (Lee,
Battle, Raina and Ng 2007) on the normal equations; for given theta, 4 sigma^4 + T sigma^2 - RSS = 0. The two
alternate from sigma = 1, Stan's starting point. RSS at the lasso's solution grows with sigma, so sigma falls
monotonically to its largest fixed point. docs/decisions/0003-prophet-map.md has the evidence.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv

from forecasting.types import FloatArray

# Standard deviation of the priors of k and m in prophet.stan.
TREND_PRIOR = 5.0
# Where the columns can reproduce y, the posterior grows without bound as sigma falls to 0; sigma stops at this share
# of the series' scale.
SMALLEST_SIGMA = 1e-6
# Changes of log posterior this small end the alternation; Stan's optimizer stops at 1e-8 of its value.
TOLERANCE = 1e-8
MOST_ROUNDS = 1000


@dataclass(frozen=True, slots=True)
class MapFit:
    """The maximum on Prophet's scaled axes: rate k, offset m, delta (S,), beta (K,), sigma; its log posterior."""

    k: float
    m: float
    delta: FloatArray
    beta: FloatArray
    sigma: float
    log_posterior: float


@dataclass(frozen=True, slots=True)
class MapDesign:
    """The parts of the fit that do not depend on y: computed once, used for any number of y.

    `columns` has shape (T, 2 + K + S): t, 1, features, hinges. `precision`, shape (2 + K + S,), is the normal priors'
    inverse variances, 0 for hinges. `gram` is the cross product of the columns. `tau` is the scale of the hinges'
    Laplace prior.
    """

    columns: FloatArray
    precision: FloatArray
    gram: FloatArray
    tau: float
    hinges: int

    def log_posterior(self, y: FloatArray, theta: FloatArray, sigma: float) -> float:
        """Log posterior without constants, as Stan's `lp__`; `y` has shape (T,), `theta` the order of the columns."""
        residuals = y - self.columns @ theta
        penalty = 0.5 * float(self.precision @ theta**2) + float(np.abs(theta[-self.hinges :]).sum()) / self.tau
        return float(-len(y) * np.log(sigma) - residuals @ residuals / (2 * sigma**2) - penalty - 2 * sigma**2)


def trend_hinges(t: FloatArray, changepoints: FloatArray) -> FloatArray:
    """(t - s)+ for each time and changepoint, shape (T, S)."""
    hinges: FloatArray = np.maximum(t[:, None] - changepoints[None, :], 0.0)
    return hinges


def make_design(
    *, t: FloatArray, changepoints: FloatArray, features: FloatArray, scales: FloatArray, tau: float, flat: bool = False
) -> MapDesign:
    """The design of a Prophet model: times (T,), changepoints (S,), S > 0, features (T, K), their scales (K,)."""
    rate, hinges = t[:, None], trend_hinges(t, changepoints)
    if flat:  # the rate and its changes remain parameters without effect
        rate, hinges = np.zeros_like(rate), np.zeros_like(hinges)
    columns = np.hstack([rate, np.ones_like(rate), features, hinges])
    precision = np.concatenate([np.full(2, TREND_PRIOR**-2), scales**-2.0, np.zeros(len(changepoints))])
    return MapDesign(columns, precision, columns.T @ columns, tau, len(changepoints))


def fit_map(design: MapDesign, y: FloatArray) -> MapFit:
    """The maximum a posteriori fit to scaled values `y`, shape (T,).

    Where the posterior has no maximum (fewer observations than parameters, or y without noise) it is the fit at
    the last sigma above SMALLEST_SIGMA, or before the normal equations become singular.
    """
    moment = design.columns.T @ y
    theta, sigma, best = np.zeros(len(moment)), 1.0, -np.inf
    for _ in range(MOST_ROUNDS):
        solution = _solve_lasso(design, moment, sigma**2, theta)
        if solution is None:
            break
        residuals = y - design.columns @ solution
        next_sigma = _best_sigma(float(residuals @ residuals), len(y))
        value = design.log_posterior(y, solution, max(next_sigma, SMALLEST_SIGMA))
        improved, best = value - best, value
        theta, sigma = solution, max(next_sigma, SMALLEST_SIGMA)
        if improved < TOLERANCE or next_sigma < SMALLEST_SIGMA:
            break
    split = len(theta) - design.hinges
    return MapFit(float(theta[0]), float(theta[1]), theta[split:], theta[2:split], sigma, best)


def _best_sigma(rss: float, length: int) -> float:
    """The positive root of 4 sigma^4 + T sigma^2 - RSS = 0, in the form that does not cancel."""
    return float(np.sqrt(2 * rss / (length + np.sqrt(length**2 + 16 * rss))))


def _solve_lasso(design: MapDesign, moment: FloatArray, variance: float, start: FloatArray) -> FloatArray | None:
    """Minimise theta' (G + variance P) theta / 2 - moment' theta + (variance / tau) |delta|.

    By feature-sign search: only hinges with a sign are active; the one whose gradient exceeds its penalty most is
    activated next. None if the normal equations of the active columns are singular.
    """
    free, penalty = len(start) - design.hinges, variance / design.tau
    theta, normal = start.copy(), design.gram.copy()
    normal.flat[:: len(start) + 1] += variance * design.precision
    slack = 1e-9 * penalty + 1e-13 * float(np.abs(moment).max())
    is_active, signs = np.ones(len(start), dtype=bool), np.sign(theta)
    signs[:free] = 0.0
    for _ in range(MOST_ROUNDS):
        is_active[free:] = signs[free:] != 0.0
        active = is_active.nonzero()[0]
        target, info = dposv(normal[active[:, None], active], (moment - penalty * signs)[active])[1:]
        if info != 0:
            return None
        if not _step_towards(theta, signs, active, target):
            continue
        descent = moment - normal @ theta
        worst = free + int(np.where(is_active, 0.0, np.abs(descent))[free:].argmax())
        if is_active[worst] or abs(descent[worst]) <= penalty + slack:
            return theta
        signs[worst] = np.sign(descent[worst])
    return theta


def _step_towards(theta: FloatArray, signs: FloatArray, active: NDArray[np.intp], target: FloatArray) -> bool:
    """Move `theta` to `target`; True if there. The first coefficient to cross zero on the way stays there."""
    crossing = np.flatnonzero(target * signs[active] < 0.0)
    if len(crossing) == 0:
        theta[active] = target
        return True
    now = theta[active]
    shares = now[crossing] / (now[crossing] - target[crossing])
    first = int(shares.argmin())
    theta[active] = now + shares[first] * (target - now)
    leaving = active[crossing[first]]
    theta[leaving] = signs[leaving] = 0.0
    return False
