"""Whether own regressors help: one forecaster without and with them at every fold, and their effects now."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.combination.combined_forecasts import CombinedForecasts
from forecasting.data.regressors import RegressorPanel
from forecasting.evaluation.metrics import diebold_mariano
from forecasting.forecasters import WITH_REGRESSORS, WITHOUT_REGRESSORS
from forecasting.types import FloatArray

FEWEST_FOLDS = 3


@dataclass(frozen=True)
class RegressorReport:
    """The own regressors behind a forecast.

    `evidence` has columns unique_id, n (folds), mae_without and mae_with in the units of `y` one month ahead, p_value
    (Diebold & Mariano 1995, two-sided, NaN where undecidable) and weight, the share of the forecaster with regressors
    in the combination. `effects` has columns unique_id, regressor and coefficient, the change of the logarithm of that
    forecaster's forecast for one unit of the regressor.
    """

    evidence: pd.DataFrame
    effects: pd.DataFrame


def report_regressors(combined: CombinedForecasts, regressors: RegressorPanel) -> RegressorReport:
    """The own regressors behind the forecasts of the last fold."""
    base, ids = combined.base, combined.panel.unique_ids
    without, with_regressors = (base.names.index(name) for name in (WITHOUT_REGRESSORS, WITH_REGRESSORS))
    evidence, effects = [], []
    for row, unique_id in enumerate(ids):
        if unique_id not in base.sensitivities:
            continue
        errors = np.abs(base.means[row][[without, with_regressors], :, 0] - combined.actual[row, :, 0])
        weight = float(np.nan_to_num(combined.weights[row, -1, with_regressors]))
        evidence.append((unique_id, *_worth(errors), weight))
        columns = (regressor.id for regressor in regressors.of(unique_id))
        found = zip(columns, base.sensitivities[unique_id].tolist(), strict=True)
        effects += [(unique_id, code, value) for code, value in found if np.isfinite(value)]
    names = ["unique_id", "n", "mae_without", "mae_with", "p_value", "weight"]
    return RegressorReport(
        pd.DataFrame(evidence, columns=names), pd.DataFrame(effects, columns=["unique_id", "regressor", "coefficient"])
    )


def _worth(errors: FloatArray) -> tuple[int, float, float, float]:
    """Folds, mean absolute errors without and with, and the p-value, from errors of shape (2, folds)."""
    known = np.isfinite(errors).all(axis=0)
    if not known.any():
        return 0, np.nan, np.nan, np.nan
    without, with_regressors = errors[:, known]
    enough = known.sum() >= FEWEST_FOLDS
    p_value = float(diebold_mariano(with_regressors, without, step=1)) if enough else np.nan
    return int(known.sum()), float(without.mean()), float(with_regressors.mean()), p_value
