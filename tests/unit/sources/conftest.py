from collections.abc import Iterator

import pytest

from tests.support.http_providers.local import LocalProvider, local_provider


@pytest.fixture
def provider() -> Iterator[LocalProvider]:
    with local_provider() as provider:
        yield provider
