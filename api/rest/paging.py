"""Pages of a list: where the next one is."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request


def next_page(request: Request, *, limit: int, offset: int, total: int) -> str | None:
    """The next page's path and query, or None after the last."""
    if offset + limit >= total:
        return None
    following = request.url.include_query_params(limit=limit, offset=offset + limit)
    return f"{following.path}?{following.query}"


def paging(request: Request, *, limit: int, offset: int, total: int) -> dict[str, Any]:
    """What a page says of itself in JSON."""
    following = next_page(request, limit=limit, offset=offset, total=total)
    return {"total": total, "limit": limit, "offset": offset, "next": following}


def paging_headers(page: Mapping[str, Any]) -> dict[str, str]:
    """What a page says of itself in headers (RFC 8288), which is all that a CSV has room for."""
    headers = {"X-Total-Count": str(page["total"])}
    if page["next"]:
        headers["Link"] = f'<{page["next"]}>; rel="next"'
    return headers
