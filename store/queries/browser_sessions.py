"""People at a browser: signed in with an API key, known by a token of their own until it expires.

The token, 32 random bytes, is in the browser's cookie; only its hash is kept here. Whatever ends the key ends it too.
"""

import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from store.models import ApiKey, BrowserSession
from store.queries import api_keys
from store.queries.api_keys import BadKey

LASTS = timedelta(days=7)
SCOPE = "read"
"""Permissions of a cookie: reading only, so that no other site can make a browser write."""


def create(session: Session, key: str, *, now: datetime) -> str:
    """A new token for the holder of a key that may read; the caller commits. Raises BadKey, MissingScope."""
    api_keys.authenticate(session, key, scope=SCOPE, now=now)
    number = session.execute(sa.select(col(ApiKey.id)).where(col(ApiKey.hash) == api_keys.digest(key))).scalar_one()
    session.execute(sa.delete(BrowserSession).where(col(BrowserSession.expires_at) <= now))
    token = secrets.token_urlsafe(32)
    values = {"token_hash": api_keys.digest(token), "key_id": number, "expires_at": now + LASTS}
    session.execute(sa.insert(BrowserSession).values(**values))
    return token


def authenticate(session: Session, token: str, *, now: datetime) -> None:
    """Raises BadKey where nobody is signed in by this token any more, MissingScope where the key may not read."""
    found = session.execute(
        sa.select(col(BrowserSession.expires_at), col(ApiKey.expires_at), col(ApiKey.scopes))
        .join(ApiKey, col(ApiKey.id) == col(BrowserSession.key_id))
        .where(col(BrowserSession.token_hash) == api_keys.digest(token))
    ).first()
    if found is None or found[0] <= now or (found[1] is not None and found[1] <= now):
        raise BadKey("sign in again")
    api_keys.require_scope(SCOPE, found[2])


def delete(session: Session, token: str) -> None:
    """Nobody is signed in by this token any more; the caller commits."""
    session.execute(sa.delete(BrowserSession).where(col(BrowserSession.token_hash) == api_keys.digest(token)))
