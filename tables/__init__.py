"""Reading and validation of tables from files and requests, with faults by row and column.

Every package may import it; it depends on no other package of Tradewind.
"""

from tables.checks import (
    NEGATIVE,
    OBSERVATION_COLUMNS,
    PANEL_COLUMNS,
    SERIES_COLUMNS,
    check_indicator,
    check_observations,
    check_panel,
    check_regressor,
    check_releases,
)
from tables.columns import distinct, months, numbers
from tables.dialect import STANDARD, Dialect, make_dialect
from tables.events import check_events
from tables.faults import (
    BadDialect,
    BadLayout,
    BadRows,
    Column,
    Fault,
    Faults,
    MisspeltColumns,
    TableError,
    UnreadableTable,
    plain,
    require_columns,
    summary,
)
from tables.gaps import after_last_gap
from tables.jumps import LOOK_BACK, refuse_jumps
from tables.layout import AS_IT_IS, Layout, arrange, panel_frame, parse_pairs
from tables.reading import SUFFIXES, read_table
from tables.wide import SERIES_NAME, drop_missing, unpivot

__all__ = [
    "AS_IT_IS",
    "LOOK_BACK",
    "NEGATIVE",
    "OBSERVATION_COLUMNS",
    "PANEL_COLUMNS",
    "SERIES_COLUMNS",
    "SERIES_NAME",
    "STANDARD",
    "SUFFIXES",
    "BadDialect",
    "BadLayout",
    "BadRows",
    "Column",
    "Dialect",
    "Fault",
    "Faults",
    "Layout",
    "MisspeltColumns",
    "TableError",
    "UnreadableTable",
    "after_last_gap",
    "arrange",
    "check_events",
    "check_indicator",
    "check_observations",
    "check_panel",
    "check_regressor",
    "check_releases",
    "distinct",
    "drop_missing",
    "make_dialect",
    "months",
    "numbers",
    "panel_frame",
    "parse_pairs",
    "plain",
    "read_table",
    "refuse_jumps",
    "require_columns",
    "summary",
    "unpivot",
]
