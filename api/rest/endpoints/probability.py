"""The probability that a series passes a threshold."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.http_cache import latest_headers, selected_run
from api.rest.path_parameters import DatasetPath
from api.rest.responses import json_response, table_response, wanted_format
from api.rest.schemas.forecasts import ProbabilityAnswer
from api.rest.schemas.problem import PROBLEM
from api.rest.serializers.backtests import coverage_answer
from api.rest.serializers.forecasts import Layout, forecast_rows, month_answer
from api.rest.serializers.indicators import indicators_answer
from api.rest.serializers.runs import freshness_answer, run_answer
from api.rest.serializers.series import series_answer
from forecasting.analysis.period_draws import answer_unit, coverage_kind
from forecasting.data.months import months_after
from services.backtests.coverage import interval_coverage
from services.forecasts.forecasts import estimate_probability
from services.queries.forecasts import ProbabilityQuery

router = APIRouter(tags=["forecasts"], dependencies=[Reader], responses=PROBLEM)


@router.get("/v1/datasets/{dataset}/forecasts/probability", responses={200: {"model": ProbabilityAnswer}})
def read_probability(
    dataset: DatasetPath,
    query: Annotated[ProbabilityQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """The probability that a series, group or balance lies above, below or between thresholds in a period.

    The share of the run's joint draws in which it does, with its Monte Carlo standard error. Months up to the run's
    cutoff count as observed; a draw at a threshold counts as below it.
    """
    run = selected_run(request, session, dataset, query)
    headers, freshness = latest_headers(request, session, config, run, query)
    coverage, catalog = catalogs.of_run(session, run.id)
    series, row, estimate = estimate_probability(session, run, catalog, query)
    assert run.cutoff is not None
    unit = answer_unit(query.units, catalog.unit_of(series))
    layout = Layout(months_after(run.cutoff, run.horizon), query.level, query.quantile, lambda _: unit, spans=True)
    event: dict[str, Any] = {
        "above": query.above,
        "below": query.below,
        **{name: estimate and getattr(estimate, name) for name in ("probability", "standard_error", "draws")},
    }
    if wanted_format(request, query.format) != "json":
        rows = ((*cells, *event.values()) for cells in forecast_rows(catalog, [(series, [row])], layout))
        return table_response(request, query.format, (*layout.columns, *event), rows, headers=headers)
    answer: dict[str, Any] = {
        **series_answer(catalog, series, unit),
        **{"units": query.units, "of": query.whole},
        **event,
        **month_answer(row, layout),
        **{
            "run": run_answer(run),
            "revised_data": coverage.backfilled,
            **freshness_answer(freshness),
            **indicators_answer(coverage.indicators),
        },
    }
    if query.coverage:
        kind = coverage_kind(query.span.kind, query.units)
        found = interval_coverage(session, run, [series], kind=kind, levels=query.level, steps=[row.step])
        answer["coverage"] = coverage_answer(found)
    return json_response(answer, headers=headers)
