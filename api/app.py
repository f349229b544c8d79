"""The application, made from its collaborators."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from anyio import to_thread
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from api import documentation, exception_handlers, http_cache
from api.config import ServerConfig
from api.middleware.compression import LEVEL, MINIMUM_BYTES, CompressionMiddleware
from api.middleware.metrics import MetricsMiddleware, RequestMetrics, StoreCollector
from api.pages.routers import NAVIGATION, ROUTERS
from api.rest.direct import add_routes
from api.rest.endpoints import (
    backtests,
    catalog,
    contributions,
    data_sources,
    decomposition,
    external_forecasts,
    forecast_history,
    forecasts,
    health,
    indicators,
    observations,
    probability,
    releases,
    reports,
    revisions,
    run_changes,
    runs,
    tracking,
)
from services.catalog_cache import CatalogCache
from store.database import with_transactions

STATIC = Path(__file__).parent / "pages" / "static"
DESCRIPTION = """Forecasts of a country's monthly goods trade by partner and sector, with prediction intervals and a
record of how right they were. Reading is open unless the deployment says otherwise; writing needs an API key.
Every error is `application/problem+json`; every list is paged; every answer comes as JSON or CSV (`?format=csv`)."""


def create_app(*, engine: Engine, options: ServerConfig) -> FastAPI:
    """The web application over a database. It opens no connection until it is asked something."""
    registry = CollectorRegistry()
    registry.register(StoreCollector(engine, options))
    app = FastAPI(
        title="Tradewind",
        version=options.version,
        description=DESCRIPTION,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.engine, app.state.options = with_transactions(engine), options
    app.state.reading = engine
    app.state.catalogs, app.state.registry = CatalogCache(), registry
    app.state.navigation = NAVIGATION
    exception_handlers.install(app)
    http_cache.install(app)
    app.add_middleware(CompressionMiddleware, minimum_size=MINIMUM_BYTES, compresslevel=LEVEL)
    app.add_middleware(MetricsMiddleware, metrics=RequestMetrics(registry))
    # A request is held against one route after the other: what is asked most comes first.
    routes = (
        forecasts,
        health,
        catalog,
        observations,
        releases,
        revisions,
        probability,
        contributions,
        decomposition,
        forecast_history,
        backtests,
        tracking,
        external_forecasts,
        runs,
        data_sources,
        indicators,
        run_changes,
        reports,
    )
    for router in (*(module.router for module in routes), *ROUTERS):
        add_routes(app, router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    documentation.install(app, options.docs_site)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """As many threads as connections: a request that has a thread never waits for the pool."""
    to_thread.current_default_thread_limiter().total_tokens = app.state.options.threads
    yield
    app.state.engine.dispose()
