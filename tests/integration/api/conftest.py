"""The application over a small committed world, read by most tests of this room, copied for those that write."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import Session

from api.app import create_app
from api.config import ServerConfig
from forecasting.config import ForecastConfig
from services.runs.run_requests import request_run
from store.database import make_engine
from store.queries import api_keys
from tests.conftest import drop_database, new_database
from tests.support.factories import NOW, Published, build_catalog, publish_run

TODAY = datetime(2026, 1, 21, 12, tzinfo=UTC)


FORECAST = ForecastConfig(seed=3)


def options(**changes: Any) -> ServerConfig:
    given: dict[str, Any] = {
        "version": "0.1.0",
        "forecast": lambda _dataset: FORECAST,
        "now": lambda: TODAY,
        "threads": 4,
        "latest_run_seconds": 0.0,
    }
    return ServerConfig(**given | changes)


@dataclass(frozen=True)
class World:
    """A database, the runs published in it, one that waits, and a key for each scope."""

    engine: Engine
    trade: Published
    clean: Published
    earlier: Published
    queued: int
    keys: dict[str, str]

    def headers(self, scope: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[scope]}"}


def build_world(engine: Engine) -> World:
    """Two datasets, a run of each, an earlier run, one that waits, and three keys."""
    with Session(engine) as session:
        build_catalog(session)
        trade = publish_run(session, "CN_TRADE")
        clean = publish_run(session, "CN_CLEANTECH", seed=11)
        earlier = publish_run(session, "CN_TRADE", as_of=date(2025, 12, 20), horizon=3, seed=5, data_hash="e" * 64)
        queued = request_run(session, dataset="CN_CLEANTECH", as_of=date(2026, 1, 20), config=FORECAST, now=NOW)
        made = {scope: api_keys.create(session, name=scope, scopes=[scope], now=NOW) for scope in api_keys.SCOPES}
        session.commit()
    return World(engine, trade, clean, earlier, queued, made)


@pytest.fixture(scope="session")
def original(server_url: str, template: str) -> World:
    """A world that nobody is connected to, so that it can be copied; one for each room that imports this."""
    engine = make_engine(new_database(server_url, "original", template=template))
    world = build_world(engine)
    engine.dispose()
    return world


def copy_of(original: World, server_url: str) -> World:
    template = str(original.engine.url.database)
    url = new_database(server_url, "world", template=template)
    return replace(original, engine=make_engine(url, pool_size=4, autocommit=True))


@pytest.fixture(scope="session")
def world(original: World, server_url: str) -> Iterator[World]:
    """A world that is only read."""
    world = copy_of(original, server_url)
    yield world
    world.engine.dispose()


@pytest.fixture
def scratch(original: World, server_url: str) -> Iterator[World]:
    """A world of its own for a test that writes."""
    world = copy_of(original, server_url)
    yield world
    world.engine.dispose()
    drop_database(world.engine.url.render_as_string(hide_password=False))


@pytest.fixture(scope="session")
def client(world: World) -> Iterator[TestClient]:
    """The application over the world; an error inside is an answer here, as it is to a caller."""
    with client_of(world) as client:
        yield client


def client_of(world: World, **changes: Any) -> TestClient:
    app = create_app(engine=world.engine, options=options(**changes))
    return TestClient(app, raise_server_exceptions=False)


def scalar(world: World, query: str) -> Any:
    with world.engine.connect() as connection:
        return connection.execute(sa.text(query)).scalar_one()
