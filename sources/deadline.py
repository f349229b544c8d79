"""A total deadline for a call that blocks on a remote server."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

Result = TypeVar("Result")


class DeadlineExceeded(Exception):
    """A call did not end within its deadline."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"no complete answer within {seconds:g} s")


def call_within(seconds: float, call: Callable[[], Result]) -> Result:
    """The result of `call`, which runs in a thread of its own. Raises DeadlineExceeded, and what `call` raises.

    Timeouts of a socket restart at every byte: a server that sends one byte at a time never exceeds them. A call that
    exceeds the deadline is abandoned; its daemon thread does not keep the process alive.
    """
    results: SimpleQueue[tuple[Result | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            results.put((call(), None))
        except BaseException as error:
            results.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = results.get(timeout=seconds)
    except Empty:
        raise DeadlineExceeded(seconds) from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # without an error there is a result
