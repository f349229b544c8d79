"""A served instance over the small world of the API tests."""

from collections.abc import Iterator

import pytest

from api.app import create_app
from tests.integration.api.conftest import World, options
from tests.integration.api.conftest import original as original  # noqa: PLC0414 - a fixture
from tests.integration.api.conftest import scratch as scratch  # noqa: PLC0414 - a fixture
from tests.integration.api.conftest import world as world  # noqa: PLC0414 - a fixture
from tests.support.web_service import served


@pytest.fixture(scope="session")
def address(world: World) -> Iterator[str]:
    """The address of the service."""
    with served(create_app(engine=world.engine, options=options())) as url:
        yield url
