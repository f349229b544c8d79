"""Uploaded tables, as CSV or as JSON."""

from typing import Any

import orjson
import pandas as pd
from fastapi import Request

from api.exception_handlers import UnreadableBody, UnsupportedBody
from tables import read_table


def uploaded_table(request: Request, body: bytes, *, name: str, limit: int) -> pd.DataFrame:
    """The rows of a CSV, or of the list `name` in a JSON object, indexed by row number.

    Raises UnsupportedBody, UnreadableBody, `tables.UnreadableTable`; `limit` is in bytes.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "text/csv":
        return read_table(body, media="csv", limit_bytes=limit)
    if kind != "application/json":
        raise UnsupportedBody(kind, ["text/csv", "application/json"])
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableBody(f"the body is not JSON: {error}") from error
    if not isinstance(content, dict) or set(content) != {name}:
        raise UnreadableBody(f'the body must be {{"{name}": [...]}}')
    rows = orjson.dumps(content[name])
    return read_table(rows, media="json", limit_bytes=len(rows))


def table_body(name: str, example: dict[str, Any], *, description: str) -> dict[str, Any]:
    """The documentation (OpenAPI) of an upload: a CSV, or a JSON object with the list `name`."""
    header, values = ",".join(example), ",".join(map(str, example.values()))
    return {
        "requestBody": {
            "required": True,
            "description": description,
            "content": {
                "text/csv": {"schema": {"type": "string"}, "example": f"{header}\n{values}\n"},
                "application/json": {"schema": {"type": "object"}, "example": {name: [example]}},
            },
        }
    }
