"""API keys: `tw_` and 32 random bytes. A key is shown once, when it is made; only its hash is kept.

StoreError
├── BadKey                     no such key, or one that has expired
├── MissingScope               a good key that may not do this
├── KeyNameTaken               two keys of one name
└── UnknownScope
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col

from store.errors import StoreError
from store.models import ApiKey

SCOPES = ("read", "write", "publish", "judge", "admin")
"""Permissions of a key: `publish` requests and cancels runs, which every reader gets as the latest; `judge` stores
scenarios and adjusts forecasts; `admin` includes all.
"""
PREFIX_LENGTH = 12
KEY = re.compile(r"[\w-]{1,100}", re.ASCII)
"""Format of a key; PostgreSQL refuses NUL in text."""
LAST_USED_GRAIN = timedelta(minutes=10)
"""How far behind `last_used_at` may be: a busy key costs one write in this time."""


class BadKey(StoreError):
    """No key, no such key, or one that has expired."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"this needs an API key: {reason}")


class MissingScope(StoreError):
    """A good key that may not do this."""

    def __init__(self, scope: str, scopes: Sequence[str]) -> None:
        self.scope, self.scopes = scope, tuple(scopes)
        super().__init__(f"the key lacks the scope {scope}; it has {', '.join(scopes)}")


class KeyNameTaken(StoreError, ValueError):
    """There is a key of this name already."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"a key called {name} exists already")


class UnknownScope(StoreError, ValueError):
    """A scope that does not exist, or none at all."""

    def __init__(self, scopes: Sequence[str]) -> None:
        self.scopes = tuple(scopes)
        super().__init__(f"scopes are {', '.join(SCOPES)}; not {', '.join(scopes) or 'none'}")


class KeyRecord(NamedTuple):
    """A key as listed: everything but its secret."""

    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


def create(
    session: Session, *, name: str, scopes: Sequence[str], now: datetime, expires: datetime | None = None
) -> str:
    """A new key in plain text, never to be seen again. Raises KeyNameTaken, UnknownScope."""
    if not scopes or not set(scopes) <= set(SCOPES):
        raise UnknownScope(scopes)
    if session.execute(sa.select(col(ApiKey.id)).where(col(ApiKey.name) == name)).first() is not None:
        raise KeyNameTaken(name)
    key = f"tw_{secrets.token_urlsafe(32)}"
    values = {"name": name, "prefix": key[:PREFIX_LENGTH], "hash": digest(key), "scopes": list(scopes)}
    session.execute(sa.insert(ApiKey).values(**values, created_at=now, expires_at=expires))
    return key


def authenticate(session: Session, key: str, *, scope: str, now: datetime) -> KeyRecord:
    """Who a key belongs to, if it may do what `scope` allows. Raises BadKey, MissingScope.

    Sets `last_used_at` now and then; the caller commits.
    """
    if not KEY.fullmatch(key):
        raise BadKey("no such key")
    columns = [col(getattr(ApiKey, name)) for name in KeyRecord._fields]
    row = session.execute(
        sa.select(col(ApiKey.hash), *columns).where(col(ApiKey.prefix) == key[:PREFIX_LENGTH])
    ).first()
    # Timing the prefix of a secret gives nothing away.
    if not hmac.compare_digest(row.hash if row else "", digest(key)) or row is None:
        raise BadKey("no such key")
    record = KeyRecord(*row[1:])
    if record.expires_at is not None and record.expires_at <= now:
        raise BadKey(f"it expired on {record.expires_at.date()}")
    require_scope(scope, record.scopes)
    if record.last_used_at is None or now - record.last_used_at >= LAST_USED_GRAIN:
        session.execute(sa.update(ApiKey).where(col(ApiKey.prefix) == record.prefix).values(last_used_at=now))
    return record


def require_scope(scope: str, scopes: Sequence[str]) -> None:
    """Raises MissingScope where the scopes of a key allow something else."""
    if scope not in scopes and "admin" not in scopes:
        raise MissingScope(scope, scopes)


def list_keys(session: Session) -> list[KeyRecord]:
    """Every key, by name."""
    columns = [col(getattr(ApiKey, name)) for name in KeyRecord._fields]
    return [KeyRecord(*row) for row in session.execute(sa.select(*columns).order_by(col(ApiKey.name)))]


def revoke(session: Session, name: str) -> bool:
    """Whether there was a key of this name; there no longer is."""
    return (
        session.execute(sa.delete(ApiKey).where(col(ApiKey.name) == name).returning(col(ApiKey.id))).first() is not None
    )


def digest(secret: str) -> str:
    """Stored hash of a secret; a fast hash suffices for 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()
