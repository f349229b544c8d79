"""Endpoints of the FRED protocol: series, search, observations, vintage dates and releases.

A series id is a unique_id, such as CN_TRADE.X.WLD.TOTAL. A release is a dataset, numbered by its place among the codes.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.authentication import authenticate_key, may_read
from api.config import ServerConfig
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.fred.errors import FredRoute
from api.fred.queries import (
    EARLIEST,
    LATEST,
    ObservationsQuery,
    OneSeriesQuery,
    PagedQuery,
    RealTimeQuery,
    ReleasesQuery,
    SearchQuery,
    VintageDatesQuery,
)
from api.fred.responses import dates_response, fred_response
from services.series.fred_series import (
    FredSeries,
    RealTimeValue,
    find_series,
    matching_series,
    real_time_values,
    transformed_values,
)
from services.series.series_transforms import FredFrequency
from store.queries import catalog


async def may_read_fred(request: Request) -> None:
    """Allow reading as elsewhere, also with the key as FRED's parameter `api_key`."""
    config: ServerConfig = request.app.state.options
    key = request.query_params.get("api_key")
    if config.require_key_to_read and key:
        await run_in_threadpool(authenticate_key, request, config, key, "read")
    else:
        await may_read(request)


router = APIRouter(
    prefix="/fred", route_class=FredRoute, include_in_schema=False, dependencies=[Depends(may_read_fred)]
)
FREQUENCIES: dict[FredFrequency, str] = {"m": "Monthly", "q": "Quarterly", "sa": "Semiannual", "a": "Annual"}


@router.get("/series")
def read_series(
    query: Annotated[OneSeriesQuery, Query()], session: SessionDep, catalogs: CatalogCacheDep, config: ConfigDep
) -> Response:
    """A series."""
    found = find_series(session, catalogs, query.series_id)
    period = _real_time(query, config.now().date())
    return fred_response(query.file_type, "seriess", period, "series", [_series_fields(found, period)])


@router.get("/series/search")
def search_series(
    query: Annotated[SearchQuery, Query()], session: SessionDep, catalogs: CatalogCacheDep, config: ConfigDep
) -> Response:
    """Series whose id and names contain every word of the text."""
    found = matching_series(session, catalogs, query.search_text.replace("+", " "))
    period = _real_time(query, config.now().date())
    page = _page(found, query)
    attributes = {**period, **_position(query, len(found)), "order_by": "series_id"}
    children = [_series_fields(match, period) for match in page]
    return fred_response(query.file_type, "seriess", attributes, "series", children)


@router.get("/series/observations")
def read_observations(
    query: Annotated[ObservationsQuery, Query()], session: SessionDep, catalogs: CatalogCacheDep, config: ConfigDep
) -> Response:
    """Observations of a series; with a real-time period, every value and the days on which it was the known one."""
    found = find_series(session, catalogs, query.series_id)
    today = config.now().date()
    period = _real_time(query, today)
    start, end = query.observation_start or date.min, query.observation_end or date.max
    if _as_known_on_a_day(query):
        rows = _values_of_a_day(session, found, query, period)
    else:
        rows = _vintages(session, found, query, today)
    rows = [row for row in rows if start <= row["date"] <= end]
    if query.sort_order == "desc":
        rows.reverse()
    page = rows[query.offset : query.offset + query.limit]
    attributes = {
        **period,
        "observation_start": "1600-01-01" if start == date.min else start,
        "observation_end": LATEST if end == date.max else end,
        "units": query.units,
        "output_type": query.output_type,
        "file_type": query.file_type,
        "order_by": "observation_date",
        **_position(query, len(rows)),
    }
    return fred_response(query.file_type, "observations", attributes, "observation", page)


@router.get("/series/vintagedates")
def read_vintage_dates(
    query: Annotated[VintageDatesQuery, Query()], session: SessionDep, catalogs: CatalogCacheDep, config: ConfigDep
) -> Response:
    """The days on which a series gained or changed values."""
    found = find_series(session, catalogs, query.series_id)
    today = config.now().date()
    values = real_time_values(session, found, start=date.min, end=date.max, as_of=today)
    days = sorted({value.realtime_start for value in values}, reverse=query.sort_order == "desc")
    attributes = {**_real_time(query, today, whole=True), **_position(query, len(days)), "order_by": "vintage_date"}
    return dates_response(query.file_type, attributes, days[query.offset : query.offset + query.limit])


@router.get("/releases")
def read_releases(query: Annotated[ReleasesQuery, Query()], session: SessionDep, config: ConfigDep) -> Response:
    """Releases, which are datasets."""
    datasets = catalog.datasets(session)
    period = _real_time(query, config.now().date())
    releases = [
        {
            "id": number,
            **period,
            "name": f"{dataset.id}: {dataset.title}",
            "press_release": "false",
            "link": "",
            "notes": f"{dataset.publisher}. {dataset.licence}",
        }
        for number, dataset in enumerate(datasets, start=1)
    ]
    attributes = {**period, **_position(query, len(releases)), "order_by": "release_id"}
    return fred_response(query.file_type, "releases", attributes, "release", _page(releases, query))


def _as_known_on_a_day(query: ObservationsQuery) -> bool:
    """Whether values as known on a day are asked for, rather than real-time periods."""
    if query.output_type != 1:
        return False
    return query.realtime_start is None or query.realtime_start == query.realtime_end


def _values_of_a_day(
    session: SessionDep, found: FredSeries, query: ObservationsQuery, period: dict[str, Any]
) -> list[dict[str, Any]]:
    values = transformed_values(
        session,
        found,
        units=query.units,
        frequency=query.frequency,
        method=query.aggregation_method,
        as_of=query.vintage_dates or query.realtime_end,
    )
    return [{**period, "date": day.date(), "value": _number(value)} for day, value in values.items()]  # type: ignore[attr-defined]


def _vintages(session: SessionDep, found: FredSeries, query: ObservationsQuery, today: date) -> list[dict[str, Any]]:
    """Levels with their real-time periods; of output type 4 the first value of each month."""
    first, last = query.realtime_start or EARLIEST, query.realtime_end or LATEST
    values = real_time_values(session, found, start=date.min, end=date.max, as_of=min(last, today))
    if query.output_type == 4:
        initial: dict[date, RealTimeValue] = {}
        for value in values:
            initial.setdefault(value.month, value)
        values = list(initial.values())
    return [
        {
            "realtime_start": max(value.realtime_start, first),
            "realtime_end": min(value.realtime_end or LATEST, last),
            "date": value.month,
            "value": _number(value.value),
        }
        for value in values
        if value.realtime_start <= last and (value.realtime_end or LATEST) >= first
    ]


def _series_fields(found: FredSeries, period: dict[str, Any]) -> dict[str, Any]:
    dataset, names, series = found
    flow = {"X": "Exports to", "M": "Imports from", "B": "Balance with"}[series.flow]
    title = f"{dataset.reporter}: {flow} {names.partners[series.partner]}, {names.sectors[series.sector]}"
    return {
        "id": series.unique_id,
        **period,
        "title": title,
        "observation_start": dataset.start,
        "observation_end": dataset.end,
        "frequency": FREQUENCIES["m"],
        "frequency_short": "M",
        "units": names.unit_of(series),
        "units_short": names.unit_of(series),
        "seasonal_adjustment": "Not Seasonally Adjusted",
        "seasonal_adjustment_short": "NSA",
        "last_updated": dataset.end,
        "popularity": 0,
        "notes": f"{dataset.citation}. {dataset.licence}",
    }


def _real_time(query: RealTimeQuery, today: date, *, whole: bool = False) -> dict[str, Any]:
    first = query.realtime_start or (EARLIEST if whole else today)
    return {"realtime_start": first, "realtime_end": query.realtime_end or (LATEST if whole else today)}


def _position(query: PagedQuery | VintageDatesQuery | ObservationsQuery, count: int) -> dict[str, Any]:
    return {"sort_order": query.sort_order, "count": count, "offset": query.offset, "limit": query.limit}


def _page(rows: Sequence[Any], query: PagedQuery) -> Sequence[Any]:
    ordered = rows[::-1] if query.sort_order == "desc" else rows
    return ordered[query.offset : query.offset + query.limit]


def _number(value: float) -> str:
    """A value as FRED writes it: decimal digits without an exponent."""
    return f"{value:.12g}" if abs(value) < 1e12 else f"{value:f}"
