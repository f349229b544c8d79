"""Whether own regressors help: the regressions without and with them at every fold, and their effects now."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.combination.combined_forecasts import CombinedForecasts
from forecasting.data.regressors import RegressorPanel
from forecasting.evaluation.metrics import diebold_mariano
from forecasting.forecasters import regressor_pairs
from forecasting.types import FloatArray

FEWEST_FOLDS = 3


@dataclass(frozen=True)
class RegressorReport:
    """The own regressors behind a forecast.

    `evidence` has columns unique_id, n (folds), mae_without and mae_with in the units of `y` one month ahead, of the
    mean of the regressions without and with them, p_value (Diebold & Mariano 1995, two-sided, NaN where undecidable)
    and weight, the share of the regressions with regressors in the combination. `effects` has columns unique_id,
    regressor and coefficient, the change of the logarithm of those regressions' forecasts for one unit of the
    regressor, averaged by their shares.
    """

    evidence: pd.DataFrame
    effects: pd.DataFrame


def report_regressors(combined: CombinedForecasts, regressors: RegressorPanel) -> RegressorReport:
    """The own regressors behind the forecasts of the last fold."""
    base, ids = combined.base, combined.panel.unique_ids
    pairs = np.array([[base.names.index(name) for name in pair] for pair in regressor_pairs(base.names)]).T
    evidence, effects = [], []
    for row, unique_id in enumerate(ids):
        if unique_id not in base.sensitivities:
            continue
        forecasts = base.means[row][pairs, :, 0]
        errors = np.abs(_mean_of_pairs(forecasts) - combined.actual[row, :, 0])
        shares = np.nan_to_num(combined.weights[row, -1, pairs[1]])
        evidence.append((unique_id, *_worth(errors), float(shares.sum())))
        columns = (regressor.id for regressor in regressors.of(unique_id))
        found = zip(columns, _weighted(base.sensitivities[unique_id], shares).tolist(), strict=True)
        effects += [(unique_id, code, value) for code, value in found if np.isfinite(value)]
    names = ["unique_id", "n", "mae_without", "mae_with", "p_value", "weight"]
    return RegressorReport(
        pd.DataFrame(evidence, columns=names), pd.DataFrame(effects, columns=["unique_id", "regressor", "coefficient"])
    )


def _mean_of_pairs(forecasts: FloatArray) -> FloatArray:
    """The means without and with regressors (2, folds) of forecasts (2, pairs, folds), of the pairs that gave both."""
    both = np.isfinite(forecasts).all(axis=0)
    number = np.where(both.any(axis=0), both.sum(axis=0), np.nan)
    mean: FloatArray = np.where(both, forecasts, 0.0).sum(axis=1) / number
    return mean


def _weighted(sensitivity: FloatArray, shares: FloatArray) -> FloatArray:
    """The mean (k,) of coefficients (pairs, k) by `shares` (pairs,), equally where none has a share; NaN if unused."""
    weights = np.where(np.isfinite(sensitivity), shares[:, None] if shares.any() else 1.0, 0.0)
    total = weights.sum(axis=0)
    mean: FloatArray = (np.nan_to_num(sensitivity) * weights).sum(axis=0) / np.where(total > 0, total, np.nan)
    return mean


def _worth(errors: FloatArray) -> tuple[int, float, float, float]:
    """Folds, mean absolute errors without and with, and the p-value, from errors of shape (2, folds)."""
    known = np.isfinite(errors).all(axis=0)
    if not known.any():
        return 0, np.nan, np.nan, np.nan
    without, with_regressors = errors[:, known]
    enough = known.sum() >= FEWEST_FOLDS
    p_value = float(diebold_mariano(with_regressors, without, step=1)) if enough else np.nan
    return int(known.sum()), float(without.mean()), float(with_regressors.mean()), p_value
