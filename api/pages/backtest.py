"""How often it was right: errors, coverage, the PIT histogram, tracks of any fold, the worst misses."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from api.dependencies import CatalogCacheDep, SessionDep, may_read
from api.pages.rendering import PageQuery, PageRoute, page
from presentation import formatting
from presentation.sections.backtest import score_blocks
from presentation.sections.folds import PERIODS, fold_cutoffs, fold_shown, track_blocks, worst_misses
from services.backtest_folds import miss_steps
from services.backtest_summary import Record, read_record
from services.catalog_cache import CatalogCache
from services.parameters import SCORE_KINDS, Code, Month, RunId
from services.published_run import PublishedRun, citation, open_run
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries import catalog

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
ALL = "ALL"
STEPS = (1, 3, 6, 12)


class BacktestPageQuery(PageQuery):
    """Whose record, of what; the latest run unless told; ALL pools every partner or sector."""

    dataset: Code | None = None
    run: RunId | None = None
    flow: Literal["X", "M"] | None = None
    partner: Code | None = None
    sector: Code | None = None
    kind: str = Field(default="month", pattern=f"^({'|'.join(SCORE_KINDS)})$")
    step: int | None = Field(default=None, ge=1, le=120)
    fold: Month | None = None


@router.get("/backtest")
def read_backtest_page(
    query: Annotated[BacktestPageQuery, Query()], request: Request, session: SessionDep, catalogs: CatalogCacheDep
) -> Response:
    """The record of some series at one kind of period."""
    names = [one.id for one in catalog.datasets(session) if one.series]
    dataset = query.dataset or next((name for name in names if name == "CN_TRADE"), names[0] if names else "")
    desk = open_run(session, catalogs, dataset, query.run)
    query, chosen = _asked(desk, query)
    ids = sorted({part.series_id for one in chosen for part in one.parts})
    record = _record(desk, catalogs, ids, query.kind)
    one = chosen[0] if len(chosen) == 1 and not chosen[0].derived else None
    cutoffs = fold_cutoffs(desk, one, query.kind) if one else []
    shown = fold_shown(cutoffs, query.fold) if cutoffs else None
    blocks = [
        *score_blocks(desk, record, kind=query.kind, api=_api(desk, query)),
        *track_blocks(desk, one, query.kind, cutoffs, shown),
        worst_misses(desk, ids, kind=query.kind, step=query.step, asked=_codes(query)),
    ]
    base = str(request.base_url).rstrip("/")
    what = desk.name(chosen[0]) if len(chosen) == 1 else formatting.count_of(len(chosen), "series", "series")
    return page(
        request,
        "backtest.html",
        title="Backtest",
        blocks=blocks,
        query=query,
        asked=query,
        desk=desk,
        what=what,
        folds=record.folds,
        cutoffs=[(f"{each:%Y-%m}", formatting.month_name(each)) for each in cutoffs],
        shown=f"{shown:%Y-%m}" if shown else None,
        step=query.step or miss_steps(query.kind, None)[1],
        steps=_steps(query.kind),
        datasets=[(name, name) for name in names],
        kinds=[(kind, kind_name(kind)) for kind in SCORE_KINDS],
        choices=_choices(desk),
        citation=citation(desk, f"backtest of {what}", f"{base}/backtest?dataset={dataset}&run={desk.run.id}"),
    )


def _asked(desk: PublishedRun, query: BacktestPageQuery) -> tuple[BacktestPageQuery, Sequence[ResolvedSeries]]:
    """The query, completed from the main series where it leaves something open, and the series it asks for."""
    main = desk.main(query.flow or desk.flows[0])
    query = query.model_copy(
        update={"flow": main.flow, "partner": query.partner or main.partner, "sector": query.sector or main.sector}
    )
    return query, desk.catalog.choose(
        flows=[main.flow],
        partners=None if query.partner in (None, ALL) else [query.partner],
        sectors=None if query.sector in (None, ALL) else [query.sector],
    )


def _record(desk: PublishedRun, catalogs: CatalogCache, ids: list[int], kind: str) -> Record:
    """The record of some series, read once for a run: it cannot change."""
    key = ("backtest", desk.run.id, kind, *ids)
    record: Record | None = catalogs.answers.get(key)
    if record is None:
        record = read_record(desk, ids, kind)
        catalogs.answers.put(key, record)
    return record


def kind_name(kind: str) -> str:
    """What a kind of period is called."""
    plain = PERIODS[kind.removesuffix("_growth")]
    return f"{plain}, growth on a year ago" if kind.endswith("_growth") else plain


def _steps(kind: str) -> list[tuple[int, str]]:
    """How far ahead misses are looked for."""
    word = "" if kind.startswith("month") else "at most "
    return [(step, f"{word}{formatting.count_of(step, 'month')} ahead") for step in STEPS]


def _codes(query: BacktestPageQuery) -> str:
    codes = f"&flow={query.flow}"
    codes += "" if query.partner == ALL else f"&partner={query.partner}"
    return codes + ("" if query.sector == ALL else f"&sector={query.sector}")


def _api(desk: PublishedRun, query: BacktestPageQuery) -> str:
    return f"/v1/datasets/{desk.dataset.id}/backtests?run={desk.run.id}{_codes(query)}&kind={query.kind}"


def _choices(desk: PublishedRun) -> dict[str, list[tuple[str, str]]]:
    _, partners, sectors = desk.catalog.codes
    countries = sorted(
        ((code, desk.catalog.partners[code]) for code in partners), key=lambda pair: (pair[0] != TOTAL_PARTNER, pair[1])
    )
    goods = sorted(((code, desk.catalog.sectors[code]) for code in sectors), key=lambda pair: pair[0] != TOTAL_SECTOR)
    return {
        "flow": [(flow, formatting.FLOW_NAMES[flow].capitalize()) for flow in desk.flows if flow != "B"],
        "partner": [*countries, (ALL, "All partners, pooled")],
        "sector": [*goods, (ALL, "All sectors, pooled")],
    }
