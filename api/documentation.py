"""The documentation site under /docs/ and the API reference (Swagger UI) at /docs/api, both without other servers."""

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import Scope

from api.authentication import Reader, may_read
from api.config import ServerConfig
from api.dependencies import ConfigDep
from api.pages.rendering import PageRoute, address, sign_in_page
from store.queries.api_keys import BadKey

REFERENCE, DOCUMENT = "/docs/api", "/openapi.json"
SITE = Path(__file__).parent / "site"
SWAGGER = "/static/swagger-ui"
# The stylesheet that the search of Zensical 0.0.73 inserts; tests/e2e/test_documentation_site.py fails when it changes.
SEARCH_STYLE = "'sha256-NwSx/R2V/U4jnW0Tq5pQ53Y/rzPVJ4dqE7D6UTA/J1k='"
# Only scripts without a type are run by browsers; JSON blocks carry a type.
INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def install(app: FastAPI, site: Path | None) -> None:
    """Serve the reference and, where it has been built, the site; without one /docs/ leads to the reference.

    Both are read with the same keys as everything else; a browser without one gets the sign-in form.
    """
    pages = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Reader])
    for path in (REFERENCE, f"{REFERENCE}/"):
        pages.get(path)(_read_reference)
    built = site if site is not None and site.is_dir() else None
    if built is None:
        pages.get("/docs/")(_redirect_to_reference)
    app.include_router(pages)
    app.get(DOCUMENT, include_in_schema=False, dependencies=[Reader])(_read_document)
    if built is not None:
        app.mount("/docs", _Site(built, app.state.options), name="docs")


def content_security_policy(pages: Iterable[str]) -> str:
    """The policy for these HTML pages: files of this service, and the inline scripts they hold, by hash."""
    scripts = {script for page in pages for script in INLINE_SCRIPT.findall(page)}
    hashes = sorted(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    return "; ".join(
        (
            *("default-src 'none'", " ".join(("script-src 'self'", *hashes)), f"style-src 'self' {SEARCH_STYLE}"),
            *("img-src 'self' data:", "font-src 'self'", "connect-src 'self'", "worker-src 'self'"),
            *("form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"),
        )
    )


class _Site(StaticFiles):
    """The files of the built site, with the headers of a page."""

    def __init__(self, site: Path, options: ServerConfig) -> None:
        super().__init__(directory=site, html=True)
        pages = [page.read_text(encoding="utf-8") for page in site.rglob("*.html")]
        self.page_headers = _headers(pages, options)

    async def get_response(self, path: str, scope: Scope) -> Response:
        request = Request(scope)
        try:
            await may_read(request)
        except BadKey:
            return sign_in_page(request, HTTPStatus.UNAUTHORIZED, to=address(request))
        response = await super().get_response(path, scope)
        if response.status_code == HTTPStatus.NOT_FOUND:
            # The site's own 404 page assumes that the site is at the root.
            raise HTTPException(HTTPStatus.NOT_FOUND)
        response.headers.update(self.page_headers)
        return response


def _headers(pages: Sequence[str], options: ServerConfig) -> dict[str, str]:
    return {
        "Content-Security-Policy": content_security_policy(pages),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "private, no-cache" if options.require_key_to_read else "no-cache",
    }


def _read_reference(options: ConfigDep) -> HTMLResponse:
    """Swagger UI from this service's own files."""
    page = get_swagger_ui_html(
        openapi_url=DOCUMENT,
        title="Tradewind: API reference",
        swagger_js_url=f"{SWAGGER}/swagger-ui-bundle.js",
        swagger_css_url=f"{SWAGGER}/swagger-ui.css",
        swagger_favicon_url=f"{SWAGGER}/favicon-32x32.png",
    )
    page.headers.update(_headers([bytes(page.body).decode()], options))
    return page


def _read_document(request: Request) -> JSONResponse:
    """The OpenAPI document."""
    return JSONResponse(request.app.openapi())


def _redirect_to_reference() -> RedirectResponse:
    return RedirectResponse(REFERENCE)
