"""Own regressors of datasets, their values by the day each became known, and their worth and effects in runs."""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "regressor",
        sa.Column("dataset_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("flow", sa.String(1), nullable=False),
        sa.Column("partner", sa.String(12), nullable=False),
        sa.Column("sector", sa.String(24), nullable=False),
        sa.CheckConstraint("id ~ '^[A-Z][A-Z0-9_]*$'", name=op.f("ck_regressor_id_is_a_code")),
        sa.CheckConstraint("flow IN ('X', 'M', '*')", name=op.f("ck_regressor_flow")),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["dataset.id"], name=op.f("fk_regressor_dataset_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("dataset_id", "id", name=op.f("pk_regressor")),
    )
    op.create_table(
        "regressor_value",
        sa.Column("dataset_id", sa.String(), nullable=False),
        sa.Column("regressor_id", sa.String(40), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("known_on", sa.Date(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.CheckConstraint("EXTRACT(DAY FROM month) = 1", name=op.f("ck_regressor_value_month_starts")),
        sa.CheckConstraint(
            "value > '-Infinity'::float8 AND value < 'Infinity'::float8",
            name=op.f("ck_regressor_value_value_is_finite"),
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id", "regressor_id"],
            ["regressor.dataset_id", "regressor.id"],
            name=op.f("fk_regressor_value_dataset_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dataset_id", "regressor_id", "month", "known_on", name=op.f("pk_regressor_value")),
    )
    op.create_table(
        "regressor_evidence",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("mae_without", sa.Float(), nullable=True),
        sa.Column("mae_with", sa.Float(), nullable=True),
        sa.Column("p_value", sa.Float(), nullable=True),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.CheckConstraint("n >= 0", name=op.f("ck_regressor_evidence_n")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_regressor_evidence_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_regressor_evidence_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", name=op.f("pk_regressor_evidence")),
    )
    op.create_table(
        "regressor_effect",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("regressor_id", sa.String(40), nullable=False),
        sa.Column("coefficient", sa.Float(), nullable=False),
        sa.CheckConstraint(
            "coefficient > '-Infinity'::float8 AND coefficient < 'Infinity'::float8",
            name=op.f("ck_regressor_effect_coefficient_is_finite"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_regressor_effect_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_regressor_effect_series_id")),
        sa.PrimaryKeyConstraint("run_id", "series_id", "regressor_id", name=op.f("pk_regressor_effect")),
    )


def downgrade() -> None:
    for table in ("regressor_effect", "regressor_evidence", "regressor_value", "regressor"):
        op.drop_table(table)
