"""Indicators and their values as known on a day."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.authentication import Reader
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.http_cache import NO_CACHE, latest_headers
from api.rest.path_parameters import DatasetPath, IndicatorPath
from api.rest.responses import list_response, page_limit, page_of
from api.rest.schemas.common import columns
from api.rest.schemas.indicators import (
    IndicatorAnswer,
    IndicatorEvidenceAnswer,
    IndicatorEvidencePage,
    IndicatorPage,
    IndicatorValueAnswer,
    IndicatorValuePage,
)
from api.rest.schemas.problem import PROBLEM
from api.rest.serializers.indicators import effect_answer, evidence_answer, used_indicator
from api.rest.serializers.runs import run_answer
from forecasting.data.months import format_month
from services.parameters import Paged
from services.queries.catalog import IndicatorQuery
from services.queries.runs import EvidenceQuery
from services.runs.run_selection import select_run
from store.queries import indicators, run_indicators
from store.queries.indicators import IndicatorRecord

router = APIRouter(tags=["indicators"], dependencies=[Reader], responses=PROBLEM)


@router.get("/v1/indicators", responses={200: {"model": IndicatorPage}})
def read_indicators(query: Annotated[Paged, Query()], request: Request, session: SessionDep) -> Response:
    """Indicators, with their publishers and publication rules."""
    found = indicators.indicators(session)
    return list_response(
        request,
        query,
        total=len(found),
        key="indicators",
        items=[_indicator_answer(record) for record in page_of(request, query, found)],
        columns=columns(IndicatorAnswer),
        headers=NO_CACHE,
    )


@router.get("/v1/indicators/{indicator}/observations", responses={200: {"model": IndicatorValuePage}})
def read_indicator_observations(
    indicator: IndicatorPath, query: Annotated[IndicatorQuery, Query()], request: Request, session: SessionDep
) -> Response:
    """Values of an indicator by month, as known on a day or now. Months that were not published are absent."""
    record = indicators.indicator(session, indicator)
    found = indicators.values(
        session,
        indicator,
        start=query.start,
        end=query.end,
        as_of=query.as_of,
        limit=page_limit(request, query),
        offset=query.offset,
    )
    items: list[IndicatorValueAnswer] = [
        {
            "month": format_month(row.month),
            "value": row.value,
            "unit": record.unit,
            "known_on": row.known_on,
            "backfilled": row.backfilled,
        }
        for row in found.rows
    ]
    return list_response(
        request,
        query,
        total=found.total,
        key="observations",
        items=items,
        columns=columns(IndicatorValueAnswer),
        context={"indicator": indicator, "unit": record.unit, "as_of": query.as_of},
        headers=NO_CACHE,
    )


@router.get("/v1/datasets/{dataset}/indicators", responses={200: {"model": IndicatorEvidencePage}})
def read_indicator_evidence(
    dataset: DatasetPath,
    query: Annotated[EvidenceQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Indicators of the latest run, or of another: errors with and without each, p-value, weight.

    Errors are those of the month after each fold's cutoff, forecast as if the indicator's own month was known.
    Forecasts are adjusted only while an indicator has months beyond the run's cutoff; `effects` has the amounts.
    """
    run = select_run(session, dataset, query)
    coverage, _ = catalogs.of_run(session, run.id)
    found = run_indicators.evidence(session, run.id, limit=page_limit(request, query), offset=query.offset)
    names = {series.id: f"{dataset}.{series.flow}.{series.partner}.{series.sector}" for series in coverage.series}
    context = {
        "dataset": dataset,
        "unit": coverage.unit,
        "run": run_answer(run),
        "indicators": [used_indicator(record) for record in run_indicators.used(session, run.id)],
        "effects": [
            effect_answer(row, unique_id=names[row.series_id], unit=coverage.unit)
            for row in run_indicators.effects(session, run.id)
        ],
    }
    return list_response(
        request,
        query,
        total=found.total,
        key="evidence",
        items=[evidence_answer(row, dataset=dataset, unit=coverage.unit) for row in found.rows],
        columns=columns(IndicatorEvidenceAnswer),
        context=context,
        headers=latest_headers(request, session, config, run, query)[0],
    )


def _indicator_answer(record: IndicatorRecord) -> IndicatorAnswer:
    return {
        "id": record.id,
        "title": record.title,
        "kind": record.kind,
        "unit": record.unit,
        "country": record.country,
        "publisher": record.publisher,
        "licence": record.licence,
        "citation": record.citation,
        "lag_days": record.lag_days,
        "observations": record.observations,
        "first_month": format_month(record.start),
        "last_month": format_month(record.end),
    }
