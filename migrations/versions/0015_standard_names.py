"""Standard names of tables and columns: external forecasts, browser sessions, decompositions, deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = {
    "outside_forecast": "external_forecast",
    "outside_score": "external_forecast_score",
    "sign_in": "browser_session",
    "component": "decomposition",
}
COLUMNS = {
    ("alert", "told"): "delivered_events",
    ("alert", "attempts"): "delivery_attempts",
    ("backtest_period", "every"): "spacing",
    ("tracking", "promised_mae"): "backtest_mae",
    ("tracking", "promised_coverage"): "backtest_coverage",
}


def upgrade() -> None:
    """Renames only: every row is kept."""
    for before, after in TABLES.items():
        _rename_table(before, after)
    for (table, before), after in COLUMNS.items():
        _rename_column(table, before, after)


def downgrade() -> None:
    """The names of release 0.1."""
    for (table, before), after in COLUMNS.items():
        _rename_column(table, after, before)
    for before, after in TABLES.items():
        _rename_table(after, before)


def _rename_table(before: str, after: str) -> None:
    """Rename a table and its constraints, whose names contain the table's."""
    op.rename_table(before, after)
    for name in _constraints(after):
        if before in name:
            op.execute(f'ALTER TABLE "{after}" RENAME CONSTRAINT "{name}" TO "{name.replace(before, after, 1)}"')


def _rename_column(table: str, before: str, after: str) -> None:
    """Rename a column and its NOT NULL constraint, which PostgreSQL 18 names after it."""
    op.alter_column(table, before, new_column_name=after)
    name = f"{table}_{before}_not_null"
    if name in _constraints(table):
        op.execute(f'ALTER TABLE "{table}" RENAME CONSTRAINT "{name}" TO "{table}_{after}_not_null"')


def _constraints(table: str) -> list[str]:
    found = sa.text("SELECT conname FROM pg_constraint WHERE conrelid = CAST(:table AS regclass) ORDER BY conname")
    return list(op.get_bind().execute(found, {"table": table}).scalars())
