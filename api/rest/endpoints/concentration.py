"""Concentration over partners or sectors."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.http_cache import latest_headers
from api.rest.path_parameters import DatasetPath
from api.rest.responses import json_response, table_response, wanted_format
from api.rest.schemas.forecasts import ConcentrationAnswer
from api.rest.schemas.problem import PROBLEM
from api.rest.serializers.backtests import coverage_answer
from api.rest.serializers.forecasts import Layout, forecast_rows, month_answer
from api.rest.serializers.runs import freshness_answer, run_answer
from forecasting.analysis.periods import periods_ahead
from forecasting.data.months import months_after
from services.concentration import choose_parts, draw_concentration
from services.coverage import interval_coverage
from services.forecasts import summaries
from services.queries.forecasts import ConcentrationQuery
from services.run_selection import requested_horizon, select_run
from services.series_paths import cutoff_number

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
    shares of the partner's total.
    """
    run = select_run(session, dataset, query)
    headers, freshness = latest_headers(request, session, config, run, query)
    horizon = requested_horizon(run, query.horizon)
    coverage, catalog = catalogs.of_run(session, run.id)
    selected = choose_parts(session, catalog, query)
    spans = periods_ahead(cutoff_number(run), horizon, query.frequency)
    drawn = draw_concentration(session, run, selected, spans)
    rows = summaries(drawn, spans, query, cutoff_number(run)) if drawn else []
    assert run.cutoff is not None
    layout = Layout(months_after(run.cutoff, horizon), query.level, query.quantile, UNIT, spans=True)
    if wanted_format(request, query.format) != "json":
        return table_response(
            request,
            query.format,
            layout.columns,
            forecast_rows(catalog, [(selected.series, rows)], layout),
            headers=headers,
        )
    answer: dict[str, Any] = {
        **{"dataset": dataset, "over": query.over, "flow": query.flow},
        **{"partner": query.partner, "sector": query.sector, "unit": UNIT, "frequency": query.frequency},
        **{"run": run_answer(run), "revised_data": coverage.backfilled, **freshness_answer(freshness)},
        "parts": [part.unique_id for part in selected.parts],
        "whole": selected.whole.unique_id if selected.whole else None,
        "months": [month_answer(row, layout) for row in rows],
    }
    if query.coverage:
        found = interval_coverage(session, run, selected.parts, kind=None, levels=query.level, steps=())
        answer["coverage"] = coverage_answer(found)
    return json_response(answer, headers=headers)
