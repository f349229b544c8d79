"""Observed values: read as of a day, and appended."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlmodel import Session

from api.authentication import Reader, Writer
from api.dependencies import BodyDep, CatalogCacheDep, ConfigDep, SessionDep
from api.http_cache import NO_STORE, dataset_headers
from api.rest.path_parameters import DatasetPath
from api.rest.responses import json_response, list_response, page_limit, wanted_format
from api.rest.schemas.common import columns
from api.rest.schemas.observations import AppendedAnswer, ObservationAnswer, ObservationPage, ObservedPeriodAnswer
from api.rest.schemas.problem import PROBLEM
from api.rest.serializers.observations import (
    adjustment_answer,
    observation_answer,
    observation_rows,
    period_answer,
    period_rows,
)
from api.rest.serializers.series import SERIES_COLUMNS
from api.rest.uploads import table_body, uploaded_table
from forecasting.analysis.period_draws import answer_unit
from services.datasets.datasets import refuse_new_jumps
from services.datasets.table_facts import table_facts
from services.forecasts.observed_periods import observed_periods
from services.queries.catalog import AppendQuery, ObservationQuery
from services.runs.run_selection import latest_run
from services.series.series_catalog import SeriesCatalog
from store.models import ResolvedSeries
from store.queries import catalog, observation_writes, observations
from store.queries.runs import PublishedRunRecord
from tables import check_observations

router = APIRouter(tags=["observations"], responses=PROBLEM)
BODY = table_body(
    "observations",
    {"month": "2026-08", "flow": "X", "partner": "WLD", "sector": "TOTAL", "value": 321.4},
    description="month, flow, partner, sector, value and, if known, vintage (YYYY-MM-DD), months, status.",
)


@router.get("/v1/datasets/{dataset}/observations", dependencies=[Reader], responses={200: {"model": ObservationPage}})
def read_observations(
    dataset: DatasetPath,
    query: Annotated[ObservationQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Values by series and month, in the dataset's unit, as known on a day or now.

    Balances (`flow=B`) and partner groups are summed from their parts; a month without all parts is left out.
    `frequency` sums months, `units` compares, and `adjusted` removes seasonal and calendar effects, each as for
    forecasts; a period without a value then says why.
    """
    _, known = catalogs.of_dataset(session, dataset)
    run = latest_run(session, dataset, query.as_of) if query.adjusted else None
    headers = dataset_headers(request, config, *observations.extent(session, dataset), run and run.id)
    selected = known.choose_measure(query.measure, flows=query.flow, partners=query.partner, sectors=query.sector)
    if query.plain:
        return _published_values(request, session, query, known, selected, headers)
    return _transformed_values(request, session, query, known, selected, headers, run)


@router.post(
    "/v1/datasets/{dataset}/observations",
    status_code=201,
    dependencies=[Writer],
    responses={201: {"model": AppendedAnswer}},
    openapi_extra=BODY,
)
def append_observations(
    dataset: DatasetPath,
    query: Annotated[AppendQuery, Query()],
    body: BodyDep,
    request: Request,
    session: SessionDep,
    config: ConfigDep,
) -> Response:
    """Append observations, all of them or none. A value that is stored already is not stored again.

    An error names row, column and reason; the header of a CSV is row 1.
    """
    record = catalog.dataset(session, dataset)
    today = config.now().date()
    table = uploaded_table(request, body, name="observations", limit=config.max_upload_bytes)
    frame = check_observations(table, today=today, negative=record.allows_negative)
    refuse_new_jumps(session, dataset, frame, force=query.force)
    appended = observation_writes.append(session, dataset=dataset, frame=frame, vintage=today)
    session.commit()
    answer = {"dataset": dataset, "received": len(frame), **appended._asdict()}
    return json_response(answer, status=201, headers=NO_STORE)


def _published_values(
    request: Request,
    session: Session,
    query: ObservationQuery,
    known: SeriesCatalog,
    selected: Sequence[ResolvedSeries],
    headers: dict[str, str],
) -> Response:
    found = observations.values(
        session,
        selected,
        start=query.start,
        end=query.end,
        as_of=query.as_of,
        updated_after=query.updated_after,
        limit=page_limit(request, query),
        offset=query.offset,
    )
    return list_response(
        request,
        query,
        total=found.total,
        key="observations",
        items=(observation_answer(row, known) for row in found.rows),
        columns=(*columns(ObservationAnswer), *SERIES_COLUMNS),
        rows=observation_rows(found.rows, known, selected),
        context={
            **{"dataset": known.dataset, "unit": known.common_unit(selected), "as_of": query.as_of},
            "revised_data": any(row.backfilled for row in found.rows),
        },
        headers=headers,
        facts=partial(table_facts, session, known.dataset),
    )


def _transformed_values(
    request: Request,
    session: Session,
    query: ObservationQuery,
    known: SeriesCatalog,
    selected: Sequence[ResolvedSeries],
    headers: dict[str, str],
    run: PublishedRunRecord | None,
) -> Response:
    found = observed_periods(session, known, selected, query, run=run, limit=page_limit(request, query))
    unit, adjusted = answer_unit(query.units, known.common_unit(selected)), "+".join(query.adjusted)
    context: dict[str, Any] = {"dataset": known.dataset, "unit": unit, "as_of": query.as_of}
    if wanted_format(request, query.format) == "json":
        rows = list(found.rows)
        found = found._replace(rows=iter(rows))
        context |= {"frequency": query.frequency, "units": query.units, "of": query.whole}
        context |= {"adjustment": adjustment_answer(query.adjusted, run)}
        context |= {"revised_data": any(row.backfilled for _, row in rows)}
    return list_response(
        request,
        query,
        total=found.total,
        key="observations",
        items=(period_answer(series, row, unit, adjusted) for series, row in found.rows),
        columns=(*columns(ObservedPeriodAnswer), *SERIES_COLUMNS),
        rows=period_rows(found.rows, known, unit, adjusted),
        context=context,
        headers=headers,
        facts=partial(table_facts, session, known.dataset),
    )
