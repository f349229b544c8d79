"""Responses: content negotiation; JSON, CSV, Parquet and Excel; pages of lists."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

import orjson
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from api.exception_handlers import NotAcceptable
from presentation.exports import csv_parts
from presentation.tables import parquet_parts, xlsx_bytes
from services.parameters import GREATEST_OFFSET, Format, Paged

Row = TypeVar("Row")
MEDIA_TYPES: Mapping[Format, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
FORMATS: Mapping[str, Format] = {
    "application/json": "json",
    "application/*": "json",
    "text/csv": "csv",
    "text/*": "csv",
    "application/vnd.apache.parquet": "parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "*/*": "json",
    # A browser's address bar: it shows JSON.
    "text/html": "json",
}
DESCRIBED: frozenset[Format] = frozenset({"parquet", "xlsx"})
"""Formats that carry facts about their table."""
SIGNIFICANT_DIGITS = 12
"""Digits of numbers in CSV: floating point noise begins at the sixteenth."""


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


def page_limit(request: Request, query: Paged) -> int:
    """The greatest number of rows of an answer: a table other than JSON is whole unless `limit` is given."""
    if "limit" in query.model_fields_set or wanted_format(request, query.format) == "json":
        return query.limit
    return GREATEST_OFFSET


def page_of(request: Request, query: Paged, rows: Sequence[Row]) -> Sequence[Row]:
    """The page of rows in memory that a query asks for."""
    return rows[query.offset : query.offset + page_limit(request, query)]


def json_response(content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(orjson.dumps(content), status, headers, "application/json")


def table_response(
    request: Request,
    parameter: Format | None,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    digits: int | None = None,
    headers: Mapping[str, str] | None = None,
    about: Mapping[str, Any] | None = None,
) -> Response:
    """A table in a format other than JSON. CSV and Parquet are streamed; None is an empty cell.

    `digits` are the significant digits of numbers; `about` describes the table in Parquet and Excel.
    """
    wanted = wanted_format(request, parameter)
    if wanted == "csv":
        exact = _rounded(rows, digits or SIGNIFICANT_DIGITS)
        return StreamingResponse(csv_parts(columns, exact), 200, headers, MEDIA_TYPES[wanted])
    facts = {name: str(value) for name, value in (about or {}).items() if isinstance(value, str | int | date)}
    facts["address"] = str(request.url)
    cells = _rounded(rows, digits) if digits else rows
    name = request.url.path.strip("/").replace("/", "-")
    disposition = {"Content-Disposition": f'attachment; filename="{name}.{wanted}"'}
    sent = {**disposition, **(headers or {})}
    if wanted == "parquet":
        return StreamingResponse(parquet_parts(columns, cells, facts), 200, sent, MEDIA_TYPES[wanted])
    return Response(xlsx_bytes(columns, cells, facts), 200, sent, MEDIA_TYPES[wanted])


def _rounded(rows: Iterable[Sequence[Any]], digits: int) -> Iterator[list[Any]]:
    """Rows with floating point numbers to this many significant digits."""
    for row in rows:
        yield [float(f"{cell:.{digits}g}") if isinstance(cell, float) else cell for cell in row]


def object_response(
    request: Request,
    parameter: Format | None,
    content: Mapping[str, Any],
    *,
    columns: Sequence[str],
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An object as JSON, or its columns as a table of one row."""
    if wanted_format(request, parameter) == "json":
        return json_response(content, headers=headers)
    row = [content[column] for column in columns]
    return table_response(request, parameter, columns, [row], headers=headers)


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
    facts: Callable[[], Mapping[str, Any]] | None = None,
) -> Response:
    """A page of a list, or all of it as a table.

    In JSON `context`, the position of the page, and its items under `key`; in a table the `rows`, by default the items'
    values of `columns`. The position is in the headers too (RFC 8288), the only place for it in a table. Only one of
    items and rows is read. `facts` describe the table in Parquet and Excel beside `context`.
    """
    limit = page_limit(request, query)
    following = next_page(request, limit=limit, offset=query.offset, total=total)
    sent = {**(headers or {}), "X-Total-Count": str(total)}
    if following:
        sent["Link"] = f'<{following}>; rel="next"'
    wanted = wanted_format(request, query.format)
    if wanted != "json":
        cells = ([item[column] for column in columns] for item in items) if rows is None else rows
        about = {**(context or {}), **(facts() if facts and wanted in DESCRIBED else {})}
        return table_response(request, query.format, columns, cells, digits=query.digits, headers=sent, about=about)
    page = {"total": total, "limit": limit, "offset": query.offset, "next": following}
    return json_response({**(context or {}), **page, key: list(items)}, headers=sent)


def next_page(request: Request, *, limit: int, offset: int, total: int) -> str | None:
    """Path and query of the next page, or None after the last."""
    if offset + limit >= total:
        return None
    following = request.url.include_query_params(limit=limit, offset=offset + limit)
    return f"{following.path}?{following.query}"
