"""The scope `publish` of API keys."""

from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keys that could request runs with the scope `write` still can."""
    op.execute("""
        UPDATE api_key SET scopes = array_append(scopes, 'publish')
        WHERE 'write' = ANY (scopes) AND NOT 'publish' = ANY (scopes)
    """)


def downgrade() -> None:
    op.execute("UPDATE api_key SET scopes = array_remove(scopes, 'publish')")
