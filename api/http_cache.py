"""What may be kept by whom: a published run for ever, "latest" until there is a newer run."""

import hashlib
from collections.abc import Mapping

from fastapi import FastAPI, Request, Response

from api.config import ServerConfig
from store.queries.runs import RunRecord

YEAR_SECONDS = 31_536_000


class NotModified(Exception):
    """The client has this answer already."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers
        super().__init__(headers["ETag"])


def install(app: FastAPI) -> None:
    """Answer 304 wherever NotModified is raised."""
    app.add_exception_handler(NotModified, _not_modified)


def run_headers(request: Request, options: ServerConfig, run: RunRecord, *, fixed: bool) -> dict[str, str]:
    """Headers of an answer from a published run; `fixed` where the address names the run. Raises NotModified."""
    whose = "private" if options.require_key_to_read else "public"
    age = f"{whose}, max-age={YEAR_SECONDS}, immutable" if fixed else f"{whose}, no-cache"
    headers = {"ETag": _tag(request, options, run), "Cache-Control": age, "Vary": "Accept"}
    known = request.headers.get("if-none-match")
    if known is not None and {headers["ETag"], "*"} & {tag.strip() for tag in known.split(",")}:
        raise NotModified(headers)
    return headers


async def _not_modified(_: Request, found: Exception) -> Response:
    assert isinstance(found, NotModified)
    return Response(status_code=304, headers=found.headers)


def _tag(request: Request, options: ServerConfig, run: RunRecord) -> str:
    """Weak, because compression changes the bytes: the run, the question, the format, and the code that answers."""
    scope = request.scope
    asked = (scope["path"], scope["query_string"], request.headers.get("accept", ""), options.version)
    digest = hashlib.blake2b(repr(asked).encode(), digest_size=8).hexdigest()
    return f'W/"{run.id}-{digest}"'
