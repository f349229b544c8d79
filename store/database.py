"""The engine, and bringing the tables up to date."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url

MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"
CONNECT_SECONDS = 5


def normal_url(url: str | URL) -> URL:
    """The URL with the driver we use; `postgres://` and `postgresql://` are what operators have at hand."""
    parsed = make_url(url.replace("postgres://", "postgresql://", 1) if isinstance(url, str) else url)
    return parsed.set(drivername="postgresql+psycopg")


def make_engine(url: str | URL, *, pool_size: int = 5) -> Engine:
    """An engine whose connections speak UTC, are checked before use, and number `pool_size` at most.

    Nothing connects yet. A server that is away raises `sqlalchemy.exc.OperationalError` within seconds.
    """
    return sa.create_engine(
        normal_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=CONNECT_SECONDS,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "tradewind",
            "options": "-c timezone=UTC",
        },
    )


def alembic_config() -> Config:
    """Alembic's configuration, independent of the current directory."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def migrate(engine: Engine, *, revision: str = "head") -> None:
    """Bring the tables to `revision` in one transaction; two processes may call it at once."""
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
