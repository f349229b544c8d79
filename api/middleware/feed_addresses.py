"""Addresses that carry a key, for calendars and spreadsheets that cannot log in: /feed/{key}/v1/...

They are read-only: other methods than GET and HEAD find nothing there.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/feed/"


class FeedAddresses:
    """ASGI middleware that turns the key of the path into a header."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, without the key in its path."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX) or scope["method"] not in {"GET", "HEAD"}:
            await self.app(scope, receive, send)
            return
        key, _, path = scope["path"].removeprefix(PREFIX).partition("/")
        known = {b"authorization", b"x-api-key", b"cookie"}
        kept = [pair for pair in scope["headers"] if pair[0] not in known]
        inner = {
            **scope,
            "path": f"/{path}",
            "raw_path": f"/{path}".encode(),
            "headers": [*kept, (b"x-api-key", key.encode())],
        }
        await self.app(inner, receive, send)
        # Metrics name the route that answered.
        if "route" in inner:
            scope["route"] = inner["route"]
