"""A database that holds one small dataset."""

import pytest

from tests.support.scheduler_world import add_small_dataset


@pytest.fixture
def small(own_engine):
    """An engine on a database that holds one small dataset, SMALL."""
    add_small_dataset(own_engine)
    return own_engine
