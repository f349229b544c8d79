"""Reconciliation: weighted least squares on the aggregation constraints, then lower bounds from the bottom up.

Wickramasuriya, Athanasopoulos & Hyndman (2019), MinT with a factor covariance, in its constraint form (Di Fonzo &
Girolimetto 2023): the correction solves one small system, with an equation for each aggregate, so that thousands of
draws of thousands of series are one matrix product. hierarchicalforecast reconciles means and bootstraps its own draws;
it does not accept joint draws that are already made (docs/decisions).
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from forecasting.data.hierarchy import Hierarchy
from forecasting.types import FloatArray

# Series from which the narrowing of draws is estimated.
LARGEST_SAMPLE = 1000


@dataclass(frozen=True)
class Reconciler:
    """A hierarchy and the matrix that allocates its incoherences, shape (series, constraints)."""

    hierarchy: Hierarchy
    spread: FloatArray

    def __call__(self, values: FloatArray, lower_bounds: FloatArray | None = None) -> FloatArray:
        """Coherent values, shape (series, ...) like the base ones; aggregates are exact sums of their parts.

        No part is below its value in `lower_bounds`, shape (series,).
        """
        flat = values.reshape(len(values), -1)
        bottom = list(self.hierarchy.bottom)
        parts = flat[bottom]
        if not self.hierarchy.trivial:
            parts -= self.spread[bottom] @ (self.hierarchy.constraints @ flat)
        if lower_bounds is not None:
            np.maximum(parts, lower_bounds[bottom, None], out=parts)
        coherent: FloatArray = self.hierarchy.summing @ parts
        return coherent.reshape(values.shape)

    def narrowing(self, variances: FloatArray, common: FloatArray) -> FloatArray:
        """Standard deviations after reconciliation relative to those before, shape (series,).

        The values have the covariance of `reconciler`. All series with a constraint have the median ratio of a sample
        of them, the others one. Lower bounds are ignored.
        """
        constraints, found = self.hierarchy.constraints, np.ones(self.hierarchy.size)
        constrained = np.unique(constraints.indices)
        before = variances + np.square(common).sum(axis=1)
        rows = constrained[before[constrained] > 0]
        if not len(rows):
            return found
        rows = rows[:: 1 + len(rows) // LARGEST_SAMPLE]
        weighted, gaps, spread = sparse.diags_array(variances) @ constraints.T, constraints @ common, self.spread[rows]
        gram = constraints @ weighted + gaps @ gaps.T
        removed = 2 * (weighted[rows] + common[rows] @ gaps.T) - spread @ gram
        after = before[rows] - np.sum(spread * removed, axis=1)
        found[constrained] = np.sqrt(np.median(np.maximum(after, 0.0) / before[rows]))
        return found


def reconciler(hierarchy: Hierarchy, variances: FloatArray, common: FloatArray | None = None) -> Reconciler:
    """The reconciler that weights each series by its error variance, shape (series,), in squared units of `y`.

    `common` (series, factors), in units of `y`, adds correlated errors: its product with its own transpose. Only the
    ratios matter. A series with zero variance is not moved.
    """
    if hierarchy.trivial:
        return Reconciler(hierarchy, np.empty((hierarchy.size, 0)))
    constraints = hierarchy.constraints
    weighted = sparse.diags_array(variances) @ constraints.T
    gram = (constraints @ weighted).toarray()
    gaps = None if common is None else constraints @ common
    gram = gram if gaps is None else gram + gaps @ gaps.T
    # The equations are dependent: the same parts add up to the grand total in two ways.
    inverse = np.linalg.pinv(gram, rcond=len(gram) * np.finfo(np.float64).eps, hermitian=True)
    spread: FloatArray = weighted @ inverse
    if common is not None and gaps is not None:
        spread += common @ (gaps.T @ inverse)
    return Reconciler(hierarchy, spread)
