"""Backtest: errors, interval coverage, calibration, forecasts of any fold, and the largest misses."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from api.authentication import may_read
from api.dependencies import CatalogCacheDep, SessionDep
from api.pages.rendering import PageQuery, PageRoute, page
from forecasting.analysis.periods import GROWTH
from presentation import formatting, links
from presentation.sections.backtest import conditional_section, score_sections
from presentation.sections.folds import PERIODS, fold_cutoffs, fold_sections, largest_misses, select_fold
from presentation.sections.verdict import verdict
from services.backtests.backtest_folds import miss_steps
from services.backtests.backtest_summary import BacktestScores, read_scores
from services.parameters import SCORE_KINDS, Code, Month, RunId
from services.runs.published_run import PublishedRun, citation, open_run
from services.series.catalog_cache import CatalogCache
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries import catalog, runs

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
NAVIGATION = (links.backtest(), "Backtest")
ALL = "ALL"
STEPS = (1, 3, 6, 12)


class BacktestPageQuery(PageQuery):
    """The run, by default the latest, the series and the kind of period; ALL pools every partner or sector."""

    dataset: Code | None = None
    run: RunId | None = None
    flow: Literal["X", "M", "B"] | None = None
    partner: Code | None = None
    sector: Code | None = None
    kind: str = Field(default="month", pattern=f"^({'|'.join(SCORE_KINDS)})$")
    step: int | None = Field(default=None, ge=1, le=120)
    fold: Month | None = None


@router.get("/backtest")
def read_backtest_page(
    query: Annotated[BacktestPageQuery, Query()], request: Request, session: SessionDep, catalogs: CatalogCacheDep
) -> Response:
    """The backtest of some series for one kind of period."""
    names = [dataset.id for dataset in catalog.datasets(session) if dataset.series]
    dataset = query.dataset or next((name for name in names if name == "CN_TRADE"), names[0] if names else "")
    published = open_run(session, catalogs, dataset, query.run)
    query, chosen = _complete(published, query)
    scores = _scores(published, catalogs, chosen, query.kind)
    single = chosen[0] if len(chosen) == 1 else None
    cutoffs = fold_cutoffs(published, single, query.kind) if single else []
    shown = select_fold(cutoffs, query.fold) if cutoffs else None
    codes = _codes(query)
    api = links.api_backtests(dataset, run=published.run.id, **codes, kind=query.kind)
    conditions = runs.conditional_coverage(session, published.run.id) if query.kind == "month" else []
    sections = [
        *score_sections(scores, kind=query.kind, unit=published.catalog.common_unit(chosen), api=api),
        *([conditional_section(conditions, api)] if conditions else []),
        *fold_sections(published, single, query.kind, cutoffs, shown),
        largest_misses(published, chosen, kind=query.kind, step=query.step, **codes),
    ]
    subject = published.name(chosen[0]) if len(chosen) == 1 else formatting.count_of(len(chosen), "series", "series")
    address = links.absolute(request.base_url, links.backtest(dataset, run=published.run.id))
    return page(
        request,
        "backtest.html",
        title="Backtest",
        sections=sections,
        query=query,
        published=published,
        subject=subject,
        folds=scores.folds,
        verdict=verdict(scores, kind=query.kind, unit=published.catalog.common_unit(chosen)),
        cutoffs=[(f"{cutoff:%Y-%m}", formatting.month_name(cutoff)) for cutoff in cutoffs],
        shown=f"{shown:%Y-%m}" if shown else None,
        step=query.step or miss_steps(query.kind, None)[1],
        steps=_steps(query.kind),
        datasets=[(name, name) for name in names],
        kinds=[(kind, kind_name(kind)) for kind in SCORE_KINDS],
        choices=_choices(published),
        citation=citation(published, f"backtest of {subject}", address),
    )


def _complete(published: PublishedRun, query: BacktestPageQuery) -> tuple[BacktestPageQuery, Sequence[ResolvedSeries]]:
    """The query with missing codes taken from the main series, and the series that it selects."""
    main = published.main(query.flow or published.flows[0])
    query = query.model_copy(
        update={"flow": main.flow, "partner": query.partner or main.partner, "sector": query.sector or main.sector}
    )
    return query, published.catalog.choose(
        flows=[main.flow],
        partners=None if query.partner in (None, ALL) else [query.partner],
        sectors=None if query.sector in (None, ALL) else [query.sector],
    )


def _scores(
    published: PublishedRun, catalogs: CatalogCache, chosen: Sequence[ResolvedSeries], kind: str
) -> BacktestScores:
    """Backtest scores, cached because a published run cannot change."""
    key = ("backtest", published.run.id, kind, *(series.unique_id for series in chosen))
    scores: BacktestScores = catalogs.answers.get(key, partial(read_scores, published, chosen, kind))
    return scores


def kind_name(kind: str) -> str:
    """The name of a kind of period."""
    level = PERIODS[kind.removesuffix(GROWTH)]
    return f"{level}, growth on a year ago" if kind.endswith(GROWTH) else level


def _steps(kind: str) -> list[tuple[int, str]]:
    """Steps to choose from for the largest misses."""
    at_most = "" if kind.startswith("month") else "at most "
    return [(step, f"{at_most}{formatting.count_of(step, 'month')} ahead") for step in STEPS]


def _codes(query: BacktestPageQuery) -> dict[str, Any]:
    return {
        "flow": query.flow,
        "partner": None if query.partner == ALL else query.partner,
        "sector": None if query.sector == ALL else query.sector,
    }


def _choices(published: PublishedRun) -> dict[str, list[tuple[str, str]]]:
    _, partners, sectors = published.catalog.codes
    members = published.catalog.members
    names = {code: published.partner_label(code) for code in [*partners, *members]}
    countries = sorted(names.items(), key=lambda pair: (pair[0] != TOTAL_PARTNER, pair[0] not in members, pair[1]))
    goods = sorted(
        ((code, published.catalog.sectors[code]) for code in sectors), key=lambda pair: pair[0] != TOTAL_SECTOR
    )
    return {
        "flow": [(flow, formatting.FLOW_NAMES[flow].capitalize()) for flow in published.flows],
        "partner": [*countries, (ALL, "All partners, pooled")],
        "sector": [*goods, (ALL, "All sectors, pooled")],
    }
