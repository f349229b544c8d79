"""What endpoints are given: a session, the options, a key's rights, a body within bounds.

What does not wait is `async`: FastAPI sends every other dependency to a thread, at a tenth of a millisecond each. What
every request is given does not depend on dependencies of its own: each costs as much again.
"""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from api.config import ServerConfig
from api.exception_handlers import BodyTooLarge, UnsupportedBody
from services.catalog_cache import CatalogCache
from store.queries import api_keys, browser_sessions
from store.queries.api_keys import BadKey

SIGNED_IN = "tradewind_sign_in"
"""The cookie of a browser where somebody signed in."""
DRAINED = 8
"""How many times the limit is read and dropped, so that a sender who is not listening yet gets the answer."""


async def get_engine(request: Request) -> Engine:
    """The engine the application was made with."""
    engine: Engine = request.app.state.engine
    return engine


async def get_options(request: Request) -> ServerConfig:
    """The options the application was made with."""
    options: ServerConfig = request.app.state.options
    return options


async def get_catalog_cache(request: Request) -> CatalogCache:
    """What published runs cover, as far as it has been asked for."""
    catalogs: CatalogCache = request.app.state.catalogs
    return catalogs


EngineDep = Annotated[Engine, Depends(get_engine)]
ConfigDep = Annotated[ServerConfig, Depends(get_options)]
CatalogCacheDep = Annotated[CatalogCache, Depends(get_catalog_cache)]


async def get_session(request: Request) -> AsyncIterator[Session]:
    """A session for one request, which connects when it is first used; what is not committed is undone."""
    state = request.app.state
    if request.method in {"GET", "HEAD"}:
        session = Session(state.reading)
        try:
            yield session
        finally:
            # There is nothing to undo, and what every request asks leaves nothing to close, which would take a tenth of
            # the request.
            if session.in_transaction():
                session.close()
        return
    session = Session(state.engine)
    try:
        yield session
    finally:
        await run_in_threadpool(session.close)


SessionDep = Annotated[Session, Depends(get_session)]


async def may_read(request: Request) -> None:
    """Let everybody read, or holders of a key with the scope `read` where the deployment says so."""
    options: ServerConfig = request.app.state.options
    if options.require_key_to_read:
        await run_in_threadpool(_authenticate_alone, request, options)


async def may_write(request: Request, session: SessionDep, options: ConfigDep) -> None:
    """Let holders of a key with the scope `write` through."""
    await run_in_threadpool(_authenticate, request, session, options, "write")


def _authenticate_alone(request: Request, options: ServerConfig) -> None:
    """A key, or the cookie of a browser where somebody signed in with one."""
    token = request.cookies.get(SIGNED_IN)
    with Session(request.app.state.engine) as session:
        if token and not _key(request):
            browser_sessions.authenticate(session, token, now=options.now())
        else:
            _authenticate(request, session, options, "read")


def _key(request: Request) -> str:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "").strip()


def _authenticate(request: Request, session: Session, options: ServerConfig, scope: str) -> None:
    key = _key(request)
    if not key:
        raise BadKey("send it as `Authorization: Bearer tw_...` or as `X-API-Key`")
    api_keys.authenticate(session, key, scope=scope, now=options.now())
    session.commit()


async def bounded_body(request: Request, options: ConfigDep) -> bytes:
    """The body, once it is known to be within the limit. Raises BodyTooLarge, UnsupportedBody."""
    encoding = request.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise UnsupportedBody(f"{encoding} encoding", ["a body without encoding"])
    limit = options.max_upload_bytes
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > DRAINED * limit:
            break
        if size <= limit:
            parts.append(part)
    if size > limit:
        raise BodyTooLarge(limit)
    return b"".join(parts)


BodyDep = Annotated[bytes, Depends(bounded_body)]
