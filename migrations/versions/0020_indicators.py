"""Indicators: series from elsewhere, each value with the day it became public, and the series they may inform."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "indicator",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("publisher", sa.String(), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("citation", sa.String(), nullable=False),
        sa.Column("lag_days", sa.Integer(), nullable=False),
        sa.CheckConstraint("id ~ '^[A-Z][A-Z0-9_]*$'", name=op.f("ck_indicator_id_is_a_code")),
        sa.CheckConstraint("kind IN ('amount', 'index')", name=op.f("ck_indicator_kind")),
        sa.CheckConstraint("lag_days BETWEEN 0 AND 90", name=op.f("ck_indicator_lag_days")),
        sa.ForeignKeyConstraint(["country"], ["partner.code"], name=op.f("fk_indicator_country")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indicator")),
    )
    op.create_table(
        "indicator_observation",
        sa.Column("indicator_id", sa.String(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("known_on", sa.Date(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("backfilled", sa.Boolean(), nullable=False),
        sa.CheckConstraint("EXTRACT(DAY FROM month) = 1", name=op.f("ck_indicator_observation_month_starts")),
        sa.CheckConstraint(
            "value > '-Infinity'::float8 AND value < 'Infinity'::float8",
            name=op.f("ck_indicator_observation_value_is_finite"),
        ),
        sa.CheckConstraint("known_on > month", name=op.f("ck_indicator_observation_known_after_month_begins")),
        sa.ForeignKeyConstraint(
            ["indicator_id"], ["indicator.id"], name=op.f("fk_indicator_observation_indicator_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("indicator_id", "month", "known_on", name=op.f("pk_indicator_observation")),
    )
    op.create_table(
        "indicator_use",
        sa.Column("dataset_id", sa.String(), nullable=False),
        sa.Column("indicator_id", sa.String(), nullable=False),
        sa.Column("flow", sa.String(1), nullable=False),
        sa.Column("partner", sa.String(12), nullable=False),
        sa.Column("sector", sa.String(24), nullable=False),
        sa.CheckConstraint("flow IN ('X', 'M', '*')", name=op.f("ck_indicator_use_flow")),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["dataset.id"], name=op.f("fk_indicator_use_dataset_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["indicator_id"], ["indicator.id"], name=op.f("fk_indicator_use_indicator_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "dataset_id", "indicator_id", "flow", "partner", "sector", name=op.f("pk_indicator_use")
        ),
    )


def downgrade() -> None:
    for table in ("indicator_use", "indicator_observation", "indicator"):
        op.drop_table(table)
