"""Compression for who takes it."""

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Message, Receive, Scope, Send

MINIMUM_BYTES = 1000
# Figures shrink sevenfold at level 1, and little more at 9 for ten times the work.
LEVEL = 1


class CompressionMiddleware(GZipMiddleware):
    """Starlette's; an answer to who takes no gzip goes straight through, marked as one that differs for others."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and the answer back."""
        if scope["type"] != "http" or any(
            name == b"accept-encoding" and b"gzip" in value for name, value in scope["headers"]
        ):
            await super().__call__(scope, receive, send)
            return

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._mark(message)
            await send(message)

        await self.app(scope, receive, send_marked)

    def _mark(self, message: Message) -> None:
        """Say `Vary: Accept-Encoding` where the answer would have been compressed."""
        headers = dict(message["headers"])
        size = headers.get(b"content-length")
        media = headers.get(b"content-type", b"").partition(b";")[0].decode("latin-1")
        if size is not None and int(size) < self.minimum_size:
            return
        if media not in self.exclude_content_types and b"content-encoding" not in headers:
            MutableHeaders(raw=message["headers"]).add_vary_header("Accept-Encoding")
