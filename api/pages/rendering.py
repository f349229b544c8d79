"""What pages share: templates, the policy on what a browser may run, errors in words, blocks to take away."""

from collections.abc import Callable, Coroutine, Sequence
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from jinja2 import Environment
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import SIGNED_IN
from api.exception_handlers import HEADERS as PROBLEM_HEADERS
from api.exception_handlers import STATUSES
from api.rest.direct import DirectRoute
from presentation.exports import Export, Saved, export
from presentation.sections.section import Section
from presentation.templates import make_environment
from services.parameters import Code
from store.errors import UnknownSeries

TEMPLATES = Path(__file__).parent / "templates"
POLICY = "; ".join(
    (
        *("default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:"),
        *("connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"),
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
NAVIGATION = (
    ("/", "Overview"),
    ("/series", "Series"),
    ("/heatmap", "Partners and sectors"),
    ("/backtest", "Backtest"),
    ("/runs", "Runs"),
    ("/docs/", "Documentation"),
)


class PageQuery(BaseModel):
    """What every page takes: one of its blocks to be saved, and as what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    block: Code | None = Field(default=None, description="A block of the page.")
    save: Saved | None = Field(default=None, description="What to save it as.")


def page(
    request: Request, template: str, *, title: str, blocks: Sequence[Section] = (), query: PageQuery, **context: Any
) -> Response:
    """A page, or the block of it that is asked for as a file. Raises NoSuchSection."""
    if query.save is not None:
        return _download(export(blocks, query.block, query.save, stem=_stem(request)))
    shown = {block.name: block for block in blocks}
    return _html(request, template, HTTPStatus.OK, title=title, blocks=shown, **context)


def address(request: Request, **changes: Any) -> str:
    """The page's path and query with some parameters changed; None takes one away."""
    query = {**request.query_params, **changes}
    kept = {name: value for name, value in query.items() if value is not None}
    url = request.url.replace(query="").include_query_params(**kept)
    return f"{url.path}?{url.query}" if url.query else url.path


class PageRoute(DirectRoute):
    """A route whose errors are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, its known errors turned into words."""
        handle = super().get_route_handler()

        async def handle_in_words(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                details = [f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors()]
                return _error(request, HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(details))
            except Exception as error:
                status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), None)
                if status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise
                if status == HTTPStatus.UNAUTHORIZED:
                    return sign_in_page(request, status, to=address(request))
                return _error(request, status, _in_words(error))

        return handle_in_words


def sign_in_page(request: Request, status: HTTPStatus, *, to: str, fault: str = "") -> Response:
    """The form to sign in by, which leads on to the path `to`."""
    answer = _html(request, "sign_in.html", status, title="Sign in", to=to, fault=fault)
    answer.headers.update(PROBLEM_HEADERS.get(status, {}))
    return answer


def _in_words(error: Exception) -> str:
    if isinstance(error, UnknownSeries):
        return f"{error}. Choose one that it has under Partners and sectors."
    return str(error)


def _error(request: Request, status: HTTPStatus, detail: str) -> Response:
    return _html(request, "error.html", status, title=status.phrase, detail=detail)


def _html(request: Request, template: str, status: HTTPStatus, **context: Any) -> Response:
    shared: dict[str, Any] = {"here": request.url.path, "address": lambda **changes: address(request, **changes)}
    closed = request.app.state.options.require_key_to_read
    shared |= {"base": str(request.base_url).rstrip("/"), "signed_in": closed and SIGNED_IN in request.cookies}
    text = environment().get_template(template).render(**shared, **context)
    headers = HEADERS | {"Cache-Control": "private, no-store"} if closed else HEADERS
    return Response(text, status, headers, "text/html; charset=utf-8")


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates of pages, with the navigation."""
    made = make_environment(TEMPLATES)
    made.globals.update(navigation=NAVIGATION)
    return made


def _download(made: Export) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{made.filename}"'}
    return StreamingResponse(made.content, headers=headers, media_type=made.media_type)


def _stem(request: Request) -> str:
    parts = [part for part in request.url.path.split("/") if part]
    return "-".join(["tradewind", *parts])
