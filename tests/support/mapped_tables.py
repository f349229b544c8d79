"""Maps the tables when it is imported, so that processes forked afterwards need not."""

from sqlalchemy.orm import configure_mappers

from store import models

__all__ = ["models"]

configure_mappers()
