"""Runs: when, on which data, how long, what failed and what stood in, what changed; running ones are followed."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from api.dependencies import CatalogCacheDep, SessionDep, may_read
from api.pages.rendering import PageQuery, PageRoute, page
from api.rest.path_parameters import RunPath
from forecasting.analysis.periods import periods_ahead
from forecasting.config import BASELINE
from presentation import formatting
from presentation.sections.run_changes import move_blocks
from presentation.sections.section import Section, figure, in_unit, link, text
from services.period_summary import figure as read_figure
from services.published_run import PublishedRun, citation, earlier_runs, open_run
from store.queries import catalog, runs
from store.queries.runs import PublishedRunRecord, RunRecord

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
SHOWN, FAILURES, CHANGED_SERIES = 50, 500, 40
LEVEL = 80.0
ACTIVE = ("queued", "running")


class RunsPageQuery(PageQuery):
    """A page of runs."""

    offset: int = Field(default=0, ge=0, le=10**9)


@router.get("/runs")
def read_runs_page(query: Annotated[RunsPageQuery, Query()], request: Request, session: SessionDep) -> Response:
    """Runs, newest first; those under way with their progress."""
    found = runs.page(session, limit=SHOWN, offset=query.offset)
    block = Section(
        name="runs",
        title=formatting.count_of(found.total, "run"),
        columns=[
            link("id", "Run"),
            text("dataset", "Dataset"),
            text("status", "Status"),
            text("as_of", "Known as of", formatting.day_name),
            text("cutoff", "Figures to", formatting.month_name),
            text("requested_at", "Asked for", formatting.moment_name),
            text("seconds", "Took", _took),
            figure("failures", "Failures"),
        ],
        rows=[_row(run) for run in found.rows],
        api=f"/v1/runs?limit={SHOWN}&offset={query.offset}",
    )
    following = query.offset + SHOWN if query.offset + SHOWN < found.total else None
    active = [run for run in found.rows if run.status in ACTIVE]
    return page(
        request,
        "runs.html",
        title="Runs",
        blocks=[block],
        query=query,
        active=active,
        following=following,
        signs=formatting.STATUS_SIGNS,
    )


@router.get("/runs/{run_id}")
def read_run_page(
    run_id: RunPath,
    query: Annotated[PageQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """One run: what it is made of, what failed in it, and what changed from the run before."""
    run = runs.find(session, run_id)
    dataset = catalog.dataset(session, run.dataset_id)
    published = runs.as_published(run)
    desk = open_run(session, catalogs, run.dataset_id, run.id) if published else None
    before = earlier_runs(session, published, limit=1) if published else []
    blocks = [_facts(run, dataset.title)]
    if desk and before:
        blocks += [*_changes(desk, before[0]), *move_blocks(desk)]
    blocks += _failures(run)
    base = str(request.base_url).rstrip("/")
    return page(
        request,
        "run.html",
        title=f"Run {run.id}",
        blocks=blocks,
        query=query,
        run=run,
        dataset=dataset,
        before=before[0] if before else None,
        sign=formatting.STATUS_SIGNS[run.status],
        citation=citation(desk, desk.dataset.title, f"{base}/runs/{run.id}") if desk else "",
    )


def _row(run: RunRecord) -> dict[str, Any]:
    return {
        "id": run.id,
        "href": f"/runs/{run.id}",
        "dataset": run.dataset_id,
        "status": f"{formatting.STATUS_SIGNS[run.status]} {run.status}",
        "as_of": run.as_of,
        "cutoff": run.cutoff,
        "requested_at": run.requested_at,
        "seconds": _seconds(run),
        "failures": len(run.failures) if run.status == "published" else None,
    }


def _seconds(run: RunRecord) -> float | None:
    if run.started_at is None or run.finished_at is None:
        return None
    return (run.finished_at - run.started_at).total_seconds()


def _took(seconds: float | None) -> str:
    return formatting.NOTHING if seconds is None else formatting.duration(seconds)


def _facts(run: RunRecord, title: str) -> Section:
    names = ", ".join(run.config.get("forecasters") or ()) or "all"
    facts = {
        "Dataset": f"{run.dataset_id}: {title}",
        "Known as of": formatting.day_name(run.as_of),
        "Figures to": formatting.month_name(run.cutoff),
        "Months ahead": str(run.horizon),
        "Asked for": formatting.moment_name(run.requested_at),
        "Started": formatting.moment_name(run.started_at),
        "Finished": formatting.moment_name(run.finished_at),
        "Took": _took(_seconds(run)),
        "Forecasters": names.replace("_", " "),
        "Folds of the backtest": str(run.config.get("folds", formatting.NOTHING)),
        "Joint paths": str(run.config.get("draws", formatting.NOTHING)),
        "Seed": str(run.seed),
        "Data (hash)": formatting.plain(run.data_hash),
        "Configuration (hash)": run.config_hash,
        "Code": run.code_version,
    }
    rows = [{"what": name, "value": value} for name, value in facts.items()]
    return Section(
        "facts", "What it is made of", [text("what", "What"), text("value", "Is")], rows, api=f"/v1/runs/{run.id}"
    )


def _failures(run: RunRecord) -> list[Section]:
    """What failed: in a published run, forecasters on series, where the baseline stood in."""
    if run.status != "published" or not run.failures:
        return []
    counts = Counter(failure["forecaster"] for failure in run.failures)
    said = ", ".join(f"{name.replace('_', ' ')} {number} times" for name, number in counts.most_common())
    return [
        Section(
            name="failures",
            title="What failed, and what stood in",
            columns=[
                text("unique_id", "Series"),
                text("forecaster", "Forecaster"),
                text("cutoff", "Cutoff", formatting.month_name),
                text("reason", "Reason"),
            ],
            rows=run.failures[:FAILURES],
            note=f"{said}. There the {BASELINE.replace('_', ' ')} (last year’s value) stood in.",
            api=f"/v1/runs/{run.id}",
        )
    ]


def _changes(desk: PublishedRun, before: PublishedRunRecord) -> list[Section]:
    """What the run before expected of the same year, beside what this one does, the largest changes first."""
    earlier = desk.at(before)
    years = periods_ahead(desk.last, desk.run.horizon, "A")
    if not years or years[0].last > earlier.last + before.horizon:
        return []
    chosen = [one for one in desk.catalog.stored if one.partner == "WLD" or one.sector == "TOTAL"]
    rows: list[dict[str, Any]] = []
    for one, now, was in zip(
        chosen, desk.read_paths(chosen, years=2), earlier.read_paths(chosen, years=2), strict=True
    ):
        new, old = (read_figure(each, years[0], "lin", level=LEVEL) for each in (now, was))
        if new.median is not None and old.median is not None:
            change = 100 * (new.median / old.median - 1) if old.median else None
            href = f"/series/{one.unique_id.replace('.', '/')}?run={desk.run.id}"
            rows.append(
                {
                    "series": desk.name(one),
                    "href": href,
                    "was": old.median,
                    "now": new.median,
                    "change": change,
                    "width": _narrower(new, old),
                }
            )
    rows.sort(key=lambda row: abs(row["now"] - row["was"]), reverse=True)
    show = in_unit(desk.unit)
    return [
        Section(
            name="changes",
            title=f"What changed from run {before.id}: {years[0].label}",
            columns=[
                link("series", "Series"),
                figure("was", f"Expected then ({desk.unit})", show),
                figure("now", f"Expected now ({desk.unit})", show),
                figure("change", "Change", formatting.per_cent_change),
                figure("width", "Width of the 80 % interval", formatting.per_cent_change),
            ],
            rows=rows[:CHANGED_SERIES],
            note=_why(desk.run, before),
            api=f"/v1/runs/{desk.run.id}/forecasts?period={years[0].label}&level=80",
        )
    ]


def _narrower(new: Sequence[float | None], old: Sequence[float | None]) -> float | None:
    (_, lo, hi), (_, old_lo, old_hi) = new, old
    if lo is None or hi is None or old_lo is None or old_hi is None or old_hi <= old_lo:
        return None
    return 100 * ((hi - lo) / (old_hi - old_lo) - 1)


def _why(run: RunRecord, before: RunRecord) -> str:
    """What differs in the making of two runs."""
    config = sorted(name for name in run.config if run.config[name] != before.config.get(name))
    differs = [
        f"figures to {formatting.month_name(run.cutoff)} instead of {formatting.month_name(before.cutoff)}",
        *([f"another configuration ({', '.join(config)})"] if config else []),
        *(["other code"] if run.code_version != before.code_version else []),
    ]
    return f"Made from {', '.join(differs)}."
