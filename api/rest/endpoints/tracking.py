"""Tracking: published forecasts beside their outcomes, and series that drift."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader
from api.dependencies import CatalogCacheDep, SessionDep
from api.http_cache import NO_CACHE
from api.rest.path_parameters import DatasetPath
from api.rest.responses import list_response, page_of
from api.rest.schemas.common import columns
from api.rest.schemas.problem import PROBLEM
from api.rest.schemas.tracking import (
    RollingAnswer,
    TrackedAnswer,
    TrackedSeriesAnswer,
    TrackedSeriesPage,
    TrackingPage,
)
from forecasting.data.months import format_month
from services.datasets.table_facts import table_facts
from services.queries.tracking import TrackedSeriesQuery, TrackingQuery
from services.runs.run_selection import run_of
from services.series.series_catalog import part_names
from store.queries import forecast_scores
from store.queries.forecast_scores import ForecastScoreRecord, SeriesRecord

router = APIRouter(tags=["tracking"], dependencies=[Reader], responses=PROBLEM)
COLUMNS = columns(TrackedAnswer, without=("rolling",))
ROLLING = columns(RollingAnswer)


@router.get("/v1/datasets/{dataset}/tracking", responses={200: {"model": TrackingPage}})
def read_tracking(
    dataset: DatasetPath,
    query: Annotated[TrackingQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Every published forecast with a known outcome: first print, latest value, errors and coverage.

    `rolling` summarises the last twelve forecasts of the same series and step beside the backtest. January and February
    published as one figure are scored as their sum. A partner group stands for its members.
    """
    _, catalog = catalogs.of_dataset(session, dataset)
    names = part_names(catalog.choose(flows=query.flow, partners=query.partner, sectors=query.sector))
    if query.run is not None:
        run_of(session, dataset, query.run)
    filters = query.model_dump(include={"step", "start", "end", "live", "drifts", "limit", "offset"})
    found = forecast_scores.page(session, list(names), run_id=query.run, **filters)
    items = [_tracked_answer(row, names[row.series_id], catalog.unit_of_id(names[row.series_id])) for row in found.rows]
    return list_response(
        request,
        query,
        total=found.total,
        key="tracking",
        items=items,
        columns=(*COLUMNS, *(f"rolling_{name}" for name in ROLLING)),
        rows=map(_cells, items),
        context={"dataset": dataset, "unit": catalog.unit},
        headers=NO_CACHE,
        facts=partial(table_facts, session, dataset),
    )


@router.get("/v1/datasets/{dataset}/tracking/series", responses={200: {"model": TrackedSeriesPage}})
def read_tracked_series(
    dataset: DatasetPath,
    query: Annotated[TrackedSeriesQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Recent accuracy by series, and which series drift.

    For each of the last twelve months the newest forecast published before the outcome counts.
    """
    _, catalog = catalogs.of_dataset(session, dataset)
    names = part_names(catalog.choose(flows=query.flow, partners=query.partner, sectors=query.sector))
    records = forecast_scores.series_records(session, list(names))
    wanted = [record for record in records if query.drifts in (None, record.drifts)]
    page = page_of(request, query, wanted)
    drifting = sum(record.drifts for record in records)
    return list_response(
        request,
        query,
        total=len(wanted),
        key="series",
        items=[
            _series_answer(record, names[record.series_id], catalog.unit_of_id(names[record.series_id]))
            for record in page
        ],
        columns=columns(TrackedSeriesAnswer),
        context={"dataset": dataset, "unit": catalog.unit, "series_drifting": drifting},
        headers=NO_CACHE,
        facts=partial(table_facts, session, dataset),
    )


def _tracked_answer(row: ForecastScoreRecord, unique_id: str, unit: str) -> TrackedAnswer:
    return {
        "unique_id": unique_id,
        "run": row.run_id,
        "as_of": row.as_of,
        "cutoff": format_month(row.cutoff),
        "month": format_month(row.month),
        "months": row.months,
        "step": row.step,
        "unit": unit,
        "mean": row.mean,
        "median": row.median,
        # A revised value replaces a first print that was not stored.
        "first_print": None if row.backfilled else row.first_value,
        "first_vintage": row.first_vintage,
        "latest": row.latest_value,
        "latest_vintage": row.latest_vintage,
        "backfilled": row.backfilled,
        "first_error": None if row.backfilled else row.first_value - row.mean,
        "latest_error": row.latest_value - row.mean,
        "first_level": row.first_level,
        "latest_level": row.latest_level,
        "first_wis": row.first_wis,
        "latest_wis": row.latest_wis,
        "backtest_mae": row.backtest_mae,
        "backtest_coverage": row.backtest_coverage,
        "live": row.live,
        "rolling": _rolling_answer(row),
    }


def _rolling_answer(row: ForecastScoreRecord) -> RollingAnswer | None:
    if row.rolling_n is None:
        return None
    assert row.rolling_mae is not None
    assert row.rolling_backtest_mae is not None
    assert row.rolling_coverage is not None
    assert row.drifts is not None
    return {
        "n": row.rolling_n,
        "mae": row.rolling_mae,
        "backtest_mae": row.rolling_backtest_mae,
        "coverage": row.rolling_coverage,
        "backtest_coverage": row.rolling_backtest_coverage,
        "drifts": row.drifts,
    }


def _cells(tracked: TrackedAnswer) -> list[Any]:
    rolling: dict[str, Any] = {**(tracked["rolling"] or {})}
    row: dict[str, Any] = {**tracked}
    return [*(row[name] for name in COLUMNS), *(rolling.get(name) for name in ROLLING)]


def _series_answer(record: SeriesRecord, unique_id: str, unit: str) -> TrackedSeriesAnswer:
    return {
        "unique_id": unique_id,
        "month": format_month(record.month),
        "unit": unit,
        "n": record.n,
        "mae": record.mae,
        "backtest_mae": record.backtest_mae,
        "coverage": record.coverage,
        "backtest_coverage": record.backtest_coverage,
        "drifts": record.drifts,
    }
