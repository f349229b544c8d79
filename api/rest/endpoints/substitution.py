"""Substitution: what took the place of the partner that lost most."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.http_cache import latest_headers, selected_run
from api.rest.path_parameters import DatasetPath
from api.rest.responses import json_response, table_response, wanted_format
from api.rest.schemas.problem import PROBLEM
from api.rest.schemas.substitution import SubstitutionAnswer
from api.rest.serializers.runs import freshness_answer, run_answer
from api.rest.serializers.substitution import SUBSTITUTION_COLUMNS, window_answer, window_cells
from services.partners.substitution import read_substitution as find_substitution
from services.queries.contributions import SubstitutionQuery

router = APIRouter(tags=["forecasts"], dependencies=[Reader], responses=PROBLEM)


@router.get("/v1/datasets/{dataset}/forecasts/substitution", responses={200: {"model": SubstitutionAnswer}})
def read_substitution(
    dataset: DatasetPath,
    query: Annotated[SubstitutionQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """By how much the partner that lost most fell, and the sources of the growth of the others.

    Two windows: the last months observed and as many months ahead, each against a year earlier. Every partner has the
    change that it would have had at the growth rate of the whole (`at_whole_rate`), the effect of its group (`mix`),
    and its own change (`own`). Single partners and remainders sum to the change of the whole; groups are left out.
    """
    run = selected_run(request, session, dataset, query)
    headers, freshness = latest_headers(request, session, config, run, query)
    coverage, catalog = catalogs.of_run(session, run.id)
    windows = find_substitution(session, run, catalog, query)
    if wanted_format(request, query.format) != "json":
        cells = window_cells(windows, query.level)
        return table_response(request, query.format, SUBSTITUTION_COLUMNS, cells, headers=headers)
    answer: SubstitutionAnswer = {
        "dataset": dataset,
        "flow": query.flow,
        "sector": query.sector,
        "unit": catalog.unit,
        "windows": [window_answer(window, catalog.unit, query.level) for window in windows],
        "run": run_answer(run),
        "revised_data": coverage.backfilled,
        **freshness_answer(freshness),
    }
    return json_response(answer, headers=headers)
