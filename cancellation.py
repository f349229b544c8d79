"""Cancellation of work whose result nobody waits for any more: it ends at its next check.

A thread cannot be ended from outside. Every statement of the database is preceded by a check, and so is every round of
a loop that takes long.
"""

from contextvars import ContextVar
from threading import Event

from errors import TradewindError

_CANCELLED: ContextVar[Event | None] = ContextVar("cancelled", default=None)


class Cancelled(TradewindError):
    """Nobody waits for the result any more."""

    def __init__(self) -> None:
        super().__init__("the client has left")


def cancel_on(event: Event) -> None:
    """Cancel the work of this context, and of threads that are started with a copy of it, once an event is set."""
    _CANCELLED.set(event)


def check_cancelled() -> None:
    """Raise Cancelled where the work of this context is cancelled."""
    event = _CANCELLED.get()
    if event is not None and event.is_set():
        raise Cancelled
