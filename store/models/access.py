"""API keys and browser sessions."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from store.models.base import Table


class ApiKey(Table, table=True):
    """A key that may write (or read, where reading needs a key). Only its hash is stored."""

    __tablename__ = "api_key"
    __table_args__ = (sa.UniqueConstraint("prefix"), sa.UniqueConstraint("name"))

    id: int | None = Field(default=None, primary_key=True)
    name: str
    prefix: str = Field(max_length=12)
    hash: str = Field(max_length=64)
    scopes: list[str] = Field(sa_type=ARRAY(sa.String(16)))
    created_at: datetime = Field(sa_type=sa.DateTime(timezone=True))
    expires_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))
    last_used_at: datetime | None = Field(default=None, sa_type=sa.DateTime(timezone=True))


class BrowserSession(Table, table=True):
    """A browser session that was opened with an API key. Only the hash of its token is stored."""

    __tablename__ = "browser_session"

    token_hash: str = Field(primary_key=True, max_length=64)
    key_id: int = Field(foreign_key="api_key.id", ondelete="CASCADE")
    expires_at: datetime = Field(sa_type=sa.DateTime(timezone=True))
