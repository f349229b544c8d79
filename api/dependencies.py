"""FastAPI dependencies: database session, server configuration, catalogue cache, bounded request body.

Dependencies that do not block are `async`: FastAPI runs any other in a thread, at about 0.1 ms each.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy import Engine
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from api.config import ServerConfig
from api.exception_handlers import BodyTooLarge, IncompleteBody, SlowBody, UnsupportedBody
from services.series.catalog_cache import CatalogCache

DISCARDED = 8
"""Read up to this many times the limit and discard it, so that the client receives the 413."""


async def get_engine(request: Request) -> Engine:
    """The application's engine."""
    engine: Engine = request.app.state.engine
    return engine


async def get_config(request: Request) -> ServerConfig:
    """The server's configuration."""
    config: ServerConfig = request.app.state.options
    return config


async def get_catalog_cache(request: Request) -> CatalogCache:
    """The cache of run and dataset catalogues."""
    catalogs: CatalogCache = request.app.state.catalogs
    return catalogs


EngineDep = Annotated[Engine, Depends(get_engine)]
ConfigDep = Annotated[ServerConfig, Depends(get_config)]
CatalogCacheDep = Annotated[CatalogCache, Depends(get_catalog_cache)]


async def get_session(request: Request) -> AsyncIterator[Session]:
    """A session for one request. It connects on first use; uncommitted changes are rolled back."""
    state = request.app.state
    if request.method in {"GET", "HEAD"}:
        session = Session(state.reading)
        try:
            yield session
        finally:
            # Most reads leave no transaction open, and closing a session takes a tenth of the request.
            if session.in_transaction():
                session.close()
        return
    session = Session(state.engine)
    try:
        yield session
    finally:
        await run_in_threadpool(session.close)


SessionDep = Annotated[Session, Depends(get_session)]


async def refuse_parameters(request: Request) -> None:
    """Refuse every query parameter of an endpoint that takes none. Raises RequestValidationError."""
    refused = {"type": "extra_forbidden", "msg": "Extra inputs are not permitted"}
    given = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    if given:
        raise RequestValidationError([{**refused, "loc": ("query", name), "input": value} for name, value in given])


NoParameters = Depends(refuse_parameters)


BODY_SECONDS = 120.0
"""Time in which a body has to arrive."""


async def bounded_body(request: Request, config: ConfigDep) -> bytes:
    """The body of an upload. Raises BodyTooLarge, IncompleteBody, SlowBody, UnsupportedBody."""
    return await limited_body(request, config.max_upload_bytes)


async def limited_body(request: Request, limit: int) -> bytes:
    """The body of at most `limit` bytes. Raises BodyTooLarge, IncompleteBody, SlowBody, UnsupportedBody."""
    encoding = request.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise UnsupportedBody(f"{encoding} encoding", ["a body without encoding"])
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > DISCARDED * limit:
                    break
                if size <= limit:
                    parts.append(part)
    except TimeoutError:
        raise SlowBody(BODY_SECONDS) from None
    except ClientDisconnect:
        raise IncompleteBody from None
    if size > limit:
        raise BodyTooLarge(limit)
    return b"".join(parts)


BodyDep = Annotated[bytes, Depends(bounded_body)]
