"""Tables from outside: reading them, and refusing what is wrong with them, row by row.

A leaf that every room may import: it knows tables and their faults, and nothing of ours.
"""

from tables.checks import OBSERVATION_COLUMNS, SERIES_COLUMNS, check_observations, check_panel, check_releases
from tables.columns import numbers
from tables.faults import (
    BadRows,
    Column,
    Fault,
    Faults,
    MisspeltColumns,
    TableError,
    UnreadableTable,
    require_columns,
    summary,
)
from tables.reading import SUFFIXES, read_table

__all__ = [
    "OBSERVATION_COLUMNS",
    "SERIES_COLUMNS",
    "SUFFIXES",
    "BadRows",
    "Column",
    "Fault",
    "Faults",
    "MisspeltColumns",
    "TableError",
    "UnreadableTable",
    "check_observations",
    "check_panel",
    "check_releases",
    "numbers",
    "read_table",
    "require_columns",
    "summary",
]
