"""Observations of runs, stored with each run so that later observations do not affect it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import Session, col

from store.binary_copy import copy_arrays
from store.database import binary_cursor
from store.models import PanelSeries, Series
from store.queries.partner_wholes import wholes_among

YEAR = 12


def write(session: Session, run_id: int, *, ids: Mapping[str, int], frame: pd.DataFrame) -> int:
    """Store the observations of a run, a frame of `observations.panel_frame`; returns the number of series.

    `ids` are the numbers of series by unique_id.
    """
    if frame.empty:
        return 0
    rows, names = pd.factorize(frame["unique_id"])
    months = frame["ds"].to_numpy().astype("datetime64[M]").astype(int)
    # A February that holds January too begins a month earlier.
    bounds = pd.DataFrame({"first": months - frame["months"].to_numpy() + 1, "last": months}).groupby(rows)
    spans = np.column_stack([bounds["first"].min(), bounds["last"].max()])
    series_ids = np.array([ids[name] for name in names])
    values = np.full((len(names), np.ptp(spans) + 1), np.nan)
    values[rows, months - spans.min()] = frame["y"]
    # The arrays of one COPY are of one length.
    for first, last in np.unique(spans, axis=0):
        mine = (spans == (first, last)).all(axis=1)
        columns = {
            "run_id": run_id,
            "series_id": series_ids[mine],
            "start": np.full(mine.sum(), first).astype("datetime64[M]"),
            "values": values[mine, first - spans.min() : last - spans.min() + 1],
        }
        copy_arrays(session, PanelSeries, columns)
    return len(names)


def frame(session: Session, run_id: int) -> pd.DataFrame:
    """The observations of a run, with the columns of `observations.panel_frame`."""
    names = (Series.dataset_id, Series.flow, Series.partner, Series.sector)
    query = (
        sa.select(*(col(name) for name in names), col(PanelSeries.start), col(PanelSeries.values))
        .join(Series, col(Series.id) == PanelSeries.series_id)
        .where(col(PanelSeries.run_id) == run_id)
        .order_by(*(col(name) for name in names))
    )
    rows = session.execute(query).all()
    keys = pd.DataFrame([row[1:4] for row in rows], columns=["flow", "partner", "sector"])
    wholes = wholes_among(session, keys["partner"].unique().tolist())
    keys.insert(2, "whole", keys["partner"].map(wholes).fillna(""))
    keys.insert(0, "unique_id", [".".join(row[:4]) for row in rows])
    seen = [np.array(row[5], dtype=np.float64) for row in rows]
    months = [np.datetime64(row[4], "M") + np.arange(len(values)) for row, values in zip(rows, seen, strict=True)]
    joined = [np.append(False, np.isnan(values[:-1])) for values in seen]
    frame = keys.loc[np.repeat(keys.index, [len(values) for values in seen])].reset_index(drop=True)
    y = np.concatenate(seen)
    frame = frame.assign(ds=np.concatenate(months).astype("datetime64[ns]"), y=y, months=1 + np.concatenate(joined))
    return frame[~np.isnan(y)].reset_index(drop=True)


class Recent(NamedTuple):
    """Values of some series and months, shape (series, months), NaN where nothing is known.

    `joined` marks a February published as one figure with its January: each holds half of it.
    """

    values: NDArray[np.float64]
    joined: NDArray[np.bool_]


def recent(session: Session, run_id: int, series_ids: Sequence[int], *, first: date, last: date) -> Recent:
    """Observations of a run from month `first` to `last`, in the dataset's unit; no query where `last` comes first."""
    count = max(_number(last) - _number(first) + 1, 0)
    if count == 0:
        return Recent(np.empty((len(series_ids), 0)), np.zeros((len(series_ids), 0), dtype=bool))
    row = {series_id: place for place, series_id in enumerate(series_ids)}
    # The month before tells whether the first is a February that holds it.
    values = np.full((len(series_ids), count + 1), np.nan)
    joined = np.zeros(values.shape, dtype=bool)
    parameters = {"run": run_id, "series": list(series_ids), "before": _number(first) - 1, "count": count}
    with binary_cursor(session) as cursor:
        for series_id, start, seen in cursor.execute(_SEEN, parameters):
            found = np.array(seen, dtype=np.float64)
            values[row[series_id], start : start + len(found)] = found
            joined[row[series_id], start + 1 : start + len(found)] = np.isnan(found[:-1])
    place, column = np.nonzero(joined)
    values[place, column] /= 2
    values[place, column - 1] = values[place, column]
    return Recent(values[:, 1:], joined[:, 1:])


def first_month(session: Session, run_id: int, series_ids: Sequence[int]) -> date | None:
    """The earliest month that a run has observed of any of these series."""
    mine = (col(PanelSeries.run_id) == run_id, col(PanelSeries.series_id).in_(series_ids))
    found: date | None = session.execute(sa.select(sa.func.min(col(PanelSeries.start))).where(*mine)).scalar_one()
    return found


# Of each array the months asked for, and the place of the first of them.
_SEEN = f"""
    SELECT series_id, greatest(-skipped, 0), values[greatest(skipped, 0) + 1 : skipped + %(count)s + 1]
    FROM (
        SELECT series_id, p.values,
               %(before)s - ({YEAR} * EXTRACT(YEAR FROM start) + EXTRACT(MONTH FROM start))::int AS skipped
        FROM panel_series p WHERE run_id = %(run)s AND series_id = ANY(%(series)s)
    ) AS found
"""


def _number(month: date) -> int:
    return month.year * YEAR + month.month
