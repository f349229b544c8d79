"""Contributions to growth: where a change comes from, and who replaces whom."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.http_cache import latest_headers, selected_run
from api.rest.path_parameters import DatasetPath
from api.rest.responses import json_response, table_response, wanted_format
from api.rest.schemas.contributions import ContributionAnswer
from api.rest.schemas.problem import PROBLEM
from api.rest.serializers.contributions import (
    CONTRIBUTION_COLUMNS,
    contribution_cells,
    contribution_row,
    estimate_answer,
)
from api.rest.serializers.indicators import indicators_answer
from api.rest.serializers.runs import freshness_answer, run_answer
from services.partners.contributions import read_contributions as find_contributions
from services.queries.contributions import ContributionQuery

router = APIRouter(tags=["forecasts"], dependencies=[Reader], responses=PROBLEM)


@router.get("/v1/datasets/{dataset}/forecasts/contributions", responses={200: {"model": ContributionAnswer}})
def read_contributions(
    dataset: DatasetPath,
    query: Annotated[ContributionQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Contributions of partners or sectors to the growth of exports or imports from one period to another.

    Means over the run's joint draws: contributions of the rows that are within no group sum to the growth of the whole.
    `at_whole_rate`, `mix` and `own` split each change (shift-share): the change at the growth rate of the whole,
    the effect of its group's growth beyond it, and the part's own. Both periods may be observed, forecast, or both.
    Parts that overlap and have no total (`whole` null), and balances, have changes and growth but no contributions.
    """
    run = selected_run(request, session, dataset, query)
    headers, freshness = latest_headers(request, session, config, run, query)
    coverage, catalog = catalogs.of_run(session, run.id)
    found = find_contributions(session, run, catalog, query)
    if wanted_format(request, query.format) != "json":
        return table_response(
            request, query.format, CONTRIBUTION_COLUMNS, contribution_cells(found.rows, query.level), headers=headers
        )
    answer: ContributionAnswer = {
        "dataset": dataset,
        "by": query.by,
        "flow": query.flow,
        "partner": query.partner,
        "sector": query.sector,
        "unit": catalog.unit,
        "period": found.period.label,
        "from": found.base_period.label,
        "months_observed": found.observed,
        "whole": found.whole,
        "adds_up": found.adds_up,
        "level": found.level,
        "base": found.base,
        "growth": estimate_answer(found.growth, "%", query.level),
        "change": estimate_answer(found.change, catalog.unit, query.level),
        "contributions": [contribution_row(row, catalog.unit, query.level) for row in found.rows],
        "run": run_answer(run),
        "revised_data": coverage.backfilled,
        **freshness_answer(freshness),
        **indicators_answer(coverage.indicators),
    }
    return json_response(answer, headers=headers)
