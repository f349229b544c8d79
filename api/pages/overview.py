"""The first page: what is expected of each dataset, what is new, what came against what was expected, what is due."""

from collections.abc import Sequence
from math import isfinite
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlmodel import Session

from api import wording
from api.blocks import Block, figure, in_unit, link, text
from api.catalogs import Catalogs
from api.charts.fan import fan
from api.deps import CatalogsDep, SessionDep, may_read
from api.pages.figures import Figure, Outcome, outcome, rows_ahead
from api.pages.layout import PageQuery, PageRoute, page
from api.pages.reading import Desk, citation, earlier_runs, iso_day, open_run
from api.selection import Chosen
from forecasting.answers import Outlook
from forecasting.config import COMBINATION, interval_probabilities
from forecasting.spans import YEAR, Span, spans_ahead
from store import backtests, catalog, forecasts, releases, runs
from store.tables import TOTAL_SECTOR

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
LEVEL, CHART_LEVELS, CHART_YEARS = 80.0, (95.0, 80.0, 50.0), 5


@router.get("/")
def read_overview(
    query: Annotated[PageQuery, Query()], request: Request, session: SessionDep, catalogs: CatalogsDep
) -> Response:
    """Every dataset's headline."""
    cards = [_card(session, catalogs, one.id) for one in catalog.datasets(session) if one.series]
    # The world's total comes first: it is what most people look for.
    cards.sort(key=lambda card: len(card["flows"]), reverse=True)
    blocks = [block for card in cards for block in card["blocks"]]
    return page(request, "overview.html", title="Overview", blocks=blocks, query=query, cards=cards)


def _card(session: Session, catalogs: Catalogs, dataset: str) -> dict[str, Any]:
    record = catalog.dataset(session, dataset)
    if runs.latest_published(session, dataset) is None:
        return {"dataset": record, "run": None, "flows": [], "blocks": []}
    desk = open_run(session, catalogs, dataset)
    known = earlier_runs(session, desk.run, limit=1)
    # A published run never changes: what it says of itself and of the run before is worked out once.
    key = ("overview", desk.run.id, *(run.id for run in known))
    card = catalogs.answers.get(key)
    if card is None:
        card = _headline(desk)
        catalogs.answers.put(key, card)
    return {**card, "dataset": record, "run": desk.run, "unit": desk.unit, "due": releases.next_due(session, dataset)}


def _headline(desk: Desk) -> dict[str, Any]:
    totals = [desk.choose(flow) for flow in desk.flows]
    outlooks = desk.outlooks(totals)
    flows = [_outcomes(desk, one, outlook) for one, outlook in zip(totals, outlooks, strict=True)]
    return {
        "flows": flows,
        "lead": flows[-1] if len(flows) > 1 else flows[0],
        "came": [_last_published(desk, one, outlook) for one, outlook in zip(totals, outlooks, strict=True)],
        "news": _news(desk, totals, flows),
        "citation": citation(desk, desk.dataset.title, f"/v1/runs/{desk.run.id}"),
        "blocks": [_chart(desk, totals[0], outlooks[0]), *_sectors(desk)],
    }


def _outcomes(desk: Desk, one: Chosen, outlook: Outlook) -> dict[str, Any]:
    """The next month and the calendar year it is in."""
    month = spans_ahead(desk.last, 1, "M")[0]
    years = spans_ahead(desk.last, desk.run.horizon, "A")
    return {
        "name": desk.name(one),
        "href": f"/series/{one.unique_id.replace('.', '/')}",
        "month": outcome(outlook, month, level=LEVEL),
        "year": outcome(outlook, years[0], level=LEVEL) if years else None,
        "observed": years[0].observed(desk.last) if years else 0,
    }


def _last_published(desk: Desk, one: Chosen, outlook: Outlook) -> dict[str, Any]:
    """The newest figure beside what was expected of it: by the run before, else by the backtest a month earlier."""
    actual, month = float(outlook.observed[-1]), Span(desk.last, desk.last, "month")
    before = earlier_runs(desk.session, desk.run, limit=1)
    if before:
        earlier = Desk(desk.session, desk.dataset, before[0], desk.catalog)
        seen = rows_ahead(earlier.outlooks([one])[0], [month], "lin", [LEVEL]) if earlier.last >= desk.last - 24 else []
        if seen:
            row = seen[0]
            return _compared(
                desk, one, actual, Figure(row["median"], row["lo_80"], row["hi_80"]), f"run {before[0].id}"
            )
    expected = _from_fold(desk, one)
    return _compared(desk, one, actual, expected, "the backtest a month earlier")


def _from_fold(desk: Desk, one: Chosen) -> Figure:
    """What the newest fold said a month ahead; a derived series has no interval of its own there."""
    if one.derived:
        parts = {part.series_id: part.sign for part in one.parts}
        found = backtests.said(desk.session, desk.run.id, list(parts), forecaster=COMBINATION)
        newest = [
            said for said in found if said.cutoff == max(each.cutoff for each in found if each.cutoff < desk.cutoff)
        ]
        total = sum(parts[said.series_id] * said.means[0] for said in newest)
        return Figure(total if len(newest) == len(parts) else None, None, None)
    number = one.parts[0].series_id
    page_of = backtests.tracks(desk.session, desk.run.id, number, forecaster=COMBINATION, limit=1)
    if not page_of.rows:
        return Figure(None, None, None)
    means, quantiles = page_of.rows[0].means, page_of.rows[0].quantiles
    kept = forecasts.coverage(desk.session, desk.run.id).probabilities
    lo, hi = (quantiles[kept.index(each)][0] for each in interval_probabilities(LEVEL)) if quantiles else (None, None)
    return Figure(means[0], lo, hi)


def _compared(desk: Desk, one: Chosen, actual: float, expected: Figure, by: str) -> dict[str, Any]:
    held = None if expected.lo is None or expected.hi is None else expected.lo <= actual <= expected.hi
    return {"name": desk.name(one), "actual": actual, "expected": expected, "by": by, "held": held}


def _news(desk: Desk, totals: Sequence[Chosen], now: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """What the run before expected of the same periods."""
    before = earlier_runs(desk.session, desk.run, limit=1)
    if not before:
        return None
    earlier = Desk(desk.session, desk.dataset, before[0], desk.catalog)
    changes = []
    for one, outlook, flow in zip(totals, earlier.outlooks(totals), now, strict=True):
        for each in (flow["month"], flow["year"]):
            was = rows_ahead(outlook, [each.span], "lin", [LEVEL]) if _within(earlier, each) else []
            if was:
                changes.append({"name": desk.name(one), "span": each.span, "was": was[0]["median"], "now": each.level})
    return {"run": before[0], "months": desk.last - earlier.last, "changes": changes}


def _within(desk: Desk, found: Outcome | None) -> bool:
    return found is not None and found.span.last <= desk.last + desk.run.horizon


def _chart(desk: Desk, one: Chosen, outlook: Outlook) -> Block:
    show = in_unit(desk.unit)
    start = max(len(outlook.observed) - CHART_YEARS * YEAR, 0)
    observed = [
        {
            "month": iso_day(outlook.start + place),
            "value": value,
            "name": wording.month_name(iso_day(outlook.start + place)),
            "tip": show(value),
        }
        for place, value in enumerate(outlook.observed.tolist())
        if place >= start and isfinite(value)
    ]
    rows = rows_ahead(outlook, spans_ahead(desk.last, desk.run.horizon, "M"), "lin", CHART_LEVELS)
    for row in rows:
        row |= {"month": iso_day(row["last"]), "name": wording.month_name(row["period"]), "tip": show(row["median"])}
        row |= {
            f"tip_{level:g}": f"{show(row[f'lo_{level:g}'])} to {show(row[f'hi_{level:g}'])}" for level in CHART_LEVELS
        }
    columns = [text("period", "Month", wording.month_name), figure("median", f"Expected ({desk.unit})", show)]
    for level in sorted(CHART_LEVELS):
        columns += [
            figure(f"lo_{level:g}", f"{level:g} % from", show),
            figure(f"hi_{level:g}", f"{level:g} % to", show),
        ]
    return Block(
        name=f"{desk.dataset.id.lower()}-next",
        title=f"{desk.name(one)}, by month",
        columns=columns,
        rows=rows,
        spec=fan(observed, rows, unit=desk.unit, levels=CHART_LEVELS),
        note="Observed in black, expected in blue; the shades hold what comes 50, 80 and 95 times in 100.",
        open=False,
        api=f"/v1/datasets/{desk.dataset.id}/forecasts?flow={one.flow}&partner={one.partner}&sector={one.sector}&level=50,80,95",
    )


def _sectors(desk: Desk) -> list[Block]:
    """The year by sector, where the dataset has sectors."""
    chosen = [one for one in desk.catalog.stored if one.partner == "WLD" and one.sector != TOTAL_SECTOR]
    years = spans_ahead(desk.last, desk.run.horizon, "A")
    if not chosen or not years:
        return []
    show = in_unit(desk.unit)
    rows = []
    for one, outlook in zip(chosen, desk.outlooks(chosen), strict=True):
        found = outcome(outlook, years[0], level=LEVEL)
        rows.append(
            {
                "series": desk.name(one),
                "href": f"/series/{one.unique_id.replace('.', '/')}",
                "expected": found.level.median,
                "lo": found.level.lo,
                "hi": found.level.hi,
                "growth": found.growth.median,
                "above_year_ago": found.above_year_ago,
            }
        )
    return [
        Block(
            name=f"{desk.dataset.id.lower()}-sectors",
            title=f"{years[0].label} by sector",
            columns=[
                link("series", "Series"),
                figure("expected", f"Expected ({desk.unit})", show),
                figure("lo", "80 % from", show),
                figure("hi", "80 % to", show),
                figure("growth", "On the year before", wording.per_cent_change),
                figure("above_year_ago", "Chance to exceed the year before", wording.share),
            ],
            rows=rows,
            api=f"/v1/datasets/{desk.dataset.id}/forecasts?flow=X&partner=WLD&frequency=A&level=80",
        )
    ]
