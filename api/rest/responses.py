"""Responses: content negotiation, JSON, CSV, and pages of lists."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import orjson
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from api.exception_handlers import NotAcceptable
from presentation.exports import csv_parts
from services.parameters import Paged

Format = Literal["json", "csv"]
FORMATS: Mapping[str, Format] = {
    "application/json": "json",
    "application/*": "json",
    "text/csv": "csv",
    "text/*": "csv",
    "*/*": "json",
    # A browser's address bar: it shows JSON.
    "text/html": "json",
}


def wanted_format(request: Request, parameter: Format | None) -> Format:
    """The format of the parameter, else of the Accept header. Raises NotAcceptable."""
    accept = request.headers.get("accept", "")
    if parameter is not None or not accept.strip():
        return parameter or "json"
    offers = [_weighted(part) for part in accept.split(",")]
    accepted = [(weight, FORMATS[media]) for media, weight in offers if weight > 0 and media in FORMATS]
    if not accepted:
        raise NotAcceptable(accept)
    # max keeps the first of equals.
    return max(accepted, key=lambda offer: offer[0])[1]


def _weighted(part: str) -> tuple[str, float]:
    """A media type of an Accept header and its weight; 0 where the weight is no number."""
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weights = [parameter[2:] for parameter in parameters if parameter.startswith("q=")]
    try:
        return media, float(weights[0]) if weights else 1.0
    except ValueError:
        return media, 0.0


def json_response(content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(orjson.dumps(content), status, headers, "application/json")


def csv_response(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, headers: Mapping[str, str] | None = None
) -> Response:
    """A CSV response, streamed row by row in constant memory. None is an empty cell."""
    return StreamingResponse(csv_parts(columns, rows), 200, headers, "text/csv; charset=utf-8")


def object_response(
    request: Request, parameter: Format | None, content: Mapping[str, Any], *, columns: Sequence[str], **named: Any
) -> Response:
    """An object as JSON, or its columns as a CSV of one row; `named` are the arguments of either response."""
    if wanted_format(request, parameter) == "json":
        return json_response(content, **named)
    return csv_response(columns, [[content[column] for column in columns]], **named)


def list_response(
    request: Request,
    query: Paged,
    *,
    total: int,
    key: str,
    items: Iterable[Mapping[str, Any]],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]] | None = None,
    context: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A page of a list.

    In JSON `context`, the position of the page, and its items under `key`; in CSV the `rows`, by default the items'
    values of `columns`. The position is in the headers too (RFC 8288), the only place for it in CSV. Only one of items
    and rows is read.
    """
    following = next_page(request, limit=query.limit, offset=query.offset, total=total)
    sent = {**(headers or {}), "X-Total-Count": str(total)}
    if following:
        sent["Link"] = f'<{following}>; rel="next"'
    if wanted_format(request, query.format) == "csv":
        cells = ([item[column] for column in columns] for item in items) if rows is None else rows
        return csv_response(columns, cells, headers=sent)
    page = {"total": total, "limit": query.limit, "offset": query.offset, "next": following}
    return json_response({**(context or {}), **page, key: list(items)}, headers=sent)


def next_page(request: Request, *, limit: int, offset: int, total: int) -> str | None:
    """Path and query of the next page, or None after the last."""
    if offset + limit >= total:
        return None
    following = request.url.include_query_params(limit=limit, offset=offset + limit)
    return f"{following.path}?{following.query}"
