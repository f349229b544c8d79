"""Health of the service: whether it can answer, and the missing part where it cannot."""

from functools import lru_cache

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from store.migration import alembic_config
from store.queries import runs


def missing(engine: Engine) -> list[str]:
    """Reasons why the service cannot answer; empty if it can."""
    try:
        with Session(engine) as session:
            current = MigrationContext.configure(session.connection()).get_current_revision()
            if current != newest_revision():
                return [f"the database is at revision {current}, not {newest_revision()}: run the migrations"]
            overview = runs.overview(session)
    except SQLAlchemyError:
        return ["the database does not answer"]
    if not overview:
        return ["no dataset is stored"]
    return [f"no run of {dataset.dataset_id} is published" for dataset in overview if dataset.published_at is None]


@lru_cache(maxsize=1)
def newest_revision() -> str | None:
    """The revision that this code needs."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()
