"""Which stored observation counts: the latest vintage of each series and month, none later than a day."""

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlmodel import col

from store.models import Observation

STORED = ("series_id", "month", "vintage", "value", "months", "status", "backfilled")


def latest(*conditions: sa.ColumnElement[bool], as_of: date | None = None) -> sa.Select[Any]:
    """The latest vintage of each series and month, none later than `as_of`.

    All three orders point one way, so that the primary key's index gives them.
    """
    key = columns("series_id", "month", "vintage")
    query = sa.select(*columns(*STORED)).where(*conditions)
    if as_of is not None:
        query = query.where(key[2] <= as_of)
    return query.ext(distinct_on(*key[:2])).order_by(*(column.desc() for column in key))


def columns(*names: str) -> list[Any]:
    """Columns of the observations by name."""
    return [col(getattr(Observation, name)) for name in names]


def given_rows(name: str, **given: tuple[type[sa.types.TypeEngine[Any]], list[Any]]) -> sa.TableValuedAlias:
    """A table of rows given as columns, for a FROM clause; each column is one parameter, whatever its length."""
    arrays = [sa.literal(column, ARRAY(kind)) for kind, column in given.values()]
    named = [sa.column(column, kind) for column, (kind, _) in given.items()]
    return sa.func.unnest(*arrays).table_valued(*named, name=name).render_derived()
