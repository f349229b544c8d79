"""The joint paths of a run, for users' own computations."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.authentication import Reader
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.http_cache import NO_STORE, run_headers
from api.rest.path_parameters import RunPath
from api.rest.responses import MEDIA_TYPES
from api.rest.schemas.problem import PROBLEM
from presentation.draws import SeriesDraws, csv_stream, hubverse_table, parquet_stream, plain_table
from services.forecasts.forecasts import BATCH_PARTS, batches
from services.queries.forecasts import DrawsQuery
from services.runs.run_selection import published_run, requested_horizon, select_series
from services.series.series_paths import ReadPaths, cutoff_number, read_series_paths
from store.models import ResolvedSeries
from store.queries import retention

router = APIRouter(tags=["forecasts"], dependencies=[Reader], responses=PROBLEM)
MOST_SERIES = 100_000
ANSWERS: dict[int | str, dict[str, object]] = {
    200: {"content": {MEDIA_TYPES["parquet"]: {}, "text/csv": {"example": "draw,series,month,value"}}},
}


@router.get("/v1/runs/{run_id}/draws", responses=ANSWERS, response_class=StreamingResponse)
def read_draws(
    run_id: RunPath,
    query: Annotated[DrawsQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """The joint paths of a run: draw, series, month, value, in the dataset's unit, streamed as Parquet or CSV.

    A draw is the same future in every series: in every draw months add up to years and parts to wholes.
    `layout=hubverse` gives the hubverse's model output of type `sample`.
    """
    run = published_run(session, run_id)
    read: ReadPaths = partial(read_series_paths, session, run)
    if query.view == "judgement":
        from services.scenarios.adjustments import judged_paths  # noqa: PLC0415 - it loads SciPy

        read, headers = judged_paths(session, catalogs, run), dict(NO_STORE)
    else:
        headers = run_headers(request, config, run)
    last = cutoff_number(run)
    months = (last + 1, last + requested_horizon(run, query.horizon))
    selected = select_series(session, catalogs, run, query, MOST_SERIES).page
    # A stream cannot turn into an error half-way.
    retention.refuse_thinned(session, run.id)
    found = _draws(read, selected, months)
    table = partial(hubverse_table, reference=run.as_of) if query.layout == "hubverse" else plain_table
    form = query.format or "parquet"
    stream = (csv_stream if form == "csv" else parquet_stream)(map(table, found))
    name = f"tradewind-run-{run.id}-draws.{form}"
    headers |= {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(stream, headers=headers, media_type=MEDIA_TYPES[form])


def _draws(read: ReadPaths, selected: Sequence[ResolvedSeries], months: tuple[int, int]) -> Iterator[SeriesDraws]:
    for batch in batches(selected, BATCH_PARTS):
        paths = read(batch, months)
        for series in batch:
            yield SeriesDraws(series, months[0], paths[series.unique_id].paths)
