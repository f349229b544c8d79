"""Concentration over partners or sectors."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.http_cache import latest_headers, selected_run
from api.rest.path_parameters import DatasetPath
from api.rest.responses import json_response, table_response, wanted_format
from api.rest.schemas.concentration import ConcentrationAnswer
from api.rest.schemas.problem import PROBLEM
from api.rest.serializers.backtests import coverage_answer
from api.rest.serializers.concentration import concentration_month, observed_concentration
from api.rest.serializers.forecasts import Layout, forecast_rows
from api.rest.serializers.indicators import indicators_answer
from api.rest.serializers.runs import freshness_answer, run_answer
from forecasting.data.months import months_after
from services.backtests.coverage import interval_coverage
from services.partners.concentration import read_concentration as find_concentration
from services.queries.forecasts import ConcentrationQuery
from services.runs.run_selection import requested_horizon

router = APIRouter(tags=["forecasts"], dependencies=[Reader], responses=PROBLEM)
UNIT = "HHI points"


@router.get("/v1/datasets/{dataset}/forecasts/concentration", responses={200: {"model": ConcentrationAnswer}})
def read_concentration(
    dataset: DatasetPath,
    query: Annotated[ConcentrationQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """The Herfindahl-Hirschman index over partners or over sectors: the sum of squared shares in per cent, to 10,000.

    Single partners count, with shares of the world; groups and the rest of the world do not. Sectors count with
    shares of the partner's total. The `mean` is the index of the expected shares, which uncertainty does not raise, and
    the intervals are those of the draws around it. Beside it: the joint share of the one, three and five largest, the
    largest by share, and the same in observed periods.
    """
    run = selected_run(request, session, dataset, query)
    headers, freshness = latest_headers(request, session, config, run, query)
    horizon = requested_horizon(run, query.horizon)
    coverage, catalog = catalogs.of_run(session, run.id)
    concentrated = find_concentration(session, run, catalog, query, horizon)
    selected = concentrated.parts
    assert run.cutoff is not None
    layout = Layout(months_after(run.cutoff, horizon), query.level, query.quantile, lambda _: UNIT, spans=True)
    if wanted_format(request, query.format) != "json":
        return table_response(
            request,
            query.format,
            layout.columns,
            forecast_rows(catalog, [(selected.series, [row.index for row in concentrated.ahead])], layout),
            headers=headers,
        )
    answer: dict[str, Any] = {
        **{"dataset": dataset, "over": query.over, "flow": query.flow},
        **{"partner": query.partner, "sector": query.sector, "unit": UNIT, "frequency": query.frequency},
        **{
            "run": run_answer(run),
            "revised_data": coverage.backfilled,
            **freshness_answer(freshness),
            **indicators_answer(coverage.indicators),
        },
        "parts": [part.unique_id for part in selected.parts],
        "whole": selected.whole.unique_id if selected.whole else None,
        "history": [observed_concentration(row) for row in concentrated.history],
        "months": [concentration_month(row, layout) for row in concentrated.ahead],
    }
    if query.coverage:
        found = interval_coverage(session, run, selected.parts, kind=None, levels=query.level, steps=())
        answer["coverage"] = coverage_answer(found)
    return json_response(answer, headers=headers)
