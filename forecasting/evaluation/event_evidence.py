"""Whether events help: forecasts with and without them where a regressor changes, out of sample."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.combination.combined_forecasts import CombinedForecasts
from forecasting.combination.event_adjustment import EventAdjustment
from forecasting.data.events import REGRESSORS, EventPanel
from forecasting.data.indicators import DAY
from forecasting.evaluation.metrics import diebold_mariano
from forecasting.types import FloatArray
from forecasting.uncertainty.arsinh_transform import inverse_transform, transform


@dataclass(frozen=True)
class EventReport:
    """The events behind a forecast.

    `used` are the identifiers of those that moved it. `evidence` has columns regressor, coefficient (an elasticity,
    from the errors known at the last fold), n (known errors of forecasts in which it changes), mae_without and mae_with
    in the units of `y`, and p_value (Diebold & Mariano 1995, two-sided, NaN where undecidable). `effects` has columns
    unique_id, month and value, the amount added to the forecast, in the units of `y`, before reconciliation.
    """

    used: tuple[str, ...]
    evidence: pd.DataFrame
    effects: pd.DataFrame


def report_events(combined: CombinedForecasts, events: EventPanel) -> EventReport | None:
    """The events behind the forecasts of the last fold, None without any."""
    adjustment = combined.events
    if adjustment is None:
        return None
    moved = _moved(combined, adjustment)
    added = np.nan_to_num(moved[:, -1] - adjustment.plain[:, -1])
    cutoff = combined.panel.months[combined.base.cutoffs[-1]]
    ids = combined.panel.unique_ids
    effects = [(ids[row], cutoff + 1 + step, added[row, step]) for row, step in zip(*np.nonzero(added), strict=True)]
    return EventReport(
        used=_used(events, cutoff, {uid for uid, values in zip(ids, added, strict=True) if values.any()}),
        evidence=_evidence(combined, adjustment, moved),
        effects=pd.DataFrame(effects, columns=["unique_id", "month", "value"]),
    )


def _moved(combined: CombinedForecasts, adjustment: EventAdjustment) -> FloatArray:
    """Forecasts of covered series with their adjustment, shape (series, folds, horizon)."""
    unit, effects = combined.transform_unit[..., None], adjustment.effects
    moved = inverse_transform(transform(adjustment.plain, unit) + effects, unit)
    return np.where(effects == 0, adjustment.plain, moved)


def _used(events: EventPanel, cutoff: np.datetime64, moved: set[str]) -> tuple[str, ...]:
    """Events that cover a moved series and change after the first day of the last observed month."""
    covering = {event for uid in moved for event in events.covers.get(uid, ())}
    first = cutoff.astype("datetime64[M]").astype(DAY)
    changing = (event for event in events.events if event.effective >= first or event.until >= first)
    return tuple(event.id for event in changing if event.id in covering)


def _evidence(combined: CombinedForecasts, adjustment: EventAdjustment, moved: FloatArray) -> pd.DataFrame:
    rows = []
    errors = [np.abs(means - combined.actual) for means in (adjustment.plain, moved)]
    for place, regressor in enumerate(REGRESSORS):
        chosen = (adjustment.changes[:, :, place] != 0) & np.isfinite(errors[0])
        number = int(chosen.sum())
        without, with_events = (float(values[chosen].mean()) if number else np.nan for values in errors)
        by_fold = chosen.any(axis=(0, 2))
        losses = [np.nanmean(np.where(chosen, values, np.nan)[:, by_fold], axis=(0, 2)) for values in errors]
        p_value = float(diebold_mariano(losses[1], losses[0], step=1)) if by_fold.sum() > 2 else np.nan
        rows.append((regressor, adjustment.coefficients[-1, place], number, without, with_events, p_value))
    names = ["regressor", "coefficient", "n", "mae_without", "mae_with", "p_value"]
    return pd.DataFrame(rows, columns=names)
