"""Whether indicators help: forecasts of the month after a cutoff with and without them, out of sample."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.combination.combined_forecasts import CombinedForecasts
from forecasting.combination.indicator_adjustment import (
    LARGEST,
    PENALTIES,
    STEPS,
    IndicatorAdjustment,
    bounded,
    regress,
)
from forecasting.data.indicators import IndicatorPanel
from forecasting.data.months import MONTH
from forecasting.evaluation.metrics import diebold_mariano
from forecasting.types import FloatArray
from forecasting.uncertainty.arsinh_transform import inverse_transform, transform

ALL = "*"
"""All indicators of a series together."""
COLUMNS = ("unique_id", "indicator", "n", "mae_without", "mae_with", "p_value", "weight")


@dataclass(frozen=True, slots=True)
class _Errors:
    """Absolute errors of the first step without and with indicators, shape (folds,), and the last fold's weights."""

    without: FloatArray
    with_indicators: FloatArray
    weight: float


def indicator_evidence(combined: CombinedForecasts) -> pd.DataFrame:
    """The worth of each indicator for each series it may inform, alone and with the others (`*`).

    Columns unique_id, indicator, n (folds), mae_without and mae_with in the units of `y`, p_value (Diebold & Mariano
    1995, two-sided, NaN where undecidable) and weight: the effect on the last fold's forecast, in per cent, of a
    surprise of one robust deviation, NaN for all together. The month after each cutoff is forecast as if the
    indicator's own month was known, whatever is known at the panel's end.
    """
    adjustment = combined.indicators
    if adjustment is None:
        return pd.DataFrame(columns=list(COLUMNS))
    months = combined.panel.months[combined.base.cutoffs].astype(MONTH).astype(np.int64)
    rows = []
    for series, unique_id in enumerate(combined.panel.unique_ids):
        used = np.flatnonzero(adjustment.informs[series])
        together = [used] if len(used) > 1 else []
        for chosen in [*np.split(used, len(used)), *together] if len(used) else []:
            errors = _errors(combined, adjustment, series, chosen, months)
            name = adjustment.ids[chosen[0]] if len(chosen) == 1 else ALL
            rows.append((unique_id, name, *_summary(errors)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _errors(
    combined: CombinedForecasts,
    adjustment: IndicatorAdjustment,
    series: int,
    chosen: NDArray[np.int64],
    months: NDArray[np.int64],
) -> _Errors:
    actual, plain = combined.actual[series, :, 0], adjustment.plain[series, :, 0]
    unit = combined.transform_unit[series]
    effect, ran, weight = np.zeros(len(months)), np.zeros(len(months), dtype=bool), np.nan
    for fold in range(len(months)):
        x = _first_surprises(adjustment, chosen, fold)
        errors = adjustment.known_errors[fold][series, :, 0]
        weights = regress(errors, x, months[: fold + 1] + 1, PENALTIES)
        effect[fold] = np.clip(weights @ x[:, -1], -LARGEST, LARGEST)
        ran[fold] = weights.any() or x[:, -1].any()
        weight = 100.0 * float(np.expm1(weights[0])) if len(chosen) == 1 else np.nan
    moved = inverse_transform(transform(plain, unit) + effect, unit)
    scored = ran & np.isfinite(actual)
    without, with_indicators = (np.where(scored, np.abs(mean - actual), np.nan) for mean in (plain, moved))
    return _Errors(without, with_indicators, weight)


def _first_surprises(adjustment: IndicatorAdjustment, chosen: NDArray[np.int64], fold: int) -> FloatArray:
    """Bounded surprises of the first month after each cutoff up to a fold's, shape (chosen, fold + 1)."""
    values = adjustment.surprises.values[chosen, : fold + 1, 0]
    known_on = adjustment.surprises.known_on[chosen, : fold + 1, 0]
    return bounded(np.where(known_on <= known_on[:, -1:], values, np.nan))


def _summary(errors: _Errors) -> tuple[int, float, float, float, float]:
    known = np.isfinite(errors.without)
    if not known.any():
        return 0, np.nan, np.nan, np.nan, errors.weight
    p_value = float(diebold_mariano(errors.with_indicators, errors.without, step=1))
    without, with_indicators = float(errors.without[known].mean()), float(errors.with_indicators[known].mean())
    return int(known.sum()), without, with_indicators, p_value, errors.weight


@dataclass(frozen=True)
class IndicatorReport:
    """The indicators behind a forecast.

    `known` has columns indicator, known_to (month), known_on (day) and leads, the months beyond the panel's last;
    `evidence` is as in `indicator_evidence`; `effects` has columns unique_id, indicator, month and value, the
    amount added to the forecast, in the units of `y`, before reconciliation.
    """

    known: pd.DataFrame
    evidence: pd.DataFrame
    effects: pd.DataFrame


def report_indicators(combined: CombinedForecasts, indicators: IndicatorPanel) -> IndicatorReport | None:
    """The indicators behind the forecasts of the last fold, None without any."""
    adjustment = combined.indicators
    if adjustment is None:
        return None
    known = []
    for row, indicator in enumerate(indicators.indicators):
        months, _ = indicator.known(indicators.as_of)
        if len(months):
            leads = int(adjustment.effects.leads[row, -1])
            known.append((indicator.id, months[-1], indicator.first_known(months[-1]), leads))
    names = ["indicator", "known_to", "known_on", "leads"]
    return IndicatorReport(
        known=pd.DataFrame(known, columns=names),
        evidence=indicator_evidence(combined),
        effects=_last_effects(combined, adjustment),
    )


def _last_effects(combined: CombinedForecasts, adjustment: IndicatorAdjustment) -> pd.DataFrame:
    """The amount that each indicator added to each month of the last fold, in proportion to its effect."""
    steps = min(STEPS, adjustment.plain.shape[2])
    effects = adjustment.effects.values[:, :, -1, :steps]
    total, own = adjustment.effects.total[:, -1, :steps], effects.sum(axis=1)
    unit, plain = combined.transform_unit[:, -1, None], adjustment.plain[:, -1, :steps]
    moved = inverse_transform(transform(plain, unit) + total, unit) - plain
    slope = np.divide(moved, own, out=np.zeros_like(moved), where=np.abs(own) > 0)
    added = np.nan_to_num(effects * slope[:, None])
    cutoff = combined.panel.months[combined.base.cutoffs[-1]]
    rows = [
        (combined.panel.unique_ids[series], adjustment.ids[row], cutoff + 1 + step, added[series, row, step])
        for series, row, step in zip(*np.nonzero(added), strict=True)
    ]
    return pd.DataFrame(rows, columns=["unique_id", "indicator", "month", "value"])
