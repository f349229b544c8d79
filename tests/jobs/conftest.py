"""Databases of a test's own, for work that commits."""

from itertools import count

import pytest

from store.database import make_engine
from tests.conftest import new_database
from tests.jobs.worlds import add_small_dataset

NUMBERS = count()


@pytest.fixture
def own_url(server_url, template):
    return new_database(server_url, f"jobs_{next(NUMBERS)}", template=template)


@pytest.fixture
def own_engine(own_url):
    """An engine on a migrated database that nobody else uses."""
    engine = make_engine(own_url)
    yield engine
    engine.dispose()


@pytest.fixture
def small(own_engine):
    """An engine on a database that holds one small dataset, SMALL."""
    add_small_dataset(own_engine)
    return own_engine
