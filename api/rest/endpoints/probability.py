"""Questions to the joint paths that are not a table of forecasts: how likely something is, and how concentrated."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep, may_read
from api.http_cache import run_headers
from api.rest.direct import DirectRoute
from api.rest.path_parameters import DatasetPath
from api.rest.responses import csv_response, json_response, wanted_format
from api.rest.schemas import forecasts
from api.rest.serializers.coverage import coverage_answer
from api.rest.serializers.forecasts import Layout, forecast_rows, later_months, row_answer, run_answer, series_answer
from forecasting.analysis.period_draws import ProbabilityEstimate, answer_unit, coverage_kind
from forecasting.analysis.periods import periods_ahead
from services.concentration import choose_parts, draw_concentration
from services.coverage import interval_coverage
from services.errors import HorizonBeyondRun
from services.forecasts import estimate_probability, summaries
from services.queries import ConcentrationQuery, ProbabilityQuery
from services.run_selection import select_run
from services.series_paths import cutoff_number
from store.queries.runs import PublishedRunRecord

router = APIRouter(route_class=DirectRoute, tags=["forecasts"], dependencies=[Depends(may_read)])
CHANCE_COLUMNS = ("above", "below", "probability", "standard_error", "draws")


@router.get("/v1/datasets/{dataset}/forecasts/probability", responses={200: {"model": forecasts.ProbabilityAnswer}})
def read_probability(
    dataset: DatasetPath,
    query: Annotated[ProbabilityQuery, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """How likely it is that one series, group or balance lies above, below or between thresholds in a period.

    The share of the run's joint draws in which it does, with its Monte Carlo standard error. Months up to the run's
    cutoff count as observed; a draw at a threshold counts as below it.
    """
    run = select_run(session, dataset, query)
    headers = run_headers(request, options, run, fixed=False)
    coverage, catalog = catalogs.of_run(session, run.id)
    one, row, found = estimate_probability(session, run, catalog, query)
    layout = _layout(run, run.horizon, query, answer_unit(query.units, catalog.unit))
    event = dict(zip(CHANCE_COLUMNS, _chance_cells(query, found), strict=True))
    if wanted_format(request, query.format) == "csv":
        rows = ((*cells, *event.values()) for cells in forecast_rows([(one, [row])], layout))
        return csv_response((*layout.columns, *CHANCE_COLUMNS), rows, headers=headers)
    answer = {
        **series_answer(catalog, one),
        **{"unit": layout.unit, "units": query.units, "of": query.whole},
        **event,
        **row_answer(row, layout),
        **{"run": run_answer(run), "revised_data": coverage.backfilled},
    }
    if query.coverage:
        kind = coverage_kind(query.span.kind, query.units)
        found_coverage = interval_coverage(session, run, [one], kind=kind, levels=query.level, steps=[row.step])
        answer["coverage"] = coverage_answer(found_coverage)
    return json_response(answer, headers=headers)


@router.get("/v1/datasets/{dataset}/forecasts/concentration", responses={200: {"model": forecasts.ConcentrationAnswer}})
def read_concentration(
    dataset: DatasetPath,
    query: Annotated[ConcentrationQuery, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """The Herfindahl-Hirschman index over partners or over sectors: the sum of squared shares in per cent, to 10,000.

    Single partners count, with shares of the world; groups and the rest of the world do not. Sectors count with
    shares of the partner's total.
    """
    run = select_run(session, dataset, query)
    headers = run_headers(request, options, run, fixed=False)
    horizon = query.horizon or run.horizon
    if horizon > run.horizon:
        raise HorizonBeyondRun(horizon, run=run.id, run_horizon=run.horizon)
    coverage, catalog = catalogs.of_run(session, run.id)
    asked = choose_parts(session, catalog, query)
    spans = periods_ahead(cutoff_number(run), horizon, query.frequency)
    drawn = draw_concentration(session, run, asked, spans)
    rows = summaries(drawn, spans, query, cutoff_number(run)) if drawn else []
    layout = _layout(run, horizon, query, "HHI points")
    if wanted_format(request, query.format) == "csv":
        return csv_response(layout.columns, forecast_rows([(asked.series, rows)], layout), headers=headers)
    answer: dict[str, Any] = {
        **{"dataset": dataset, "over": query.over, "flow": query.flow},
        **{"partner": query.partner, "sector": query.sector, "unit": layout.unit, "frequency": query.frequency},
        **{"run": run_answer(run), "revised_data": coverage.backfilled},
        "parts": [part.unique_id for part in asked.parts],
        "whole": asked.whole.unique_id if asked.whole else None,
        "months": [row_answer(row, layout) for row in rows],
    }
    if query.coverage:
        found_coverage = interval_coverage(session, run, asked.parts, kind=None, levels=query.level, steps=())
        answer["coverage"] = coverage_answer(found_coverage)
    return json_response(answer, headers=headers)


def _layout(run: PublishedRunRecord, horizon: int, query: ProbabilityQuery | ConcentrationQuery, unit: str) -> Layout:
    return Layout(later_months(run.cutoff, horizon), query.level, query.quantile, unit, spans=True)


def _chance_cells(query: ProbabilityQuery, found: ProbabilityEstimate | None) -> tuple[float | None, ...]:
    """What CHANCE_COLUMNS say."""
    told = (None, None, None) if found is None else (found.probability, found.standard_error, found.draws)
    return query.above, query.below, *told
