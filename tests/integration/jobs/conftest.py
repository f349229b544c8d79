"""Databases that hold one small dataset: made once, and copied for each test."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from store.database import make_engine
from tests.conftest import database_copy, new_database
from tests.support.scheduler_world import add_small_dataset


@pytest.fixture(scope="session")
def small_template(server_url: str, template: str) -> str:
    """The name of a database that holds one small dataset, SMALL, to be copied."""
    engine = make_engine(new_database(server_url, "small", template=template))
    add_small_dataset(engine)
    engine.dispose()
    return str(engine.url.database)


@pytest.fixture
def small(server_url: str, small_template: str) -> Iterator[Engine]:
    """An engine on a database of a test's own that holds SMALL."""
    with database_copy(server_url, "small_copy", small_template) as url:
        engine = make_engine(url)
        yield engine
        engine.dispose()
