"""Authentication: API keys of clients and the session cookie of a browser."""

from base64 import b64decode

from fastapi import Depends, Request
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from api.config import ServerConfig
from api.dependencies import ConfigDep, SessionDep
from store.queries import api_keys, browser_sessions
from store.queries.api_keys import BadKey

SIGNED_IN = "tradewind_sign_in"
"""Name of the session cookie of a browser that has signed in."""


async def may_read(request: Request) -> None:
    """Allow everybody to read, or only keys with the scope `read` where the deployment requires a key."""
    config: ServerConfig = request.app.state.options
    if config.require_key_to_read:
        await run_in_threadpool(_authenticate_reader, request, config)


async def may_write(request: Request, session: SessionDep, config: ConfigDep) -> None:
    """Allow keys with the scope `write`."""
    await run_in_threadpool(_authenticate, request, session, config, "write")


async def may_publish(request: Request, session: SessionDep, config: ConfigDep) -> None:
    """Allow keys with the scope `publish`."""
    await run_in_threadpool(_authenticate, request, session, config, "publish")


async def may_judge(request: Request, session: SessionDep, config: ConfigDep) -> None:
    """Allow keys with the scope `judge`."""
    await run_in_threadpool(_authenticate, request, session, config, "judge")


Reader = Depends(may_read)
Writer = Depends(may_write)
Publisher = Depends(may_publish)
Judge = Depends(may_judge)


def _authenticate_reader(request: Request, config: ServerConfig) -> None:
    """Accept a key, or the cookie of a browser that has signed in with a key."""
    token = request.cookies.get(SIGNED_IN)
    with Session(request.app.state.engine) as session:
        if token and not _key(request):
            browser_sessions.authenticate(session, token, now=config.now())
        else:
            _authenticate(request, session, config, "read")


def authenticate_key(request: Request, config: ServerConfig, key: str, scope: str) -> None:
    """Accept a key given otherwise than by a header. Raises BadKey, MissingScope."""
    with Session(request.app.state.engine) as session:
        api_keys.authenticate(session, key, scope=scope, now=config.now())
        session.commit()


def _key(request: Request) -> str:
    """The key of the request: a bearer token, the password of Basic authentication, or the header X-API-Key."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        return _password(value)
    return request.headers.get("x-api-key", "").strip()


def _password(credentials: str) -> str:
    """The password of Basic credentials (RFC 7617), empty where they cannot be decoded; any user name will do."""
    try:
        return b64decode(credentials.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _authenticate(request: Request, session: Session, config: ServerConfig, scope: str) -> None:
    key = _key(request)
    if not key:
        raise BadKey("send it as `Authorization: Bearer tw_...`, as `X-API-Key`, or as a Basic password")
    api_keys.authenticate(session, key, scope=scope, now=config.now())
    session.commit()
