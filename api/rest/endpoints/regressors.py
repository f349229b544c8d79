"""Own regressors of datasets: defined, read and extended; their worth and effects in runs."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api.authentication import Reader, Writer
from api.dependencies import BodyDep, CatalogCacheDep, ConfigDep, NoParameters, SessionDep
from api.http_cache import NO_CACHE, NO_STORE, latest_headers
from api.rest.path_parameters import DatasetPath
from api.rest.request_bodies import json_body, read_body
from api.rest.responses import json_response, list_response, page_of
from api.rest.schemas.common import columns
from api.rest.schemas.problem import PROBLEM
from api.rest.schemas.regressors import (
    RegressorAnswer,
    RegressorEvidenceAnswer,
    RegressorEvidencePage,
    RegressorPage,
    RegressorStored,
    RegressorValueAnswer,
    RegressorValuePage,
)
from api.rest.serializers.runs import run_answer
from api.rest.uploads import table_body, uploaded_table
from forecasting.data.months import format_month
from services.parameters import Paged
from services.queries.regressors import REGRESSOR, NewRegressor, RegressorValuesQuery
from services.queries.runs import EvidenceQuery
from services.runs.run_selection import select_run
from store.queries import regressors
from store.queries.regressors import RegressorEvidenceRecord, RegressorRecord
from tables import check_regressor

router = APIRouter(tags=["regressors"], responses=PROBLEM)
PATH = "/v1/datasets/{dataset}/regressors"
RegressorPath = Annotated[str, Path(pattern=REGRESSOR, description="A regressor's code.")]
BODY = table_body(
    "values",
    {"month": "2027-01", "value": 21.5},
    description="month (YYYY-MM), past or to come, value, and if given known_on (YYYY-MM-DD), by default today.",
)


@router.get(PATH, dependencies=[Reader], responses={200: {"model": RegressorPage}})
def read_regressors(
    dataset: DatasetPath, query: Annotated[Paged, Query()], request: Request, session: SessionDep
) -> Response:
    """The own regressors of a dataset, with the series that each explains."""
    found = regressors.regressors(session, dataset)
    items: list[RegressorAnswer] = [_regressor_answer(record) for record in found]
    return list_response(
        request,
        query,
        total=len(found),
        key="regressors",
        items=page_of(request, query, items),
        columns=columns(RegressorAnswer),
        context={"dataset": dataset},
        headers=NO_CACHE,
    )


@router.post(
    PATH,
    status_code=201,
    dependencies=[Writer, NoParameters],
    responses={201: {"model": RegressorAnswer}},
    openapi_extra=json_body(NewRegressor),
)
def define_regressor(dataset: DatasetPath, body: BodyDep, session: SessionDep) -> Response:
    """Define a regressor, or replace its definition; its values stay."""
    record = RegressorRecord(**read_body(NewRegressor, body).model_dump())
    regressors.define(session, dataset, record)
    session.commit()
    return json_response(_regressor_answer(record), status=201, headers=NO_STORE)


@router.get(f"{PATH}/evidence", dependencies=[Reader], responses={200: {"model": RegressorEvidencePage}})
def read_regressor_evidence(
    dataset: DatasetPath,
    query: Annotated[EvidenceQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Regressors in the latest run, or in another: errors without and with them by series, their weight and effects."""
    run = select_run(session, dataset, query)
    coverage, _ = catalogs.of_run(session, run.id)
    names = {series.id: f"{dataset}.{series.flow}.{series.partner}.{series.sector}" for series in coverage.series}
    found = regressors.evidence(session, run.id)
    effects = [
        {"unique_id": names[row.series_id], "regressor": row.regressor_id, "coefficient": row.coefficient}
        for row in regressors.effects(session, run.id)
    ]
    page = page_of(request, query, found)
    return list_response(
        request,
        query,
        total=len(found),
        key="evidence",
        items=[_evidence_answer(row, names[row.series_id], coverage.unit) for row in page],
        columns=columns(RegressorEvidenceAnswer),
        context={"dataset": dataset, "unit": coverage.unit, "run": run_answer(run), "effects": effects},
        headers=latest_headers(request, session, config, run, query)[0],
    )


@router.get(f"{PATH}/{{regressor}}/values", dependencies=[Reader], responses={200: {"model": RegressorValuePage}})
def read_regressor_values(
    dataset: DatasetPath,
    regressor: RegressorPath,
    query: Annotated[RegressorValuesQuery, Query()],
    request: Request,
    session: SessionDep,
) -> Response:
    """Values of a regressor by month, past and to come, as known on a day or now."""
    record = regressors.regressor(session, dataset, regressor)
    found = regressors.values(session, dataset, regressor, as_of=query.as_of)
    items: list[RegressorValueAnswer] = [
        {"month": format_month(row.month), "value": row.value, "unit": record.unit, "known_on": row.known_on}
        for row in page_of(request, query, found)
    ]
    return list_response(
        request,
        query,
        total=len(found),
        key="values",
        items=items,
        columns=columns(RegressorValueAnswer),
        context={"dataset": dataset, "regressor": regressor, "unit": record.unit, "as_of": query.as_of},
        headers=NO_CACHE,
    )


@router.post(
    f"{PATH}/{{regressor}}/values",
    status_code=201,
    dependencies=[Writer, NoParameters],
    responses={201: {"model": RegressorStored}},
    openapi_extra=BODY,
)
def append_regressor_values(
    dataset: DatasetPath,
    regressor: RegressorPath,
    body: BodyDep,
    request: Request,
    session: SessionDep,
    config: ConfigDep,
) -> Response:
    """Append values of months past and to come, all of them or none; a changed value is a revision known today."""
    table = uploaded_table(request, body, name="values", limit=config.max_upload_bytes)
    frame = check_regressor(table, today=config.now().date())
    inserted = regressors.append(session, dataset, regressor, frame)
    session.commit()
    answer = {"dataset": dataset, "regressor": regressor, "received": len(frame), "inserted": inserted}
    return json_response(answer, status=201, headers=NO_STORE)


def _regressor_answer(record: RegressorRecord) -> RegressorAnswer:
    return {
        "id": record.id,
        "title": record.title,
        "unit": record.unit,
        "flow": record.flow,
        "partner": record.partner,
        "sector": record.sector,
    }


def _evidence_answer(row: RegressorEvidenceRecord, unique_id: str, unit: str) -> RegressorEvidenceAnswer:
    return {
        "unique_id": unique_id,
        "unit": unit,
        "folds": row.n,
        "mae_without": row.mae_without,
        "mae_with": row.mae_with,
        "ratio": row.mae_with / row.mae_without if row.mae_with is not None and row.mae_without else None,
        "p_value": row.p_value,
        "weight": row.weight,
    }
