"""JSON and CSV: which one is wanted, and how each is written."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import orjson
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from api.exception_handlers import NotAcceptable
from presentation.exports import csv_parts

Format = Literal["json", "csv"]
MATCHES: Mapping[str, Format] = {
    "application/json": "json",
    "application/*": "json",
    "text/csv": "csv",
    "text/*": "csv",
    "*/*": "json",
    # A browser's address bar: it shows JSON.
    "text/html": "json",
}


def wanted_format(request: Request, asked: Format | None) -> Format:
    """What the parameter or the Accept header wants. Raises NotAcceptable."""
    accept = request.headers.get("accept", "")
    if asked is not None or not accept.strip():
        return asked or "json"
    offers = [_weighed(part) for part in accept.split(",")]
    liked = [(weight, MATCHES[media]) for media, weight in offers if weight > 0 and media in MATCHES]
    if not liked:
        raise NotAcceptable(accept)
    # Of equals the first: max keeps it.
    return max(liked, key=lambda offer: offer[0])[1]


def _weighed(part: str) -> tuple[str, float]:
    """A media type of an Accept header and its weight; one that cannot be read weighs nothing."""
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weights = [parameter[2:] for parameter in parameters if parameter.startswith("q=")]
    try:
        return media, float(weights[0]) if weights else 1.0
    except ValueError:
        return media, 0.0


def json_response(content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return Response(orjson.dumps(content), status, headers, "application/json")


def csv_response(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer in CSV, written as it is read, so that its size takes no memory. None is an empty cell."""
    return StreamingResponse(csv_parts(columns, rows), 200, headers, "text/csv; charset=utf-8")
