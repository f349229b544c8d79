"""HTTP requests to the application in this process, without a socket."""

import asyncio
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from fastapi import FastAPI


class InProcessTransport(httpx.BaseTransport):
    """Transport of a synchronous httpx client to an application."""

    def __init__(self, app: "FastAPI") -> None:
        self._inner = httpx.ASGITransport(app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The response, read whole."""
        return asyncio.run(self._respond(request))

    async def _respond(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        content = b"".join([part async for part in response.aiter_raw()])
        return httpx.Response(response.status_code, headers=response.headers, content=content)
