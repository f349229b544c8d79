"""Effects of events: outcomes less the forecast made before the announcement, by partner."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader
from api.dependencies import CatalogCacheDep, SessionDep
from api.http_cache import NO_CACHE
from api.rest.path_parameters import DatasetPath
from api.rest.responses import list_response, page_of
from api.rest.schemas.common import columns
from api.rest.schemas.event_effects import EffectAnswer, EffectPage
from api.rest.schemas.problem import PROBLEM
from api.rest.serializers.event_effects import effect_answer, effects_context
from api.rest.serializers.runs import run_answer
from services.events.event_effects import read_effects
from services.queries.events import EffectsQuery
from services.runs.published_run import open_run
from services.runs.run_selection import select_run

router = APIRouter(tags=["events"], dependencies=[Reader], responses=PROBLEM)


@router.get("/v1/datasets/{dataset}/events/effects", responses={200: {"model": EffectPage}})
def read_event_effects(
    dataset: DatasetPath,
    query: Annotated[EffectsQuery, Query()],
    request: Request,
    session: SessionDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """The effect of an event by partner, with intervals: outcomes less the forecast from before its announcement.

    The forecast is that of the last run published from data known before the announcement, else that of a fold of the
    backtest; `counterfactual` says which. The difference contains everything else that happened: see `others`.
    """
    run = select_run(session, dataset, query)
    published = open_run(session, catalogs, dataset, run.id)
    found = read_effects(session, published, query)
    page = page_of(request, query, found.rows)
    return list_response(
        request,
        query,
        total=len(found.rows),
        key="effects",
        items=[effect_answer(row, published.catalog, query.level) for row in page],
        columns=columns(EffectAnswer),
        context={"dataset": dataset, "unit": published.unit, "run": run_answer(run), **effects_context(found)},
        headers=NO_CACHE,
    )
