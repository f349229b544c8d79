"""Shocks on joint paths: a stated cause with its profile in time, and the trade that it diverts.

A tariff acts through the elasticity of import demand. Its default range, 1.5 to 2.5, spans the elasticities between
products (1.53) and between varieties (2.53) estimated on the tariffs of 2018 (Fajgelbaum, Goldberg, Kennedy and
Khandelwal 2020, Quarterly Journal of Economics 135). It is drawn for each path, so that its uncertainty shows.
"""

from dataclasses import dataclass

import numpy as np

from forecasting.types import FloatArray

ELASTICITY = (1.5, 2.5)


@dataclass(frozen=True, slots=True)
class Profile:
    """The course of a shock in months: shipments brought forward, the trough, the recovery, and what remains.

    `pull_forward` is the share of the loss in the first `pull_forward_months` that is shipped as long before the start.
    The full size holds for `trough_months`; it fades linearly over `recovery_months` to the share `remaining`.
    """

    pull_forward: float = 0.0
    pull_forward_months: int = 3
    trough_months: int = 12
    recovery_months: int = 0
    remaining: float = 1.0

    def factors(self, start: int, steps: int) -> FloatArray:
        """The share of the full size in each step, shape (steps,); negative where shipments are brought forward.

        `start` is the first step of the shock, counted from 0.
        """
        months = np.arange(steps) - start
        fading = np.clip((months - self.trough_months + 1) / (self.recovery_months + 1), 0.0, 1.0)
        factors = np.where(months < 0, 0.0, 1 - (1 - self.remaining) * fading)
        if self.pull_forward:
            before = (months >= -self.pull_forward_months) & (months < 0)
            factors[before] = -self.pull_forward
        return factors


def tariff_size(
    rate_change: float, draws: int, *, elasticity: tuple[float, float] = ELASTICITY, seed: int
) -> FloatArray:
    """The change in trade that a change of the tariff rate causes, as a share, shape (draws,).

    `rate_change` is in percentage points of the import price; trade is proportional to (1 + rate) to the power of minus
    the elasticity, drawn uniformly from its range.
    """
    drawn = np.random.default_rng(seed).uniform(*elasticity, size=draws)
    size: FloatArray = (1 + rate_change / 100) ** -drawn - 1
    return size


def substitution_weights(paths: FloatArray, hit: FloatArray) -> FloatArray:
    """One minus the correlation of each part with the shocked parts together, shape (parts,), between 0 and 2.

    Over the draws of paths (parts, draws, steps), summed over the steps, which are correlated as past errors were: a
    part that rose where the shocked trade fell has more than one. A part without spread has one.
    """
    sums = paths.sum(axis=2)
    deviations = sums - sums.mean(axis=1, keepdims=True)
    shocked = hit @ deviations
    spread = np.sqrt(np.square(deviations).sum(axis=1) * np.square(shocked).sum())
    correlation = np.divide(deviations @ shocked, spread, out=np.zeros(len(sums)), where=spread > 0)
    weights: FloatArray = 1.0 - correlation
    return weights


def apply_shock(
    paths: FloatArray, size: FloatArray, factors: FloatArray, hit: FloatArray, gains: FloatArray, diversion: float
) -> FloatArray:
    """Paths (parts, draws, steps) after a shock of `size` (draws,), a share, with `factors` (steps,).

    `hit` (parts,) marks the parts that are shocked; `gains` (parts,) weights those that gain from diversion. The share
    `diversion` of the loss goes to the latter in proportion to their weight times their level in each draw and step.
    """
    change = np.maximum(size[:, None] * factors, -1.0)
    after = paths * (1 + hit[:, None, None] * change)
    lost = (paths - after).sum(axis=0)
    base = np.einsum("p,pds->ds", gains, paths)
    rise = np.divide(diversion * lost, base, out=np.zeros_like(base), where=base > 0)
    found: FloatArray = np.maximum(after + gains[:, None, None] * paths * rise, 0.0)
    return found
