"""Adjustments: people's changes to forecasts, with author and reason, tracked beside the statistical forecast."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Judge, Reader
from api.dependencies import BodyDep, CatalogCacheDep, ConfigDep, NoParameters, SessionDep
from api.http_cache import NO_STORE
from api.rest.path_parameters import AdjustmentPath, DatasetPath, RunPath
from api.rest.request_bodies import json_body, read_body
from api.rest.responses import json_response, list_response, page_of
from api.rest.schemas.adjustments import (
    AdjustmentAnswer,
    AdjustmentPage,
    AuthorAnswer,
    AuthorPage,
    TrackedAdjustmentAnswer,
    TrackedAdjustmentPage,
)
from api.rest.schemas.common import columns
from api.rest.schemas.problem import PROBLEM
from api.rest.serializers.adjustments import adjustment_answer, author_answer, tracked_answer
from forecasting.analysis.period_draws import answer_unit
from presentation import links
from services.parameters import Paged
from services.queries.adjustments import AdjustmentsQuery, NewAdjustment
from services.runs.run_selection import published_run
from store.queries import adjustments, catalog

router = APIRouter(tags=["adjustments"], responses=PROBLEM)
RUN_PATH, DATASET_PATH = "/v1/runs/{run_id}/adjustments", "/v1/datasets/{dataset}/adjustments"


@router.post(
    RUN_PATH,
    status_code=201,
    dependencies=[Judge, NoParameters],
    responses={201: {"model": AdjustmentAnswer}},
    openapi_extra=json_body(NewAdjustment),
)
def adjust(
    run_id: RunPath, body: BodyDep, session: SessionDep, config: ConfigDep, catalogs: CatalogCacheDep
) -> Response:
    """Adjust the forecast of a period in the latest run: a number or growth (`value`), a bound, or the mean (`mean`).

    Parts, wholes and intervals follow, as in a scenario. `view=judgement` serves the forecasts with every adjustment
    that applies. It also applies to later runs, until it expires, is withdrawn, or its period is observed.
    """
    from services.scenarios.adjustments import add_adjustment  # noqa: PLC0415 - it loads SciPy

    stated = read_body(NewAdjustment, body)
    number = add_adjustment(session, catalogs, published_run(session, run_id), stated, now=config.now())
    session.commit()
    answer = adjustment_answer(adjustments.find(session, number))
    return json_response(answer, status=201, headers=NO_STORE | {"Location": links.api_adjustment(number)})


@router.get(RUN_PATH, dependencies=[Reader], responses={200: {"model": AdjustmentPage}})
def read_run_adjustments(
    run_id: RunPath, query: Annotated[Paged, Query()], request: Request, session: SessionDep
) -> Response:
    """The adjustments that apply to a run, oldest first."""
    run = published_run(session, run_id)
    found = adjustments.applied(session, run.dataset_id, as_of=run.as_of, cutoff=run.cutoff)
    page = page_of(request, query, found)
    return list_response(
        request,
        query,
        total=len(found),
        key="adjustments",
        items=[adjustment_answer(record) for record in page],
        columns=columns(AdjustmentAnswer, without=("statement",)),
        headers=NO_STORE,
    )


@router.get(
    "/v1/adjustments/{adjustment_id}",
    dependencies=[Reader, NoParameters],
    responses={200: {"model": AdjustmentAnswer}},
)
def read_adjustment(adjustment_id: AdjustmentPath, session: SessionDep) -> Response:
    """An adjustment by its number."""
    return json_response(adjustment_answer(adjustments.find(session, adjustment_id)), headers=NO_STORE)


@router.delete(
    "/v1/adjustments/{adjustment_id}",
    dependencies=[Judge, NoParameters],
    responses={200: {"model": AdjustmentAnswer}},
)
def withdraw(adjustment_id: AdjustmentPath, session: SessionDep, config: ConfigDep) -> Response:
    """Withdraw an adjustment: it applies no longer. It stays on record and is scored."""
    adjustments.withdraw(session, adjustment_id, now=config.now())
    session.commit()
    return json_response(adjustment_answer(adjustments.find(session, adjustment_id)), headers=NO_STORE)


@router.get(DATASET_PATH, dependencies=[Reader], responses={200: {"model": TrackedAdjustmentPage}})
def read_adjustments(
    dataset: DatasetPath,
    query: Annotated[AdjustmentsQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Every adjustment of a dataset, withdrawn ones too, beside the statistical forecast and the outcome."""
    from services.scenarios.adjustments import track  # noqa: PLC0415 - it loads SciPy

    unit = catalog.dataset(session, dataset).unit
    tracked = track(session, catalogs, dataset)
    found = [adjustment for adjustment in tracked if query.author in (None, adjustment.record.author)]
    page = page_of(request, query, found)
    return list_response(
        request,
        query,
        total=len(found),
        key="adjustments",
        items=[tracked_answer(adjustment, unit) for adjustment in page],
        columns=columns(TrackedAdjustmentAnswer, without=("statement",)),
        context={"dataset": dataset},
        headers=NO_STORE,
    )


@router.get(f"{DATASET_PATH}/authors", dependencies=[Reader], responses={200: {"model": AuthorPage}})
def read_authors(
    dataset: DatasetPath,
    query: Annotated[Paged, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Forecast value added by author and units: errors of adjustments and of the statistical forecast before them."""
    from services.scenarios.adjustments import track, value_added  # noqa: PLC0415 - it loads SciPy

    unit = catalog.dataset(session, dataset).unit
    found = value_added(track(session, catalogs, dataset))
    page = page_of(request, query, found)
    return list_response(
        request,
        query,
        total=len(found),
        key="authors",
        items=[author_answer(record, answer_unit(record.units, unit)) for record in page],
        columns=columns(AuthorAnswer),
        context={"dataset": dataset},
        headers=NO_STORE,
    )
