"""Attribution of changes between runs."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import ArrayLike, NDArray
from sqlmodel import Session, col

from store.binary_copy import copy_arrays
from store.errors import ChangesNotKept
from store.models import ForecastChange, Run

FloatArray = NDArray[np.float64]


def write(
    session: Session,
    run_id: int,
    against_id: int,
    *,
    series_ids: Sequence[int],
    months: ArrayLike,
    new_figures: FloatArray,
    revised_figures: FloatArray,
    indicators: FloatArray,
    published_total: FloatArray,
    reestimation: FloatArray,
) -> int:
    """Store the parts of every change, each (series, months), replacing stored ones of the two runs."""
    mine = (col(ForecastChange.run_id) == run_id, col(ForecastChange.against_id) == against_id)
    session.execute(sa.delete(ForecastChange).where(*mine))
    when = np.asarray(months).astype("datetime64[M]")
    columns: dict[str, ArrayLike] = {
        "run_id": run_id,
        "against_id": against_id,
        "series_id": np.repeat(series_ids, len(when)),
        "month": np.tile(when, len(series_ids)),
        "new_figures": new_figures.ravel(),
        "revised_figures": revised_figures.ravel(),
        "indicators": indicators.ravel(),
        "published_total": published_total.ravel(),
        "reestimation": reestimation.ravel(),
    }
    return copy_arrays(session, ForecastChange, columns)


def latest_against(session: Session, run_id: int, against_id: int | None = None) -> int:
    """The run with the latest knowledge that a run was held against, or the one asked for. Raises ChangesNotKept."""
    query = (
        sa.select(col(Run.id))
        .where(col(Run.id).in_(sa.select(col(ForecastChange.against_id)).where(col(ForecastChange.run_id) == run_id)))
        .order_by(col(Run.as_of).desc(), col(Run.finished_at).desc(), col(Run.id).desc())
    )
    if against_id is not None:
        query = query.where(col(Run.id) == against_id)
    found: int | None = session.execute(query.limit(1)).scalar()
    if found is None:
        raise ChangesNotKept(run_id, against_id)
    return found


class ChangeRecord(NamedTuple):
    """The means of a month before and after, and the parts of the change, in the dataset's unit."""

    series_id: int
    month: date
    step: int
    before: float
    after: float
    new_figures: float
    revised_figures: float
    indicators: float
    published_total: float
    reestimation: float


class ChangePage(NamedTuple):
    """Some changes by series and month, and how many there are in all."""

    rows: list[ChangeRecord]
    total: int


def page(
    session: Session,
    run_id: int,
    against_id: int,
    series_ids: Sequence[int],
    *,
    horizon: int | None = None,
    limit: int,
    offset: int = 0,
) -> ChangePage:
    """Changes of some series up to `horizon` months ahead of the later run."""
    given = {"run": run_id, "against": against_id, "series": list(series_ids), "horizon": horizon}
    total = session.execute(sa.text(f"SELECT count(*) {_FROM}"), given).scalar_one()
    rows = session.execute(_PAGE, given | {"limit": limit, "offset": offset})
    return ChangePage([ChangeRecord(*row) for row in rows], total)


_FROM = """
    FROM forecast_change c
    JOIN forecast later ON (later.run_id, later.series_id, later.month) = (c.run_id, c.series_id, c.month)
    JOIN forecast earlier ON (earlier.run_id, earlier.series_id, earlier.month) = (c.against_id, c.series_id, c.month)
    WHERE c.run_id = :run AND c.against_id = :against AND c.series_id = ANY(:series)
      AND (:horizon ::int IS NULL OR later.step <= :horizon)
"""
_PAGE = sa.text(f"""
    SELECT c.series_id, c.month, later.step, earlier.mean, later.mean, c.new_figures, c.revised_figures,
           c.indicators, c.published_total, c.reestimation
    {_FROM}
    ORDER BY array_position(CAST(:series AS int[]), c.series_id), c.month
    LIMIT :limit OFFSET :offset
""")
