"""The last observed months of some series as an array: what forecasts follow on."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import Session

YEAR = 12


class Recent(NamedTuple):
    """Values of some series and months, shape (series, months), NaN where nothing is known.

    `joined` marks a February published as one figure with its January: each holds half of it.
    """

    values: NDArray[np.float64]
    joined: NDArray[np.bool_]


def recent(session: Session, series_ids: Sequence[int], *, first: date, last: date, as_of: date) -> Recent:
    """What was known on `as_of` of the months from `first` to `last`, both starting a month, in the dataset's unit."""
    shape = (len(series_ids), max(_number(last) - _number(first) + 1, 0))
    found = Recent(np.full(shape, np.nan), np.zeros(shape, dtype=bool))
    if shape[1] == 0:
        return found
    row = {series_id: place for place, series_id in enumerate(series_ids)}
    parameters = {"series": list(series_ids), "first": first, "last": last, "as_of": as_of}
    for series_id, month, value, months in session.execute(_RECENT, parameters):
        place, column = row[series_id], _number(month) - _number(first)
        found.values[place, column] = value / months
        found.joined[place, column] = months > 1
        # A figure of both months stands at February.
        if months > 1 and column > 0:
            found.values[place, column - 1] = value / months
    return found


# All three orders point one way, so that the primary key's index gives them.
_RECENT = sa.text("""
    SELECT DISTINCT ON (series_id, month) series_id, month, value, months
    FROM observation
    WHERE series_id = ANY(:series) AND month BETWEEN :first AND :last AND vintage <= :as_of
    ORDER BY series_id DESC, month DESC, vintage DESC
""")


def _number(month: date) -> int:
    return month.year * YEAR + month.month
