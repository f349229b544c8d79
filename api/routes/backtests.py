"""How forecasts did: scores beside the baseline's, and what was said at each fold."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from api import schemas
from api.answers import later_months, month_text, run_answer
from api.caching import not_modified, run_headers
from api.choosing import chosen_run, chosen_series
from api.deps import CatalogsDep, OptionsDep, SessionDep, may_read
from api.errors import LevelNotKept, NotOneSeries
from api.formats import csv_response, json_response, wanted_format
from api.paging import paging, paging_headers
from api.params import BacktestQuery, DatasetPath, FoldQuery
from forecasting.config import BASELINE, LEVELS, interval_probabilities
from store import backtests
from store.backtests import ScoreRow, Track

router = APIRouter(tags=["backtests"], dependencies=[Depends(may_read)])
UNITS = {"mase": "ratio", "rmsse": "ratio", "smape": "per cent", "coverage": "share", "dm_pvalue": "probability"}
"""Units of metrics; the others have the unit of what was forecast."""
SCORE_COLUMNS = (
    *("unique_id", "forecaster", "step", "kind", "metric", "level"),
    *("value", "baseline", "unit", "n", "series", "folds", "first_cutoff", "last_cutoff"),
)
FOLD_COLUMNS = ("unique_id", "forecaster", "cutoff", "month", "step", "unit", "mean", "actual", "level", "lo", "hi")


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

    MASE, RMSSE, sMAPE, WIS, bias, MAE, and coverage by level: means over the series chosen. `folds` names how many
    cutoffs they rest on, the first and the last.
    """
    run = chosen_run(session, dataset, query)
    headers = run_headers(request, options, run, fixed=False)
    unchanged = not_modified(request, headers)
    if unchanged is not None:
        return unchanged
    _, catalog = catalogs.of_run(session, run.id)
    chosen = catalog.choose(flows=query.flow, partners=query.partner, sectors=query.sector)
    names = {part.series_id: part.unique_id for one in chosen for part in one.parts}
    ids = sorted(names)
    found = backtests.scores(
        session, run.id, ids, by=query.by, kind=query.kind, forecaster=query.forecaster, baseline=BASELINE
    )
    folds = backtests.folds(session, run.id, ids)
    page = paging(request, limit=query.limit, offset=query.offset, total=len(found))
    unit = "percentage points" if query.kind.endswith("_growth") else catalog.unit
    scores = [_score_answer(row, names, unit) for row in found[query.offset : query.offset + query.limit]]
    about = {"number": folds.number, "first_cutoff": month_text(folds.first), "last_cutoff": month_text(folds.last)}
    headers |= paging_headers(page)
    if wanted_format(request, query.format) == "csv":
        known = {"kind": query.kind, **about, "folds": folds.number}
        rows = ([(score | known)[column] for column in SCORE_COLUMNS] for score in scores)
        return csv_response(SCORE_COLUMNS, rows, headers=headers)
    answer = {
        "dataset": dataset,
        "unit": catalog.unit,
        "run": run_answer(run),
        "by": query.by,
        "kind": query.kind,
        "baseline": BASELINE,
        "folds": about,
        **page,
        "scores": scores,
    }
    return json_response(answer, headers=headers)


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
    unchanged = not_modified(request, headers)
    if unchanged is not None:
        return unchanged
    for level in query.level:
        if level not in LEVELS:
            raise LevelNotKept(level, LEVELS)
    series = chosen_series(session, catalogs, run, query.model_copy(update={"offset": 0}))
    if series.total != 1 or series.page[0].derived:
        raise NotOneSeries(series.total)
    one, unit = series.page[0], series.catalog.unit
    found = backtests.tracks(
        session,
        run.id,
        one.parts[0].series_id,
        forecaster=query.forecaster,
        limit=query.limit,
        offset=query.offset,
    )
    kept = series.coverage.probabilities
    folds = [_fold_answer(track, query.level, kept) for track in found.rows]
    page = paging(request, limit=query.limit, offset=query.offset, total=found.total)
    headers |= paging_headers(page)
    if wanted_format(request, query.format) == "csv":
        rows = _fold_rows(one.unique_id, query.forecaster, unit, folds)
        return csv_response(FOLD_COLUMNS, rows, headers=headers)
    about = {"unique_id": one.unique_id, "dataset": dataset, "unit": unit, "forecaster": query.forecaster}
    return json_response({**about, "run": run_answer(run), **page, "folds": folds}, headers=headers)


def _score_answer(row: ScoreRow, names: dict[int, str], unit: str) -> dict[str, Any]:
    return {
        "unique_id": None if row.series_id is None else names[row.series_id],
        "forecaster": row.forecaster,
        "step": row.step or None,
        "metric": row.metric,
        "level": row.level or None,
        "value": row.value,
        "baseline": row.baseline,
        "unit": UNITS.get(row.metric, unit),
        "n": row.n,
        "series": row.series,
    }


def _fold_answer(track: Track, levels: Sequence[float], kept: Sequence[float]) -> dict[str, Any]:
    places = [tuple(kept.index(probability) for probability in interval_probabilities(level)) for level in levels]
    months = later_months(track.cutoff, len(track.means))
    bounds = track.quantiles
    return {
        "cutoff": month_text(track.cutoff),
        "months": [
            {
                "month": months[place],
                "step": place + 1,
                "mean": mean,
                "actual": track.actuals[place],
                "intervals": []
                if bounds is None
                else [
                    {"level": level, "lo": bounds[lo][place], "hi": bounds[hi][place]}
                    for level, (lo, hi) in zip(levels, places, strict=True)
                ],
            }
            for place, mean in enumerate(track.means)
        ],
    }


def _fold_rows(unique_id: str, forecaster: str, unit: str, folds: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    nothing = [{"level": None, "lo": None, "hi": None}]
    for fold in folds:
        for month in fold["months"]:
            head = (unique_id, forecaster, fold["cutoff"], month["month"], month["step"], unit)
            for interval in month["intervals"] or nothing:
                yield (*head, month["mean"], month["actual"], *interval.values())
