"""The error scale of steps that an indicator informs: their own, where the panel's other steps share one curve.

An informed step has smaller errors than the curve over the steps says. Its scale is multiplied by the factor with the
lowest mean CRPS on earlier folds that were informed too (Gneiting & Raftery 2007), shrunk to one where they are few.
"""

import numpy as np
from numpy.typing import NDArray

from forecasting.types import FloatArray
from forecasting.uncertainty.error_scale import KnownErrors
from forecasting.uncertainty.error_scale_calibration import FEWEST_FOLDS, HALF_LIFE, LARGEST, SHRINKAGE

FACTORS = np.exp(np.linspace(-np.log(2.0), np.log(2.0), 57))


def informed_factors(
    known_errors: KnownErrors,
    *,
    forecast_scale: FloatArray,
    ratio: FloatArray,
    quantiles: FloatArray,
    probabilities: FloatArray,
    informed: NDArray[np.bool_],
) -> FloatArray:
    """Factors of the scale ahead, shape (series, horizon); one where the forecast at hand is not informed.

    `forecast_scale` (series, folds, horizon) is the scale forecast at earlier folds, `ratio` (series, horizon) that of
    the scale ahead to it; `quantiles` at `probabilities` are those of standardised errors; `informed`
    (series, folds + 1, horizon) says which forecasts an indicator moved, the last of them the one at hand.
    """
    factors = np.ones(ratio.shape)
    errors = known_errors.errors if known_errors.fold_errors is None else known_errors.fold_errors
    weights = known_errors.halved_after(HALF_LIFE)
    weights[:FEWEST_FOLDS] = 0.0
    for row, step in zip(*np.nonzero(informed[:, -1]), strict=True):
        known = informed[row, :-1, step] & np.isfinite(errors[row, :, step]) & (weights > 0)
        if known.any():
            scale = forecast_scale[row, known, step] * ratio[row, step]
            size = np.minimum(np.abs(errors[row, known, step]) / scale, LARGEST)
            loss = weights[known] @ _scores(size, quantiles, probabilities)
            months = weights[known].sum()
            factors[row, step] = FACTORS[np.argmin(loss)] ** (months / (months + SHRINKAGE))
    return factors


def _scores(size: FloatArray, quantiles: FloatArray, probabilities: FloatArray) -> FloatArray:
    """Mean pinball loss, half the CRPS, of errors of these sizes and either sign by factor, shape (folds, factors)."""
    forecast = FACTORS[:, None] * quantiles
    gaps = np.stack([size, -size])[..., None, None] - forecast
    loss: FloatArray = np.maximum(probabilities * gaps, (probabilities - 1) * gaps).mean(axis=(0, 3))
    return loss
