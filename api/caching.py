"""What may be kept by whom: a published run for ever, "latest" until there is a newer run."""

import hashlib
from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import Request, Response

from api.options import ApiOptions
from store.runs import RunRecord

YEAR_SECONDS = 31_536_000


def run_headers(request: Request, options: ApiOptions, run: RunRecord, *, fixed: bool) -> dict[str, str]:
    """Headers of an answer from a published run; `fixed` where the address names the run."""
    whose = "private" if options.require_key_to_read else "public"
    age = f"{whose}, max-age={YEAR_SECONDS}, immutable" if fixed else f"{whose}, no-cache"
    return {"ETag": _tag(request, options, run), "Cache-Control": age, "Vary": "Accept"}


def not_modified(request: Request, headers: Mapping[str, str]) -> Response | None:
    """The answer 304 where the client has this one already, else None."""
    known = {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}
    return Response(status_code=304, headers=headers) if known & {headers["ETag"], "*"} else None


def _tag(request: Request, options: ApiOptions, run: RunRecord) -> str:
    """Weak, because compression changes the bytes: the run, the question, the format, and the code that answers."""
    question = sorted(parse_qsl(request.url.query, keep_blank_values=True))
    asked = (request.url.path, question, request.headers.get("accept", ""), options.version)
    digest = hashlib.blake2b(repr(asked).encode(), digest_size=8).hexdigest()
    return f'W/"{run.id}-{digest}"'
