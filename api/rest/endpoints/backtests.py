"""Backtests: scores beside the baseline's, forecasts at each fold, and the largest misses."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query, Request, Response
from sqlmodel import Session

from api.authentication import Reader
from api.dependencies import CatalogCacheDep, ConfigDep, SessionDep
from api.http_cache import latest_headers, selected_run
from api.rest.path_parameters import DatasetPath
from api.rest.responses import list_response, page_limit, page_of
from api.rest.schemas.backtests import BacktestPage, FoldPage, MissAnswer, MissPage
from api.rest.schemas.common import columns
from api.rest.schemas.problem import PROBLEM
from api.rest.serializers.backtests import (
    FOLD_COLUMNS,
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
from api.rest.serializers.runs import run_answer
from forecasting.config import BASELINE, COMBINATION, LEVELS
from forecasting.errors import UnknownForecaster
from services.backtests import backtest_folds
from services.backtests.backtest_folds import MissedPage, score_unit, value_unit
from services.backtests.derived_backtest import derived_scores
from services.backtests.series_folds import DERIVED_ID, read_derived_misses, read_series_folds
from services.datasets.table_facts import table_facts
from services.errors import LevelNotKept, NotOneSeries
from services.queries.backtests import BacktestQuery, FoldQuery, MissQuery
from services.series.series_catalog import SeriesCatalog, part_names
from store.models import ResolvedSeries
from store.queries import backtests, runs
from store.queries.backtest_coverage import PIT, PitBin, pit_histogram
from store.queries.backtests import Folds, ScoreRow
from store.queries.forecasts import Coverage
from store.queries.runs import PublishedRunRecord

router = APIRouter(tags=["backtests"], dependencies=[Reader], responses=PROBLEM)


@router.get("/v1/datasets/{dataset}/backtests", responses={200: {"model": BacktestPage}})
def read_backtests(
    dataset: DatasetPath,
    query: Annotated[BacktestQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Scores of a run's rolling-origin backtest, each beside the baseline's (seasonal naive).

    MASE, RMSSE, sMAPE, WIS, bias, MAE, and coverage by level: means over the selected series. A single balance or group
    is scored itself, from its parts at each fold; among several series it stands for its parts. `folds` gives the
    number of cutoffs, the first and the last. `pit` is the PIT histogram over all steps: it is flat where the intervals
    are calibrated.
    """
    run = selected_run(request, session, dataset, query)
    headers, _ = latest_headers(request, session, config, run, query)
    coverage, catalog = catalogs.of_run(session, run.id)
    selected = catalog.choose(flows=query.flow, partners=query.partner, sectors=query.sector)
    _refuse_forecaster(session, run.id, catalog, query.forecaster)
    names, scored = _scores(session, run, coverage, selected, query)
    found = [row for row in scored.rows if row.metric != PIT]
    folds, unit = folds_answer(scored.folds), catalog.common_unit(selected)
    scores = score_answers(page_of(request, query, found), names, score_unit(query.kind, unit))
    return list_response(
        request,
        query,
        total=len(found),
        key="scores",
        items=scores,
        columns=SCORE_COLUMNS,
        rows=score_rows(scores, query.kind, folds),
        context={
            **{"dataset": dataset, "unit": unit, "run": run_answer(run), "by": query.by, "kind": query.kind},
            **{"group": query.group, "baseline": BASELINE, "pit": pit_answer(scored.pit), "folds": folds},
            **vintage_answer(scored.folds, run.vintage_cutoffs),
            "conditional_coverage": runs.conditional_coverage(session, run.id),
        },
        headers=headers,
        facts=partial(table_facts, session, dataset, run),
    )


@router.get("/v1/datasets/{dataset}/backtests/folds", responses={200: {"model": FoldPage}})
def read_folds(
    dataset: DatasetPath,
    query: Annotated[FoldQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """Forecasts of one series at each cutoff of the backtest, and the outcomes; newest cutoff first."""
    run = selected_run(request, session, dataset, query)
    headers, _ = latest_headers(request, session, config, run, query)
    _refuse_levels(query.level)
    coverage, catalog = catalogs.of_run(session, run.id)
    selected = catalog.choose(flows=query.flow, partners=query.partner, sectors=query.sector)
    if len(selected) != 1:
        raise NotOneSeries(len(selected))
    series, unit = selected[0], value_unit(query.kind, catalog.unit_of(selected[0]))
    _refuse_forecaster(session, run.id, catalog, query.forecaster)
    found = read_series_folds(
        session,
        run,
        series,
        kind=query.kind,
        forecaster=query.forecaster,
        levels=query.level,
        kept=coverage.probabilities,
        limit=page_limit(request, query),
        offset=query.offset,
    )
    folds = [fold_answer(fold, query.level, run.vintage_cutoffs) for fold in found.rows]
    return list_response(
        request,
        query,
        total=found.total,
        key="folds",
        items=folds,
        columns=FOLD_COLUMNS,
        rows=fold_rows(series.unique_id, query.forecaster, unit, folds),
        context={
            **{"unique_id": series.unique_id, "dataset": dataset, "unit": unit, "kind": query.kind},
            **{"forecaster": query.forecaster, "run": run_answer(run)},
        },
        headers=headers,
        facts=partial(table_facts, session, dataset, run),
    )


@router.get("/v1/datasets/{dataset}/backtests/misses", responses={200: {"model": MissPage}})
def read_misses(
    dataset: DatasetPath,
    query: Annotated[MissQuery, Query()],
    request: Request,
    session: SessionDep,
    config: ConfigDep,
    catalogs: CatalogCacheDep,
) -> Response:
    """The combination's largest misses: outcomes outside the interval, the furthest first, in interval widths.

    A single balance or group has misses of its own; among several series it stands for its parts. A period
    missed by several folds is listed once, with the largest miss. Some misses are expected: an interval of `level` per
    cent covers that share of the outcomes.
    """
    run = selected_run(request, session, dataset, query)
    headers, _ = latest_headers(request, session, config, run, query)
    _refuse_levels([query.level])
    coverage, catalog = catalogs.of_run(session, run.id)
    selected = catalog.choose(flows=query.flow, partners=query.partner, sectors=query.sector)
    names, found = _misses(session, run, selected, query, coverage.probabilities)
    unit = value_unit(query.kind, catalog.common_unit(selected))
    context = {"dataset": dataset, "unit": unit, "kind": query.kind, "level": query.level, "run": run_answer(run)}
    return list_response(
        request,
        query,
        total=found.total,
        key="misses",
        items=miss_answers(found.rows, names, unit),
        columns=columns(MissAnswer),
        context=context,
        headers=headers,
        facts=partial(table_facts, session, dataset, run),
    )


class _Scores(NamedTuple):
    """Scores of a selection, their folds and their PIT histogram."""

    rows: list[ScoreRow]
    folds: Folds
    pit: list[PitBin]


def _scores(
    session: Session,
    run: PublishedRunRecord,
    coverage: Coverage,
    selected: Sequence[ResolvedSeries],
    query: BacktestQuery,
) -> tuple[dict[int, str], _Scores]:
    """Names and scores of the selected series, or of a single derived series itself."""
    if len(selected) == 1 and selected[0].derived:
        names = {DERIVED_ID: selected[0].unique_id}
        return names, _derived_scores(session, run, selected[0], query, coverage.probabilities)
    names = part_names([series for series in selected if query.group in (None, series.group)])
    return names, _stored_scores(session, run, sorted(names), query)


def _derived_scores(
    session: Session, run: PublishedRunRecord, series: ResolvedSeries, query: BacktestQuery, kept: Sequence[float]
) -> _Scores:
    """Scores of a derived series, computed from its parts."""
    found = derived_scores(session, run, series, kind=query.kind, probabilities=kept)
    bins = [PitBin(row.level, row.n) for row in found.rows if row.metric == PIT]
    if query.by == "forecaster":
        return _Scores([row for row in found.rows if row.step == 0], found.folds, bins)
    of_forecaster = [row for row in found.rows if row.forecaster == query.forecaster]
    if query.by == "step":
        return _Scores([row for row in of_forecaster if row.step > 0], found.folds, bins)
    pooled = [row._replace(series_id=DERIVED_ID) for row in of_forecaster if row.step == 0]
    return _Scores(pooled, found.folds, bins)


def _stored_scores(session: Session, run: PublishedRunRecord, ids: Sequence[int], query: BacktestQuery) -> _Scores:
    """Scores pooled over stored series."""
    found = backtests.scores(
        session, run.id, ids, by=query.by, kind=query.kind, forecaster=query.forecaster, baseline=BASELINE
    )
    bins = pit_histogram(session, run.id, ids, kind=query.kind, forecaster=query.forecaster)
    return _Scores(found, backtests.folds(session, run.id, ids), bins)


def _misses(
    session: Session,
    run: PublishedRunRecord,
    selected: Sequence[ResolvedSeries],
    query: MissQuery,
    kept: Sequence[float],
) -> tuple[dict[int, str], MissedPage]:
    """Names and misses of the selected series, or of a single derived series itself."""
    options: dict[str, Any] = query.model_dump(include={"kind", "step", "level", "limit", "offset"}) | {"kept": kept}
    if len(selected) == 1 and selected[0].derived:
        return {DERIVED_ID: selected[0].unique_id}, read_derived_misses(session, run, selected[0], **options)
    names = part_names(selected)
    found = backtest_folds.read_misses(session, run, sorted(names), forecaster=COMBINATION, **options)
    return names, found


def _refuse_levels(levels: Iterable[float]) -> None:
    """Raises LevelNotKept."""
    for level in levels:
        if level not in LEVELS:
            raise LevelNotKept(level, LEVELS)


def _refuse_forecaster(session: Session, run: int, catalog: SeriesCatalog, forecaster: str) -> None:
    """Raises UnknownForecaster for a forecaster that the run has not scored."""
    if forecaster == COMBINATION:
        return
    ids = [series.id for series in catalog.series]
    scored = backtests.scores(
        session, run, ids, by="forecaster", kind="month", forecaster=forecaster, baseline=BASELINE
    )
    known = sorted({row.forecaster for row in scored})
    if forecaster not in known:
        raise UnknownForecaster(forecaster, known)
