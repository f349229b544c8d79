"""Runs: status, data, duration, failures and changes; runs in progress show their progress."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from api.authentication import may_read
from api.dependencies import CatalogCacheDep, SessionDep
from api.pages.rendering import PageQuery, PageRoute, page, stale_of
from api.rest.path_parameters import RunPath
from presentation import formatting, links
from presentation.sections.run import change_sections, duration, failure_sections, run_details, run_seconds
from presentation.sections.run_changes import attribution_sections
from presentation.sections.section import Section, figure, link, text
from services.runs.published_run import citation, earlier_runs, open_run
from store.queries import catalog, runs
from store.queries.runs import RunPage, RunRecord

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
NAVIGATION = (links.RUNS, "Runs")
SHOWN = 50
ACTIVE = ("queued", "running")


class RunsPageQuery(PageQuery):
    """The position in the list of runs."""

    offset: int = Field(default=0, ge=0, le=10**9)


@router.get("/runs")
def read_runs_page(query: Annotated[RunsPageQuery, Query()], request: Request, session: SessionDep) -> Response:
    """Runs, newest first, with the progress of those in progress."""
    found = runs.page(session, limit=SHOWN, offset=query.offset)
    following = query.offset + SHOWN if query.offset + SHOWN < found.total else None
    return page(
        request,
        "runs.html",
        title="Runs",
        sections=[_list(found, query.offset)],
        query=query,
        active=[run for run in found.rows if run.status in ACTIVE],
        following=following,
        stale=stale_of(request, session, catalog.datasets(session)),
    )


@router.get("/runs/{run_id}")
def read_run_page(
    run_id: RunPath,
    query: Annotated[PageQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """One run: its details, failed forecasters, and changes since the previous run."""
    run = runs.find(session, run_id)
    dataset = catalog.dataset(session, run.dataset_id)
    published = open_run(session, catalogs, run.dataset_id, run.id) if run.status == "published" else None
    before = next(iter(earlier_runs(session, published.run, limit=1)), None) if published else None
    sections = [run_details(run, dataset.title)]
    if published and before:
        sections += [*change_sections(published, before), *attribution_sections(published)]
    sections += failure_sections(run)
    address = links.absolute(request.base_url, links.run_page(run.id))
    return page(
        request,
        "run.html",
        title=f"Run {run.id}",
        sections=sections,
        query=query,
        run=run,
        dataset=dataset,
        published=published,
        stale=stale_of(request, session, [dataset]),
        main=published.main(published.flows[0]) if published else None,
        before=before,
        sign=formatting.STATUS_SIGNS[run.status],
        citation=citation(published, dataset.title, address) if published else "",
    )


def _list(found: RunPage, offset: int) -> Section:
    return Section(
        name="runs",
        title=formatting.count_of(found.total, "run"),
        columns=[
            link("id", "Run"),
            text("dataset", "Dataset"),
            text("status", "Status"),
            text("as_of", "Data known as of", formatting.day_name),
            text("cutoff", "Data to", formatting.month_name),
            text("requested_at", "Requested", formatting.moment_name),
            text("seconds", "Duration", duration),
            figure("failures", "Failures"),
        ],
        rows=[_row(run) for run in found.rows],
        api=links.api_runs(limit=SHOWN, offset=offset),
    )


def _row(run: RunRecord) -> dict[str, Any]:
    return {
        "id": run.id,
        "href": links.run_page(run.id),
        "dataset": run.dataset_id,
        "status": f"{formatting.STATUS_SIGNS[run.status]} {run.status}",
        "as_of": run.as_of,
        "cutoff": run.cutoff,
        "requested_at": run.requested_at,
        "seconds": run_seconds(run),
        "failures": len(run.failures) if run.status == "published" else None,
    }
