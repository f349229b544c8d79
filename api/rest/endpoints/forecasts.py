"""Forecasts of a dataset's latest run, or of a run by its number."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlmodel import Session

from api.authentication import Reader
from api.config import ServerConfig
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.http_cache import NO_STORE, latest_headers, run_headers, selected_run
from api.rest.path_parameters import DatasetPath, RunPath
from api.rest.responses import list_response, page_limit, wanted_format
from api.rest.schemas.forecasts import ForecastPage
from api.rest.schemas.problem import PROBLEM
from api.rest.serializers.adjustments import adjustment_answer
from api.rest.serializers.backtests import coverage_answer
from api.rest.serializers.forecasts import FORECAST_COLUMNS, Layout, forecast_answers, forecast_rows
from api.rest.serializers.indicators import indicators_answer
from api.rest.serializers.runs import freshness_answer, run_answer
from forecasting.analysis.period_draws import answer_unit
from forecasting.data.months import months_after
from services.backtests.coverage import forecast_coverage
from services.datasets.table_facts import table_facts
from services.forecasts.forecasts import read_forecasts as read_series_forecasts
from services.forecasts.forecasts import statuses_of
from services.forecasts.observed_periods import observed_history
from services.queries.forecasts import ForecastQuery, RunForecastQuery
from services.runs.freshness import Freshness, dataset_freshness
from services.runs.run_selection import SelectedSeries, published_run, requested_horizon, select_series
from services.series.catalog_cache import CatalogCache
from store.queries.runs import PublishedRunRecord

if TYPE_CHECKING:
    from services.scenarios.adjustments import JudgedPaths

router = APIRouter(tags=["forecasts"], dependencies=[Reader], responses=PROBLEM)
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"example": ",".join(FORECAST_COLUMNS)}}, "model": ForecastPage},
    304: {"description": "The client's copy (`If-None-Match`) is current."},
}


@router.get("/v1/datasets/{dataset}/forecasts", responses=ANSWERS)
def read_forecasts(
    dataset: DatasetPath,
    query: Annotated[ForecastQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Forecasts of the latest published run, of the latest as of a day, or of a run by its number.

    Mean, median and prediction intervals by month, in the dataset's unit. Balances (`flow=B`) and partner groups are
    computed from joint paths, as is any level other than 50, 80, 90 and 95, and everything that is not a month's
    level: `frequency` sums months, `units` compares, `quantile` adds quantiles. `include=history` adds
    observed periods in the same units.
    """
    run = selected_run(request, session, dataset, query)
    if query.view == "judgement":
        return _judged_response(request, session, config, catalogs, run, query)
    headers, freshness = latest_headers(request, session, config, run, query)
    return _forecasts_response(request, session, catalogs, run, query, headers, freshness)


@router.get("/v1/runs/{run_id}/forecasts", responses=ANSWERS)
def read_run_forecasts(
    run_id: RunPath,
    query: Annotated[RunForecastQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Forecasts of a published run, which never change; with `view=judgement`, given its adjustments."""
    run = published_run(session, run_id)
    if query.view == "judgement":
        return _judged_response(request, session, config, catalogs, run, query)
    headers, freshness = run_headers(request, config, run), Freshness(run.cutoff, None)
    return _forecasts_response(request, session, catalogs, run, query, headers, freshness)


def _judged_response(
    request: Request,
    session: Session,
    config: ServerConfig,
    catalogs: CatalogCache,
    run: PublishedRunRecord,
    query: RunForecastQuery,
) -> Response:
    """Forecasts given the adjustments of a run, which may change at any time."""
    from services.scenarios.adjustments import judged_paths  # noqa: PLC0415 - it loads SciPy

    judged = judged_paths(session, catalogs, run)
    freshness = dataset_freshness(session, run.dataset_id, run.cutoff, now=config.now(), grace=config.grace)
    return _forecasts_response(request, session, catalogs, run, query, NO_STORE, freshness, judged)


def _forecasts_response(
    request: Request,
    session: Session,
    catalogs: CatalogCache,
    run: PublishedRunRecord,
    query: RunForecastQuery,
    headers: Mapping[str, str],
    freshness: Freshness,
    judged: "JudgedPaths | None" = None,
) -> Response:
    horizon = requested_horizon(run, query.horizon)
    series = select_series(session, catalogs, run, query, page_limit(request, query))
    catalog, ahead = series.catalog, months_after(run.cutoff, horizon)
    unit = answer_unit(query.units, catalog.common_unit(series.all))
    with_history = query.include == "history"
    layout = Layout(
        ahead,
        query.level,
        query.quantile,
        lambda resolved: answer_unit(query.units, catalog.unit_of(resolved)),
        spans=not query.plain,
        history=with_history,
        statuses=statuses_of(series.coverage.statuses, series.page),
    )
    found = read_series_forecasts(session, run, series, query, horizon, judged=judged)
    history = observed_history(session, run, series, query) if with_history else None
    context: dict[str, Any] = {}
    if wanted_format(request, query.format) == "json":
        context = _context(session, run, series, query, horizon) | freshness_answer(freshness)
    context["unit"] = unit
    if judged is not None:
        context |= {"view": query.view, "adjustments": [adjustment_answer(record) for record in judged.applied]}
    return list_response(
        request,
        query,
        total=series.total,
        key="series",
        items=forecast_answers(catalog, found, layout, history),
        columns=layout.columns,
        rows=forecast_rows(catalog, found, layout, history),
        context=context,
        headers=headers,
        facts=partial(table_facts, session, run.dataset_id, run),
    )


def _context(
    session: Session, run: PublishedRunRecord, series: SelectedSeries, query: RunForecastQuery, horizon: int
) -> dict[str, Any]:
    """The members of the answer beside its series."""
    context: dict[str, Any] = {"dataset": run.dataset_id, "unit": series.catalog.unit}
    if not query.plain:
        frequency = None if query.period else query.frequency
        context |= {"frequency": frequency, "units": query.units, "of": query.whole}
    if query.coverage:
        context["coverage"] = coverage_answer(forecast_coverage(session, run, series.all, query, horizon))
    context |= indicators_answer(series.coverage.indicators)
    return context | {"run": run_answer(run), "revised_data": series.coverage.backfilled}
