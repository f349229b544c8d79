"""Scenarios with another future of a dataset's own regressors."""

from collections.abc import Sequence

import numpy as np
from sqlmodel import Session

from forecasting.types import FloatArray
from services.errors import RegressorNotUsed
from services.queries.scenarios import RegressorPath
from services.runs.published_run import month_of
from services.series.joint_paths import JointPaths
from services.series.series_paths import cutoff_number
from store.queries import regressors
from store.queries.runs import PublishedRunRecord


def with_regressors(
    session: Session, run: PublishedRunRecord, base: JointPaths, futures: Sequence[RegressorPath]
) -> FloatArray:
    """Paths (parts, draws, steps) of a run under other futures of its regressors.

    Each part that a regressor explains is multiplied by the exponential of its effect for the change of the regressor
    in each month, times the weight of the forecaster with regressors in the combination; wholes are sums of parts.

    Raises UnknownRegressor, RegressorNotUsed.
    """
    paths, place = base.paths, {part.parts[0].series_id: row for row, part in enumerate(base.parts)}
    for future in futures:
        change = _change(session, run, future, paths.shape[2])
        effects = regressors.effects(session, run.id, [future.regressor])
        if not any(effect.weight and effect.series_id in place for effect in effects):
            raise RegressorNotUsed(future.regressor, run.id)
        for effect in effects:
            if effect.series_id in place:
                paths = paths.copy() if paths is base.paths else paths
                paths[place[effect.series_id]] *= np.exp(effect.weight * effect.coefficient * change)
    return paths


def _change(session: Session, run: PublishedRunRecord, future: RegressorPath, steps: int) -> FloatArray:
    """The change of a regressor in each step, shape (steps,): the other future less the values known to the run."""
    rows = regressors.values(session, run.dataset_id, future.regressor, as_of=run.as_of)
    known = {month_of(row.month): row.value for row in rows}
    first, start = cutoff_number(run) + 1, month_of(future.start)
    change = np.zeros(steps)
    for place, value in enumerate(future.values):
        month = start + place
        if first <= month < first + steps and month in known:
            change[month - first] = value - known[month]
    return change
