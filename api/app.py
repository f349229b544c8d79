"""The application factory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from threading import Thread

import structlog
from anyio import to_thread
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.staticfiles import StaticFiles
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import configure_mappers
from sqlmodel import Session

from api import documentation, exception_handlers, http_cache, openapi
from api.config import ServerConfig
from api.fred import endpoints as fred
from api.middleware.answer_cache import AnswerCache
from api.middleware.compression import LEVEL, MINIMUM_BYTES, CompressionMiddleware
from api.middleware.disconnects import CancelWhenLeft
from api.middleware.feed_addresses import FeedAddresses
from api.middleware.metrics import MetricsMiddleware, RequestMetrics, StoreCollector
from api.middleware.ranges import RangeRequests
from api.pages import overview, rendering
from api.pages import routers as pages
from api.rest import endpoints
from api.sdmx import endpoints as sdmx
from services.series.catalog_cache import CatalogCache
from store.database import with_transactions

log = structlog.get_logger(__name__)
ROUTERS = (*endpoints.ROUTERS, fred.router, sdmx.router, *pages.ROUTERS)
STATIC = Path(__file__).parent / "pages" / "static"
DESCRIPTION = """Forecasts of a country's monthly goods trade by partner and sector, with prediction intervals and a
record of their accuracy. Reading is open unless the deployment requires a key; writing needs an API key.
Every error is `application/problem+json`; every list is paged; every list comes as JSON, CSV, Parquet or
Excel (`?format=`)."""


def create_app(*, engine: Engine, options: ServerConfig) -> FastAPI:
    """The web application over a database. It connects when it starts to serve, or on the first request."""
    registry = CollectorRegistry()
    registry.register(StoreCollector(engine, options))
    app = FastAPI(
        title="Tradewind",
        version=options.version,
        description=DESCRIPTION,
        lifespan=_lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # Routes as their modules built them: an included router builds each of them again, on the first request.
        routes=[route for router in ROUTERS for route in router.routes],
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.engine, app.state.options = with_transactions(engine), options
    app.state.reading = engine
    app.state.catalogs, app.state.registry = CatalogCache(), registry
    app.state.navigation = pages.NAVIGATION
    exception_handlers.install(app)
    http_cache.install(app, options)
    app.add_middleware(CompressionMiddleware, minimum_size=MINIMUM_BYTES, compresslevel=LEVEL)
    # A cached answer is served without authentication.
    if options.answer_cache_bytes and not options.require_key_to_read:
        app.add_middleware(AnswerCache, max_bytes=options.answer_cache_bytes)
    app.add_middleware(RangeRequests)
    app.add_middleware(FeedAddresses)
    if options.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=options.cors_origins,
            allow_methods=["GET", "HEAD"],
            allow_headers=["Authorization", "X-API-Key"],
            expose_headers=["ETag", "Link", "X-Total-Count", "Content-Range"],
        )
    app.add_middleware(CancelWhenLeft)
    app.add_middleware(MetricsMiddleware, metrics=RequestMetrics(registry))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    openapi.install(app, open_to_read=not options.require_key_to_read)
    documentation.install(app, options.docs_site)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Sets as many threads as connections: a request that has a thread never waits for the pool."""
    to_thread.current_default_thread_limiter().total_tokens = app.state.options.threads
    # Beside the first requests, which need not wait for it.
    Thread(target=_prepare, args=[app], daemon=True).start()
    yield
    app.state.engine.dispose()


def _prepare(app: FastAPI) -> None:
    """Work that would take most of the time of the first page."""
    configure_mappers()
    rendering.compile_templates()
    try:
        # Without a database, or without its tables, the first request answers with the reason.
        with suppress(SQLAlchemyError), Session(app.state.reading) as session:
            overview.prepare(session, app.state.catalogs, app.state.options.now().date())
    except Exception:
        log.exception("overview.not_prepared")
