"""A served instance over the small world of the API tests, and a DuckDB that reads over HTTP."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from api.app import create_app
from tests.integration.api.conftest import World, options
from tests.integration.api.conftest import original as original  # noqa: PLC0414 - a fixture
from tests.integration.api.conftest import scratch as scratch  # noqa: PLC0414 - a fixture
from tests.integration.api.conftest import world as world  # noqa: PLC0414 - a fixture
from tests.support.web_service import served

DUCKDB = ("duckdb==1.5.5", "duckdb-extensions==1.5.5", "duckdb-extension-httpfs==1.5.5")
"""The newest release with a Python package of httpfs; DuckDB itself fetches extensions from its own server."""


@pytest.fixture(scope="session")
def duckdb_with_httpfs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a Python process whose DuckDB has the extension httpfs."""
    folder = tmp_path_factory.mktemp("duckdb")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), *DUCKDB]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{DUCKDB[-1]} cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
    environment = {**os.environ, "HOME": str(folder), "PYTHONPATH": str(folder)}
    add = [sys.executable, "-c", "import duckdb_extensions; duckdb_extensions.import_extension('httpfs')"]
    subprocess.run(add, env=environment, check=True)
    return environment


@pytest.fixture(scope="session")
def address(world: World) -> Iterator[str]:
    """The address of the service."""
    with served(create_app(engine=world.engine, options=options())) as url:
        yield url
