"""The base class of the tables, and the SQL conditions that their CHECK constraints share."""

import sqlalchemy as sa
from sqlmodel import SQLModel

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(SQLModel):
    """A table whose constraints are named by convention."""

    metadata = sa.MetaData(naming_convention=NAMING_CONVENTION)


def is_finite(column: str) -> str:
    """Neither infinite nor NaN."""
    return f"{column} > '-Infinity'::float8 AND {column} < 'Infinity'::float8"


def is_first_of_month(column: str) -> str:
    """The first day of a month."""
    return f"EXTRACT(DAY FROM {column}) = 1"


def is_in(column: str, values: tuple[str, ...]) -> str:
    """One of the listed values."""
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
