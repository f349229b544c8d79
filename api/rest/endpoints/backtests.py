"""How forecasts did: scores beside the baseline's, and what was said at each fold."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlmodel import Session

from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep, may_read
from api.http_cache import run_headers
from api.rest.direct import DirectRoute
from api.rest.paging import paging, paging_headers
from api.rest.path_parameters import DatasetPath
from api.rest.responses import csv_response, json_response, wanted_format
from api.rest.schemas import common, forecasts
from api.rest.serializers.backtests import (
    FOLD_COLUMNS,
    MISS_COLUMNS,
    SCORE_COLUMNS,
    fold_answer,
    fold_rows,
    folds_answer,
    miss_answers,
    pit_answer,
    score_answers,
    score_rows,
    vintage_answer,
)
from api.rest.serializers.forecasts import run_answer
from forecasting.config import BASELINE, COMBINATION, LEVELS
from forecasting.errors import UnknownForecaster
from services import backtest_folds
from services.backtest_folds import score_unit, value_unit
from services.derived_backtest import derived_scores
from services.errors import LevelNotKept, NotOneSeries
from services.parameters import BacktestQuery, FoldQuery, MissQuery
from services.run_selection import select_run, select_series
from services.series_catalog import SeriesCatalog
from services.series_folds import DERIVED_ID, read_derived_misses, read_series_folds
from store.models import ResolvedSeries
from store.queries import backtests
from store.queries.backtest_coverage import PIT, PitBin, pit_histogram
from store.queries.backtests import Folds, ScoreRow
from store.queries.forecasts import Coverage
from store.queries.runs import PublishedRunRecord

router = APIRouter(route_class=DirectRoute, tags=["backtests"], dependencies=[Depends(may_read)])


@router.get("/v1/datasets/{dataset}/backtests", responses={200: {"model": common.BacktestPage}})
def read_backtests(
    dataset: DatasetPath,
    query: Annotated[BacktestQuery, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Scores of a run's rolling-origin backtest, each beside the baseline's (seasonal naive).

    MASE, RMSSE, sMAPE, WIS, bias, MAE, and coverage by level: means over the series chosen. A single balance or group
    is scored itself, from its parts at each fold; among several series it stands for its parts. `folds` gives the
    number of cutoffs, the first and the last. `pit` counts outcomes by their position in the forecast distribution,
    over all steps: equal counts in each bin mean calibrated intervals.
    """
    run = select_run(session, dataset, query)
    headers = run_headers(request, options, run, fixed=False)
    coverage, catalog = catalogs.of_run(session, run.id)
    chosen = catalog.choose(flows=query.flow, partners=query.partner, sectors=query.sector)
    _refuse_forecaster(session, run.id, catalog, query.forecaster)
    of_group = [one for one in chosen if query.group in (None, one.group)]
    unique_ids = {part.series_id: part.unique_id for one in of_group for part in one.parts}
    ids = sorted(unique_ids)
    derived = _derived_scores(session, run, coverage, chosen, query)
    if derived is None:
        found = backtests.scores(
            session, run.id, ids, by=query.by, kind=query.kind, forecaster=query.forecaster, baseline=BASELINE
        )
        scored = backtests.folds(session, run.id, ids)
        bins = pit_histogram(session, run.id, ids, kind=query.kind, forecaster=query.forecaster)
    else:
        found, scored, bins = derived
        unique_ids = {DERIVED_ID: chosen[0].unique_id}
    found = [row for row in found if row.metric != PIT]
    folds = folds_answer(scored)
    page = paging(request, limit=query.limit, offset=query.offset, total=len(found))
    headers |= paging_headers(page)
    shown = found[query.offset : query.offset + query.limit]
    scores = score_answers(shown, unique_ids, score_unit(query.kind, catalog.unit))
    if wanted_format(request, query.format) == "csv":
        return csv_response(SCORE_COLUMNS, score_rows(scores, query.kind, folds), headers=headers)
    asked = {"by": query.by, "kind": query.kind, "group": query.group, "baseline": BASELINE, "pit": pit_answer(bins)}
    about = {"dataset": dataset, "unit": catalog.unit, "run": run_answer(run), **asked, "folds": folds}
    about |= vintage_answer(scored, run.vintage_cutoffs)
    return json_response({**about, **page, "scores": scores}, headers=headers)


@router.get("/v1/datasets/{dataset}/backtests/folds", responses={200: {"model": common.FoldPage}})
def read_folds(
    dataset: DatasetPath,
    query: Annotated[FoldQuery, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """What a forecaster said of one series at each cutoff of the backtest, and what came; newest cutoff first."""
    run = select_run(session, dataset, query)
    headers = run_headers(request, options, run, fixed=False)
    _refuse_levels(query.level)
    series = select_series(session, catalogs, run, query.model_copy(update={"offset": 0}))
    if series.total != 1:
        raise NotOneSeries(series.total)
    one, unit = series.page[0], value_unit(query.kind, series.catalog.unit)

    _refuse_forecaster(session, run.id, series.catalog, query.forecaster)
    found = read_series_folds(
        session,
        run,
        one,
        kind=query.kind,
        forecaster=query.forecaster,
        levels=query.level,
        kept=series.coverage.probabilities,
        limit=query.limit,
        offset=query.offset,
    )
    folds = [fold_answer(fold, query.level, run.vintage_cutoffs) for fold in found.rows]
    page = paging(request, limit=query.limit, offset=query.offset, total=found.total)
    headers |= paging_headers(page)
    if wanted_format(request, query.format) == "csv":
        rows = fold_rows(one.unique_id, query.forecaster, unit, folds)
        return csv_response(FOLD_COLUMNS, rows, headers=headers)
    asked = {"kind": query.kind, "forecaster": query.forecaster}
    about = {"unique_id": one.unique_id, "dataset": dataset, "unit": unit, **asked}
    return json_response({**about, "run": run_answer(run), **page, "folds": folds}, headers=headers)


@router.get("/v1/datasets/{dataset}/backtests/misses", responses={200: {"model": forecasts.MissPage}})
def read_misses(
    dataset: DatasetPath,
    query: Annotated[MissQuery, Query()],
    request: Request,
    session: SessionDep,
    options: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """The combination's worst misses: periods that ended outside the interval, the furthest first, in its widths.

    A group stands for its members. A period that several folds missed is told by the worst. `level` in 100 are to
    hold, so that there are always some.
    """
    run = select_run(session, dataset, query)
    headers = run_headers(request, options, run, fixed=False)
    _refuse_levels([query.level])
    coverage, catalog = catalogs.of_run(session, run.id)
    chosen = catalog.choose(flows=query.flow, partners=query.partner, sectors=query.sector)
    unique_ids = {part.series_id: part.unique_id for one in chosen for part in one.parts}
    if len(chosen) == 1 and chosen[0].derived:
        unique_ids = {DERIVED_ID: chosen[0].unique_id}
        found = read_derived_misses(
            session,
            run,
            chosen[0],
            kind=query.kind,
            step=query.step,
            level=query.level,
            kept=coverage.probabilities,
            limit=query.limit,
            offset=query.offset,
        )
    else:
        found = backtest_folds.read_misses(
            session,
            run,
            sorted(unique_ids),
            kind=query.kind,
            step=query.step,
            level=query.level,
            forecaster=COMBINATION,
            kept=coverage.probabilities,
            limit=query.limit,
            offset=query.offset,
        )
    page = paging(request, limit=query.limit, offset=query.offset, total=found.total)
    headers |= paging_headers(page)
    unit = value_unit(query.kind, catalog.unit)
    misses = miss_answers(found.rows, unique_ids, unit)
    if wanted_format(request, query.format) == "csv":
        return csv_response(MISS_COLUMNS, (list(miss.values()) for miss in misses), headers=headers)
    about = {"dataset": dataset, "unit": unit, "kind": query.kind, "level": query.level, "run": run_answer(run)}
    return json_response({**about, **page, "misses": misses}, headers=headers)


def _derived_scores(
    session: Session,
    run: PublishedRunRecord,
    coverage: Coverage,
    chosen: Sequence[ResolvedSeries],
    query: BacktestQuery,
) -> tuple[list[ScoreRow], Folds, list[PitBin]] | None:
    """Scores of a single derived series, its folds and its PIT histogram; None for any other selection."""
    if len(chosen) != 1 or not chosen[0].derived:
        return None
    found = derived_scores(session, run, chosen[0], kind=query.kind, probabilities=coverage.probabilities)
    bins = [PitBin(row.level, row.n) for row in found.rows if row.metric == PIT]
    if query.by == "forecaster":
        return [row for row in found.rows if row.step == 0], found.folds, bins
    of_forecaster = [row for row in found.rows if row.forecaster == query.forecaster]
    if query.by == "step":
        return [row for row in of_forecaster if row.step > 0], found.folds, bins
    pooled = [row._replace(series_id=DERIVED_ID) for row in of_forecaster if row.step == 0]
    return pooled, found.folds, bins


def _refuse_levels(levels: Iterable[float]) -> None:
    """Raises LevelNotKept."""
    for level in levels:
        if level not in LEVELS:
            raise LevelNotKept(level, LEVELS)


def _refuse_forecaster(session: Session, run: int, catalog: SeriesCatalog, forecaster: str) -> None:
    """Raises UnknownForecaster for one that the run has not scored."""
    if forecaster == COMBINATION:
        return
    ids = [one.id for one in catalog.series]
    scored = backtests.scores(
        session, run, ids, by="forecaster", kind="month", forecaster=forecaster, baseline=BASELINE
    )
    known = sorted({row.forecaster for row in scored})
    if forecaster not in known:
        raise UnknownForecaster(forecaster, known)
