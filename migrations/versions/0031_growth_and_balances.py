"""External forecasts of growth and of balances, and first prints known from elsewhere than observations."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

TARGET = ("series_id", "model_id", "reference_date", "month", "months")
IS_MEASURE = "measure IN ('level', 'pc1', 'balance')"


def upgrade() -> None:
    for table, more in (("external_forecast", ("output_type", "probability")), ("external_forecast_score", ())):
        op.add_column(table, sa.Column("measure", sa.String(8), nullable=False, server_default="level"))
        op.alter_column(table, "measure", server_default=None)
        op.create_check_constraint(op.f(f"ck_{table}_measure"), table, IS_MEASURE)
        op.drop_constraint(op.f(f"pk_{table}"), table, type_="primary")
        op.create_primary_key(op.f(f"pk_{table}"), table, [*TARGET, "measure", *more])
    score = "external_forecast_score"
    for column in ("first_value", "first_wis", "our_first_wis", "our_latest_wis"):
        op.alter_column(score, column, nullable=True)
    op.add_column(score, sa.Column("backtest", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column(score, "backtest", server_default=None)
    op.create_table(
        "first_print",
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("measure", sa.String(8), nullable=False),
        sa.Column("released", sa.Date(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.CheckConstraint("EXTRACT(DAY FROM month) = 1", name=op.f("ck_first_print_month_starts")),
        sa.CheckConstraint(
            "months = 1 OR EXTRACT(MONTH FROM month) = 2", name=op.f("ck_first_print_combined_is_february")
        ),
        sa.CheckConstraint("months IN (1, 2)", name=op.f("ck_first_print_months")),
        sa.CheckConstraint(IS_MEASURE, name=op.f("ck_first_print_measure")),
        sa.CheckConstraint("released > month", name=op.f("ck_first_print_released_after_month_begins")),
        sa.CheckConstraint(
            "value > '-Infinity'::float8 AND value < 'Infinity'::float8", name=op.f("ck_first_print_is_finite")
        ),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_first_print_series_id")),
        sa.PrimaryKeyConstraint("series_id", "month", "months", "measure", name=op.f("pk_first_print")),
    )


def downgrade() -> None:
    op.drop_table("first_print")
    score = "external_forecast_score"
    for table in ("external_forecast", score):
        op.execute(f"DELETE FROM {table} WHERE measure <> 'level'")
    op.execute(f"DELETE FROM {score} WHERE first_value IS NULL")
    op.drop_column(score, "backtest")
    for column in ("first_value", "first_wis", "our_first_wis", "our_latest_wis"):
        op.alter_column(score, column, nullable=False)
    for table, more in (("external_forecast", ("output_type", "probability")), (score, ())):
        op.drop_constraint(op.f(f"pk_{table}"), table, type_="primary")
        op.drop_constraint(op.f(f"ck_{table}_measure"), table, type_="check")
        op.drop_column(table, "measure")
        op.create_primary_key(op.f(f"pk_{table}"), table, [*TARGET, *more])
