"""Effects of published totals on the forecasts of runs."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import ArrayLike, NDArray
from sqlmodel import Session, col

from store.binary_copy import copy_arrays
from store.models import TotalEffect


class TotalEffectRecord(NamedTuple):
    """The amount that a total added to the forecast of a month, in the dataset's unit."""

    series_id: int
    month: date
    value: float


def write(
    session: Session, run_id: int, *, series_ids: Sequence[int], months: ArrayLike, values: NDArray[np.float64]
) -> int:
    """Store the effects (series, months) that are not zero, and return their number; the caller commits."""
    rows, columns = np.nonzero(np.nan_to_num(values))
    found: dict[str, ArrayLike] = {
        "run_id": np.full(len(rows), run_id),
        "series_id": np.asarray(series_ids)[rows],
        "month": np.asarray(months).astype("datetime64[M]")[columns],
        "value": values[rows, columns],
    }
    return copy_arrays(session, TotalEffect, found)


def effects(session: Session, run_id: int) -> list[TotalEffectRecord]:
    """The effects of published totals on a run's forecasts, by series and month."""
    columns = [col(getattr(TotalEffect, name)) for name in TotalEffectRecord._fields]
    query = sa.select(*columns).where(col(TotalEffect.run_id) == run_id).order_by(*columns[:2])
    return [TotalEffectRecord(*row) for row in session.execute(query)]
