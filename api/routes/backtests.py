"""How forecasts did: scores beside the baseline's, and what was said at each fold."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from api import schemas
from api.answers import run_answer
from api.caching import run_headers
from api.choosing import chosen_run, chosen_series
from api.deps import CatalogsDep, OptionsDep, SessionDep, may_read
from api.errors import LevelNotKept, NotOneSeries
from api.formats import csv_response, json_response, wanted_format
from api.paging import paging, paging_headers
from api.params import BacktestQuery, DatasetPath, FoldQuery
from api.records import (
    FOLD_COLUMNS,
    SCORE_COLUMNS,
    fold_answer,
    fold_rows,
    folds_answer,
    pit_answer,
    score_answers,
    score_rows,
    score_unit,
)
from forecasting.config import BASELINE, LEVELS
from store import backtests
from store.certificates import PIT, pit_histogram

router = APIRouter(tags=["backtests"], dependencies=[Depends(may_read)])


@router.get("/v1/datasets/{dataset}/backtests", responses={200: {"model": schemas.BacktestPage}})
def read_backtests(
    dataset: DatasetPath,
    query: Annotated[BacktestQuery, Query()],
    request: Request,
    session: SessionDep,
    options: OptionsDep,
    catalogs: CatalogsDep,
) -> Response:
    """Scores of a run's rolling-origin backtest, each beside the baseline's (seasonal naive).

    MASE, RMSSE, sMAPE, WIS, bias, MAE, and coverage by level: means over the series chosen, where a group stands for
    its members. `folds` names how many cutoffs they rest on, the first and the last. `pit` counts, over all steps,
    the actuals by the share of the draws below them: as many in each bin where the intervals are right.
    """
    run = chosen_run(session, dataset, query)
    headers = run_headers(request, options, run, fixed=False)
    _, catalog = catalogs.of_run(session, run.id)
    chosen = catalog.choose(flows=query.flow, partners=query.partner, sectors=query.sector)
    of_group = [one for one in chosen if query.group in (None, one.group)]
    unique_ids = {part.series_id: part.unique_id for one in of_group for part in one.parts}
    ids = sorted(unique_ids)
    found = backtests.scores(
        session, run.id, ids, by=query.by, kind=query.kind, forecaster=query.forecaster, baseline=BASELINE
    )
    found = [row for row in found if row.metric != PIT]
    folds = folds_answer(backtests.folds(session, run.id, ids))
    page = paging(request, limit=query.limit, offset=query.offset, total=len(found))
    headers |= paging_headers(page)
    shown = found[query.offset : query.offset + query.limit]
    scores = score_answers(shown, unique_ids, score_unit(query.kind, catalog.unit))
    if wanted_format(request, query.format) == "csv":
        return csv_response(SCORE_COLUMNS, score_rows(scores, query.kind, folds), headers=headers)
    bins = pit_histogram(session, run.id, ids, kind=query.kind, forecaster=query.forecaster)
    asked = {"by": query.by, "kind": query.kind, "group": query.group, "baseline": BASELINE, "pit": pit_answer(bins)}
    about = {"dataset": dataset, "unit": catalog.unit, "run": run_answer(run), **asked, "folds": folds}
    return json_response({**about, **page, "scores": scores}, headers=headers)


@router.get("/v1/datasets/{dataset}/backtests/folds", responses={200: {"model": schemas.FoldPage}})
def read_folds(
    dataset: DatasetPath,
    query: Annotated[FoldQuery, Query()],
    request: Request,
    session: SessionDep,
    options: OptionsDep,
    catalogs: CatalogsDep,
) -> Response:
    """What a forecaster said of one series at each cutoff of the backtest, and what came; newest cutoff first."""
    run = chosen_run(session, dataset, query)
    headers = run_headers(request, options, run, fixed=False)
    for level in query.level:
        if level not in LEVELS:
            raise LevelNotKept(level, LEVELS)
    series = chosen_series(session, catalogs, run, query.model_copy(update={"offset": 0}))
    if series.total != 1 or series.page[0].derived:
        raise NotOneSeries(series.total)
    one, unit = series.page[0], series.catalog.unit
    number, limit, offset = one.parts[0].series_id, query.limit, query.offset
    found = backtests.tracks(session, run.id, number, forecaster=query.forecaster, limit=limit, offset=offset)
    folds = [fold_answer(track, query.level, series.coverage.probabilities) for track in found.rows]
    page = paging(request, limit=limit, offset=offset, total=found.total)
    headers |= paging_headers(page)
    if wanted_format(request, query.format) == "csv":
        rows = fold_rows(one.unique_id, query.forecaster, unit, folds)
        return csv_response(FOLD_COLUMNS, rows, headers=headers)
    about = {"unique_id": one.unique_id, "dataset": dataset, "unit": unit, "forecaster": query.forecaster}
    return json_response({**about, "run": run_answer(run), **page, "folds": folds}, headers=headers)
