"""Connections whose requests begin and do not go on.

docs/decisions/0088-headers-have-a-time-limit.md has the reasons for a subclass.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 20.0
"""Time in which the headers of a request have to arrive; uvicorn waits for ever."""
LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class HeaderTimeout(H11Protocol):
    """HTTP/1.1 as uvicorn serves it, with a limit on the time that the headers of a request take.

    A connection on which no byte has arrived is closed without an answer.
    """

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The time of the first request begins."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEADER_SECONDS, self._cut_off)

    def data_received(self, data: bytes) -> None:
        """The time of a later request begins with its first byte, and ends with its headers."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_timer()
        elif self._timer is None:
            self._timer = self.loop.call_later(HEADER_SECONDS, self._cut_off)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._stop_timer()
        super().connection_lost(exc)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut_off(self) -> None:
        if self.conn.trailing_data[0]:
            self.transport.write(LATE)
        self.transport.close()
