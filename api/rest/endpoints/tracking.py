"""The record: what was forecast, what came, and which series drift."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import CatalogCacheDep, SessionDep, may_read
from api.rest.direct import DirectRoute
from api.rest.paging import paging, paging_headers
from api.rest.path_parameters import DatasetPath
from api.rest.responses import csv_response, json_response, wanted_format
from api.rest.schemas import tracking
from api.rest.serializers.forecasts import month_text
from services.parameters import TrackedSeriesQuery, TrackingQuery
from services.run_selection import run_of
from store.models import ResolvedSeries
from store.queries import forecast_scores
from store.queries.forecast_scores import ForecastScoreRecord, SeriesRecord

router = APIRouter(route_class=DirectRoute, tags=["tracking"], dependencies=[Depends(may_read)])
ROLLING = ("n", "mae", "backtest_mae", "coverage", "backtest_coverage", "drifts")
COLUMNS = tuple(name for name in tracking.TrackedAnswer.model_fields if name != "rolling")
SERIES_COLUMNS = tuple(tracking.SeriesRecordAnswer.model_fields)


@router.get("/v1/datasets/{dataset}/tracking", responses={200: {"model": tracking.TrackingPage}})
def read_tracking(
    dataset: DatasetPath,
    query: Annotated[TrackingQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Every published forecast whose month has come: first print, latest value, errors, and the interval that held it.

    `rolling` are the last twelve forecasts of the same series and step beside what the backtests promised. January and
    February published as one figure are scored as their sum. A partner group stands for its members.
    """
    _, catalog = catalogs.of_dataset(session, dataset)
    chosen = catalog.choose(flows=query.flow, partners=query.partner, sectors=query.sector)
    names = _names(chosen)
    if query.run is not None:
        run_of(session, dataset, query.run)
    wanted = query.model_dump(include={"step", "start", "end", "live", "drifts", "limit", "offset"})
    found = forecast_scores.page(session, list(names), run_id=query.run, **wanted)
    page = paging(request, limit=query.limit, offset=query.offset, total=found.total)
    answers = [_tracked_answer(row, names[row.series_id], catalog.unit) for row in found.rows]
    headers = {"Cache-Control": "no-cache", **paging_headers(page)}
    if wanted_format(request, query.format) == "csv":
        columns = (*COLUMNS, *(f"rolling_{name}" for name in ROLLING))
        rows = ([*(answer[name] for name in COLUMNS), *_rolling_cells(answer["rolling"])] for answer in answers)
        return csv_response(columns, rows, headers=headers)
    return json_response({"dataset": dataset, "unit": catalog.unit, **page, "tracking": answers}, headers=headers)


@router.get("/v1/datasets/{dataset}/tracking/series", responses={200: {"model": tracking.SeriesRecordPage}})
def read_tracked_series(
    dataset: DatasetPath,
    query: Annotated[TrackedSeriesQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """How the forecasts that stood when figures came have done of late, a row a series, and which series drift.

    Of each month the newest forecast published before it came counts; the last twelve of them.
    """
    _, catalog = catalogs.of_dataset(session, dataset)
    names = _names(catalog.choose(flows=query.flow, partners=query.partner, sectors=query.sector))
    records = forecast_scores.series_records(session, list(names))
    found = [one for one in records if query.drifts in (None, one.drifts)]
    page = paging(request, limit=query.limit, offset=query.offset, total=len(found))
    shown = found[query.offset : query.offset + query.limit]
    answers = [_record_answer(one, names[one.series_id], catalog.unit) for one in shown]
    headers = {"Cache-Control": "no-cache", **paging_headers(page)}
    if wanted_format(request, query.format) == "csv":
        return csv_response(SERIES_COLUMNS, (list(answer.values()) for answer in answers), headers=headers)
    about = {"dataset": dataset, "unit": catalog.unit, "series_drifting": sum(one.drifts for one in records)}
    return json_response({**about, **page, "series": answers}, headers=headers)


def _names(chosen: Sequence[ResolvedSeries]) -> dict[int, str]:
    """Names of the stored series behind those chosen, by number, in their order."""
    return {part.series_id: part.unique_id for one in chosen for part in one.parts}


def _tracked_answer(row: ForecastScoreRecord, unique_id: str, unit: str) -> dict[str, Any]:
    fields = row._asdict() | {
        "unique_id": unique_id,
        "run": row.run_id,
        "unit": unit,
        "cutoff": month_text(row.cutoff),
        "month": month_text(row.month),
        # A revised value stands in for a first print that was not stored.
        "first_print": None if row.backfilled else row.first_value,
        "latest": row.latest_value,
        "first_error": None if row.backfilled else row.first_value - row.mean,
        "latest_error": row.latest_value - row.mean,
    }
    rolling = None
    if row.rolling_n is not None:
        cells = (row.rolling_n, row.rolling_mae, row.rolling_backtest_mae, row.rolling_coverage)
        rolling = dict(zip(ROLLING, (*cells, row.rolling_backtest_coverage, row.drifts), strict=True))
    return {name: fields[name] for name in COLUMNS} | {"rolling": rolling}


def _rolling_cells(rolling: dict[str, Any] | None) -> list[Any]:
    return [None] * len(ROLLING) if rolling is None else list(rolling.values())


def _record_answer(one: SeriesRecord, unique_id: str, unit: str) -> dict[str, Any]:
    fields = one._asdict() | {"unique_id": unique_id, "unit": unit, "month": month_text(one.month)}
    return {name: fields[name] for name in SERIES_COLUMNS}
