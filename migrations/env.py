"""Alembic's entry point: the connection, and the metadata to compare with the tables."""

from alembic import context
from sqlalchemy import Connection, text

from settings import Settings
from store import embedded_postgres
from store.database import make_engine
from store.models import Table

COMPARED = ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"]
MIGRATION_LOCK = 7_236_001


def run(connection: Connection) -> None:
    """Migrate over this connection, one process at a time, in its transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        autogenerate_plugins=COMPARED,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_from(url: str) -> None:
    """Migrate over a connection made for it."""
    with make_engine(url, pool_size=1).begin() as connection:
        run(connection)


given = context.config.attributes.get("connection")
settings = Settings()
if given is not None:
    run(given)
elif settings.database_url is not None:
    run_from(settings.database_url.get_secret_value())
else:
    with embedded_postgres.start(settings.data_dir) as url:
        run_from(url)
