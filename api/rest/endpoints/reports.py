"""Reports and memos on a run: HTML, PDF, XLSX, DOCX, PPTX.

A document is made again once an event is added, changed or deleted: charts and risks show events.
"""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.authentication import Reader
from api.dependencies import CatalogCacheDep, ConfigDep, NoParameters, SessionDep
from api.http_cache import edition_headers
from api.rest.path_parameters import RunPath
from api.rest.schemas.problem import PROBLEM
from presentation.report.build import Form, MemoForm, make_memo, make_report, style_hash
from presentation.sections.headline import edition
from services.runs.run_selection import published_run

router = APIRouter(tags=["reports"], dependencies=[Reader], responses=PROBLEM)
MEDIA: dict[Form | MemoForm, str] = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
BINARY = {"schema": {"type": "string", "format": "binary"}}
FORMS: dict[int | str, dict[str, Any]] = {
    200: {"content": {media.partition(";")[0]: BINARY for media in MEDIA.values()}, "description": "The document."}
}


class MemoQuery(BaseModel):
    """Whether the memo has the report as its appendix."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    appendix: bool = Field(default=False, description="Append the report.")


@router.get("/v1/runs/{run_id}/report.{form}", dependencies=[NoParameters], response_class=Response, responses=FORMS)
def read_report(
    run_id: RunPath,
    form: Literal["html", "pdf", "xlsx"],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """One self-contained document about a published run: summary, method, tables, charts, every series."""
    run = published_run(session, run_id)
    beside = edition(session, run)
    headers = edition_headers(request, config, run, beside)
    make = partial(make_report, session, catalogs, run.id, form)
    content = catalogs.answers.get(("report", run.id, form, beside), make)
    return _document(content, headers, f"tradewind-{run.dataset_id}-run-{run.id}", form)


@router.get("/v1/runs/{run_id}/memo.{form}", response_class=Response, responses=FORMS)
def read_memo(
    run_id: RunPath,
    form: Literal["html", "pdf", "docx", "pptx"],
    query: Annotated[MemoQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """One page about a published run: headline, chart, drivers, changes, probabilities, accuracy.

    With `appendix=true` the report follows: as DOCX and PPTX, its charts and tables.
    """
    run = published_run(session, run_id)
    beside = edition(session, run)
    headers = edition_headers(request, config, run, beside)
    make = partial(make_memo, session, catalogs, run.id, form, appendix=query.appendix)
    content = catalogs.answers.get(("memo", run.id, form, query.appendix, beside), make)
    return _document(content, headers, f"tradewind-{run.dataset_id}-run-{run.id}-memo", form)


def _document(content: bytes, headers: dict[str, str], stem: str, form: Form | MemoForm) -> Response:
    place = "inline" if form == "html" else "attachment"
    policy = f"default-src 'none'; img-src data:; style-src {style_hash()}; frame-ancestors 'none'"
    headers |= {"Content-Disposition": f'{place}; filename="{stem}.{form}"', "Content-Security-Policy": policy}
    return Response(content, headers=headers, media_type=MEDIA[form])
