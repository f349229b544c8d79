"""Series taken apart, as a run found them."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import ArrayLike
from sqlmodel import Session, col

from store.binary_copy import copy_arrays
from store.models import Decomposition
from store.queries.backtests import RealArray
from store.queries.retention import refuse_thinned


def write(
    session: Session, run_id: int, *, series_ids: ArrayLike, names: Sequence[str], start: ArrayLike, values: RealArray
) -> int:
    """Store the components of series from the month `start` on; gives how many were written.

    Shapes: `series_ids` (S,), `names` (C,), `values` (S, C, months), NaN where a month has none. A component that is
    NaN throughout is left out.
    """
    row, place = np.nonzero(np.isfinite(values).any(axis=2))
    columns: dict[str, ArrayLike] = {
        "run_id": run_id,
        "series_id": np.asarray(series_ids)[row],
        "name": np.asarray(names)[place],
        "start": np.repeat(np.asarray(start).astype("datetime64[M]"), len(row)),
        "values": values[row, place],
    }
    return copy_arrays(session, Decomposition, columns)


class DecomposedSeries(NamedTuple):
    """The components of a series by name, month by month from `start`; None where a month has none."""

    start: date
    values: dict[str, list[float | None]]


def of_series(session: Session, run_id: int, series_ids: Sequence[int]) -> dict[int, DecomposedSeries]:
    """Stored components of some series; one that was not taken apart is missing."""
    rows = session.execute(
        sa.select(*(col(getattr(Decomposition, name)) for name in ("series_id", "name", "start", "values")))
        .where(col(Decomposition.run_id) == run_id, col(Decomposition.series_id).in_(series_ids))
        .order_by(col(Decomposition.series_id), col(Decomposition.name))
    )
    found: dict[int, DecomposedSeries] = {}
    for series_id, name, start, values in rows:
        found.setdefault(series_id, DecomposedSeries(start, {})).values[name] = values
    if not found:
        refuse_thinned(session, run_id)
    return found
