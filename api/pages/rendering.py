"""Rendering shared by all pages: templates, Content-Security-Policy, error pages, downloads of sections."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from jinja2 import Environment
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from api.authentication import SIGNED_IN
from api.exception_handlers import HEADERS as PROBLEM_HEADERS
from api.exception_handlers import STATUSES, undisclosed
from api.pages import error_messages
from api.query_parameters import parameter_names
from presentation import formatting, links
from presentation.exports import Export, Saved, export
from presentation.sections.section import Section
from presentation.templates import make_environment
from services.datasets.table_facts import facts_of
from services.parameters import Code
from services.runs.freshness import Freshness, StaleDataset, dataset_freshness, refinement, stale_datasets
from services.runs.published_run import PublishedRun
from store.errors import UnknownDataset, UnknownRun, UnknownSeries
from store.queries import runs
from store.queries.catalog import DatasetRecord

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


class PageQuery(BaseModel):
    """Parameters of every page: the download of one of its sections."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    section: Code | None = Field(default=None, description="A section of the page.")
    save: Saved | None = Field(default=None, description="The file format to download it in.")


def page(
    request: Request, template: str, *, title: str, sections: Sequence[Section] = (), query: PageQuery, **context: Any
) -> Response:
    """A page, or the requested section of it as a file. Raises NoSuchSection."""
    if query.save is not None:
        run = published if isinstance(published := context.get("published"), PublishedRun) else None
        subject = str(context.get("subject", title))
        saved = export(
            sections,
            query.section,
            query.save,
            stem=_stem(request),
            subject=subject,
            caption=_caption(run) if run else "",
            facts=[
                ("subject", subject),
                *(facts_of(run.dataset, run.run).items() if run else ()),
                ("address", str(request.url)),
            ],
        )
        return _download(saved)
    by_name = {section.name: section for section in sections}
    if isinstance(published := context.get("published"), PublishedRun):
        context["freshness"] = freshness_of(request, published)
        context["refinement"] = refinement(published.session, published.run)
    return _html(request, template, HTTPStatus.OK, title=title, sections=by_name, query=query, **context)


def _caption(published: PublishedRun) -> str:
    """Source, unit, run and as-of date, for charts that leave the page."""
    run = published.run
    return (
        f"Source: {published.dataset.citation}; Tradewind run {run.id} as of {formatting.day_name(run.as_of)}, "
        f"data to {formatting.month_name(published.cutoff)}. Unit: {published.unit}."
    )


def stale_of(request: Request, session: Session, datasets: Iterable[DatasetRecord]) -> list[StaleDataset]:
    """Those of some datasets that have overdue releases at the time of the request."""
    options = request.app.state.options
    return stale_datasets(session, datasets, now=options.now(), grace=options.grace)


def freshness_of(request: Request, published: PublishedRun) -> Freshness:
    """The freshness of a run's dataset at the time of the request."""
    options = request.app.state.options
    return dataset_freshness(
        published.session, published.dataset.id, published.cutoff, now=options.now(), grace=options.grace
    )


def address(request: Request, **changes: Any) -> str:
    """The page's path and query with some parameters changed; None removes a parameter."""
    query = {**request.query_params, **changes}
    kept = {name: value for name, value in query.items() if value is not None}
    url = request.url.replace(query="").include_query_params(**kept)
    return f"{url.path}?{url.query}" if url.query else url.path


class PageRoute(APIRoute):
    """A route whose known errors are answered by HTML pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with known errors rendered as pages."""
        handle = super().get_route_handler()

        async def handle_with_error_pages(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                detail = error_messages.invalid_parameters(error.errors(), parameter_names(self.dependant))
                return _error(request, HTTPStatus.UNPROCESSABLE_ENTITY, detail)
            except Exception as error:
                status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), None)
                if status == HTTPStatus.SERVICE_UNAVAILABLE:
                    title, detail = undisclosed(error, status)
                    return _error(request, status, detail, title=title)
                if status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise
                if status == HTTPStatus.UNAUTHORIZED:
                    return sign_in_page(request, status, to=address(request))
                return await run_in_threadpool(_error_page, request, status, error)

        return handle_with_error_pages


def sign_in_page(request: Request, status: HTTPStatus, *, to: str, fault: str = "") -> Response:
    """The sign-in form, which leads on to the path `to`."""
    answer = _html(request, "sign_in.html", status, title="Sign in", to=to, fault=fault)
    answer.headers.update(PROBLEM_HEADERS.get(status, {}))
    return answer


def _error_page(request: Request, status: HTTPStatus, error: Exception) -> Response:
    """A page on an error; on a dataset without forecasts, with the progress of its first run."""
    if not isinstance(error, UnknownRun | UnknownDataset) or error.dataset is None:
        return _error(request, status, _detail(error))
    context: dict[str, Any] = {"title": error_messages.title(HTTPStatus.CONFLICT), "running": None}
    if not error.dataset:
        return _html(request, "waiting.html", status, empty=True, **context)
    if isinstance(error, UnknownDataset):
        return _error(request, status, _detail(error))
    with Session(request.app.state.engine) as session:
        context["running"] = runs.newest_running(session, error.dataset)
    return _html(request, "waiting.html", status, empty=False, **context)


def _detail(error: Exception) -> str:
    if isinstance(error, UnknownSeries):
        return f"{error}. Choose one that it has under Partners and sectors."
    return str(error)


def _error(request: Request, status: HTTPStatus, detail: str, *, title: str | None = None) -> Response:
    answer = _html(request, "error.html", status, title=title or error_messages.title(status), detail=detail)
    answer.headers.update(PROBLEM_HEADERS.get(status, {}))
    return answer


def _html(request: Request, template: str, status: HTTPStatus, **context: Any) -> Response:
    state = request.app.state
    closed = state.options.require_key_to_read
    shared: dict[str, Any] = {
        "here": request.url.path,
        "address": lambda **changes: address(request, **changes),
        "base": links.absolute(request.base_url),
        "navigation": state.navigation,
        "receives_data": state.options.receives_data,
        "has_glossary": state.options.docs_site is not None,
        "signed_in": closed and SIGNED_IN in request.cookies,
    }
    text = environment().get_template(template).render(**shared, **context)
    headers = HEADERS | {"Cache-Control": "private, no-store"} if closed else HEADERS
    return Response(text, status, headers, "text/html; charset=utf-8")


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The Jinja environment of pages."""
    return make_environment(TEMPLATES)


def compile_templates() -> None:
    """Compile every template, so that no page waits for it."""
    for name in environment().list_templates(extensions=["html"]):
        environment().get_template(name)


def _download(file: Export) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{file.filename}"'}
    return StreamingResponse(file.content, headers=headers, media_type=file.media_type)


def _stem(request: Request) -> str:
    parts = [part for part in request.url.path.split("/") if part]
    return "-".join(["tradewind", *parts])
