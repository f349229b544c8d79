"""Forecasts made by other institutions or models: read beside Tradewind's, and appended."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader, Writer
from api.dependencies import BodyDep, CatalogCacheDep, ConfigDep, NoParameters, SessionDep
from api.http_cache import NO_CACHE, NO_STORE
from api.rest.path_parameters import DatasetPath
from api.rest.responses import json_response, list_response, page_of
from api.rest.schemas.common import columns
from api.rest.schemas.external_forecasts import (
    ExternalAppendedAnswer,
    ExternalForecastAnswer,
    ExternalForecastPage,
    ExternalModelAnswer,
    ExternalModelPage,
)
from api.rest.schemas.problem import PROBLEM
from api.rest.uploads import table_body, uploaded_table
from forecasting.data.months import format_month
from services.history.consensus import selected_parts
from services.queries.tracking import ExternalForecastQuery, ExternalModelsQuery
from store.queries import catalog, external_forecasts
from store.queries.external_forecasts import Comparison, ModelRecord
from store.queries.hubverse_format import check_hubverse

router = APIRouter(tags=["external forecasts"], responses=PROBLEM)
BODY = table_body(
    "forecasts",
    {
        "model_id": "poll",
        "reference_date": "2026-08-31",
        "target": "X TOTAL",
        "horizon": 0,
        "location": "WLD",
        "target_end_date": "2026-08-31",
        "output_type": "quantile",
        "output_type_id": 0.9,
        "value": 341.0,
    },
    description="The hubverse's columns; a target is a flow and a sector, and pc1 for growth; a location a partner.",
)
PER_CENT = "% on a year ago"
PATH = "/v1/datasets/{dataset}/external-forecasts"


@router.get(PATH, dependencies=[Reader], responses={200: {"model": ExternalForecastPage}})
def read_external_forecasts(
    dataset: DatasetPath,
    query: Annotated[ExternalForecastQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """External forecasts beside Tradewind's of the same target from no later knowledge, with the outcome.

    Both are scored by absolute error and weighted interval score, on the first print and the latest value. Growth and
    balances are compared with the backtest where no run is as old.
    """
    _, known = catalogs.of_dataset(session, dataset)
    selected = selected_parts(known, flows=query.flow, partners=query.partner, sectors=query.sector)
    filters = query.model_dump(include={"model", "start", "end", "scored", "limit", "offset"})
    growth = None if query.units is None else query.units == "pc1"
    found = external_forecasts.page(session, selected.series, balances=selected.balances, growth=growth, **filters)
    return list_response(
        request,
        query,
        total=found.total,
        key="external_forecasts",
        items=[_comparison_answer(row, selected.name(row), known.unit_of_id(selected.name(row))) for row in found.rows],
        columns=columns(ExternalForecastAnswer),
        context={"dataset": dataset, "unit": known.unit},
        headers=NO_CACHE,
    )


@router.get(f"{PATH}/models", dependencies=[Reader], responses={200: {"model": ExternalModelPage}})
def read_external_models(
    dataset: DatasetPath,
    query: Annotated[ExternalModelsQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Mean errors and weighted interval scores of each model on first prints, beside Tradewind's."""
    _, known = catalogs.of_dataset(session, dataset)
    selected = selected_parts(known, flows=query.flow, partners=query.partner, sectors=query.sector)
    found = external_forecasts.by_model(session, selected.series, balances=selected.balances)
    page = page_of(request, query, found)
    return list_response(
        request,
        query,
        total=len(found),
        key="models",
        items=[_model_answer(row, known.unit) for row in page],
        columns=columns(ExternalModelAnswer),
        context={"dataset": dataset, "unit": known.unit},
        headers=NO_CACHE,
    )


@router.post(
    PATH,
    status_code=201,
    dependencies=[Writer, NoParameters],
    responses={201: {"model": ExternalAppendedAnswer}},
    openapi_extra=BODY,
)
def append_external_forecasts(
    dataset: DatasetPath, body: BodyDep, request: Request, session: SessionDep, config: ConfigDep
) -> Response:
    """Append external forecasts in the hubverse layout, all of them or none.

    A statement is stored once: a repetition is ignored, another value is refused. An error names row, column and
    reason; the header of a CSV is row 1. The scheduler scores forecasts when their outcome is known.
    """
    catalog.dataset(session, dataset)
    table = uploaded_table(request, body, name="forecasts", limit=config.max_upload_bytes)
    frame = check_hubverse(table, today=config.now().date())
    appended = external_forecasts.append(session, dataset=dataset, frame=frame)
    session.commit()
    answer = {"dataset": dataset, "received": len(frame), **appended._asdict()}
    return json_response(answer, status=201, headers=NO_STORE)


def _comparison_answer(row: Comparison, unique_id: str, unit: str) -> ExternalForecastAnswer:
    return {
        "unique_id": unique_id,
        "model_id": row.model_id,
        "reference_date": row.reference_date,
        "month": format_month(row.month),
        "months": row.months,
        "units": "pc1" if row.measure == "pc1" else "lin",
        "unit": PER_CENT if row.measure == "pc1" else unit,
        "run": row.run_id,
        "backtest": row.backtest,
        "step": row.step,
        "point": row.point,
        "tradewind_point": row.our_point,
        "first_print": row.first_value,
        "latest": row.latest_value,
        "quantiles": row.quantiles,
        "first_error": _absolute_error(row.first_value, row.point),
        "tradewind_first_error": _absolute_error(row.first_value, row.our_point),
        "latest_error": _absolute_error(row.latest_value, row.point),
        "tradewind_latest_error": _absolute_error(row.latest_value, row.our_point),
        "first_wis": row.first_wis,
        "tradewind_first_wis": row.our_first_wis,
        "latest_wis": row.latest_wis,
        "tradewind_latest_wis": row.our_latest_wis,
    }


def _model_answer(row: ModelRecord, unit: str) -> ExternalModelAnswer:
    return {
        "model_id": row.model_id,
        "n": row.n,
        "points": row.points,
        "measure": row.measure,
        "unit": PER_CENT if row.measure == "pc1" else unit,
        "mae": row.mae,
        "tradewind_mae": row.our_mae,
        "wis": row.wis,
        "tradewind_wis": row.our_wis,
        "share_better": row.better,
    }


def _absolute_error(actual: float | None, point: float | None) -> float | None:
    return None if actual is None or point is None else abs(actual - point)
