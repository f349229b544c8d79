"""A small world of two datasets, and synthetic runs published through the store's own functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, SQLModel, col

from forecasting.analysis.periods import scored_periods
from forecasting.config import PROBABILITIES
from forecasting.data.months import number_of_month
from forecasting.evaluation.period_scores import EVERY
from store import grids
from store.models import TOTAL_SECTOR, Dataset, Membership, Observation, Partner, Score, Sector, Series
from store.queries import (
    backtest_folds,
    backtests,
    decompositions,
    forecasts,
    observations,
    run_inputs,
    run_status,
    score_arrays,
)

FloatArray = NDArray[np.float64]
NOW = datetime(2026, 1, 20, 9, tzinfo=UTC)
FIRST, LAST = np.datetime64("2022-01"), np.datetime64("2025-12")
PARTNERS = {"CHN": "China", "WLD": "World", "USA": "United States", "DEU": "Germany", "FRA": "France"}
GROUPS = {"EU27": "European Union (27)"}
SECTORS = {"TOTAL": "All goods", "BATTERIES": "Batteries", "EV": "Electric vehicles"}
FORECASTERS = ("seasonal_naive", "theta", "combination")


@dataclass(frozen=True)
class Published:
    """The arrays that a synthetic run was given to store; shapes as in `store.queries.forecasts.write`."""

    run_id: int
    dataset: str
    unique_ids: tuple[str, ...]
    series_ids: NDArray[np.int64]
    months: NDArray[np.datetime64]
    mean: FloatArray
    median: FloatArray
    quantiles: FloatArray
    paths: NDArray[np.float32]
    scores: list[dict[str, Any]]
    folds: dict[str, Any]
    periods: list[dict[str, Any]]

    def row(self, unique_id: str) -> int:
        return self.unique_ids.index(unique_id)


def build_catalog(session: Session) -> None:
    """Two datasets with their series, groups, and four years of backfilled observations."""
    partners = [{"code": code, "name": name, "is_group": False} for code, name in PARTNERS.items()]
    partners += [{"code": code, "name": name, "is_group": True} for code, name in GROUPS.items()]
    sectors = [{"code": code, "name": name, "classification": "test"} for code, name in SECTORS.items()]
    _insert(session, Partner, partners)
    _insert(session, Sector, sectors)
    _insert(session, Dataset, [_dataset("CN_TRADE", "USD bn"), _dataset("CN_CLEANTECH", "USD m")])
    members = [{"group_code": "EU27", "member_code": code} for code in ("DEU", "FRA")]
    _insert(session, Membership, members)
    series = [_series("CN_TRADE", flow, "WLD", "TOTAL") for flow in "XM"]
    series += [
        _series("CN_CLEANTECH", "X", partner, sector) for partner in ("WLD", "USA", "DEU", "FRA") for sector in SECTORS
    ]
    _insert(session, Series, series)
    _insert(session, Observation, _observations(session))


def publish_run(
    session: Session,
    dataset: str,
    *,
    as_of: date = date(2026, 1, 15),
    horizon: int = 6,
    draws: int = 40,
    seed: int = 7,
    cutoff: np.datetime64 = LAST,
    data_hash: str = "d" * 64,
    now: datetime = NOW,
    coherent: bool = False,
) -> Published:
    """A run of random figures, queued, started, written and published; if coherent, sectors add up to their total."""
    rows = (
        session.execute(sa.select(Series).where(col(Series.dataset_id) == dataset).order_by(col(Series.id)))
        .scalars()
        .all()
    )
    run_id = run_status.queue(
        session,
        dataset_id=dataset,
        as_of=as_of,
        horizon=horizon,
        seed=seed,
        config={"horizon": horizon, "folds": 4},
        config_hash="c" * 64,
        code_version="0.1.0",
        requested_at=now,
    )
    run_status.start(session, run_id, cutoff=cutoff.astype(date), data_hash=data_hash, started_at=now)
    made = _figures(run_id, dataset, rows, horizon=horizon, draws=draws, seed=seed, cutoff=cutoff, coherent=coherent)
    seen = observations.panel_frame(session, dataset, as_of)
    seen = seen[seen["ds"] <= cutoff]
    run_inputs.write(session, run_id, ids=observations.series_ids(session, dataset), frame=seen)
    forecasts.write(
        session,
        run_id,
        series_ids=made.series_ids,
        months=made.months,
        mean=made.mean,
        median=made.median,
        probabilities=PROBABILITIES,
        quantiles=made.quantiles,
        paths=made.paths,
        weights={"theta": np.full(len(rows), 0.75), "seasonal_naive": np.full(len(rows), 0.25)},
    )
    backtests.write(session, run_id, **made.folds)
    _write_scores(session, made, made.scores)
    decompositions.write(session, run_id, **_components(made))
    for kind, spacing in EVERY.items():
        folds = [_period_fold(fold) for fold in made.periods if fold["kind"] == kind]
        if folds:
            about: dict[str, Any] = {"kind": kind, "spacing": spacing, "folds": folds}
            backtest_folds.write_periods(session, run_id, series_ids=made.series_ids, **about)
    run_status.publish(session, run_id, finished_at=now)
    return made


DECIMALS = 3
"""Decimals of forecasts at folds; they are read within half the distance of their grid."""


def _figures(
    run_id: int,
    dataset: str,
    rows: Sequence[Series],
    *,
    horizon: int,
    draws: int,
    seed: int,
    cutoff: np.datetime64,
    coherent: bool,
) -> Published:
    generator = np.random.default_rng(seed)
    paths = generator.gamma(20.0, 5.0, size=(len(rows), draws, horizon)).astype(np.float32)
    if coherent:
        _add_up(rows, paths)
    paths = _on_grids(paths)
    exact = paths.astype(np.float64)
    ids = np.array([row.id for row in rows], dtype=np.int64)
    return Published(
        run_id=run_id,
        dataset=dataset,
        unique_ids=tuple(row.unique_id for row in rows),
        series_ids=ids,
        months=cutoff + np.arange(1, horizon + 1),
        mean=exact.mean(axis=1),
        median=np.quantile(exact, 0.5, axis=1),
        quantiles=np.moveaxis(np.quantile(exact, PROBABILITIES, axis=1), 0, 1),
        paths=paths,
        scores=_scores(ids, horizon, generator),
        folds=_folds(ids, horizon, generator),
        periods=_periods(ids, horizon, np.random.default_rng(seed + 1)),
    )


def _on_grids(paths: NDArray[np.float32]) -> NDArray[np.float32]:
    """Paths as they are read after they were written, so that figures of a run and of its stored paths are the same."""
    by_step = np.swapaxes(paths, 1, 2)
    return np.swapaxes(grids.decode(grids.encode(by_step).tobytes(), paths.shape[1]).reshape(by_step.shape), 1, 2)


def _add_up(rows: Sequence[Series], paths: NDArray[np.float32]) -> None:
    """Make the total over sectors of each flow and partner the sum of its sectors, where it has any."""
    parts: dict[tuple[str, str], list[int]] = {}
    for place, row in enumerate(rows):
        if row.sector != TOTAL_SECTOR:
            parts.setdefault((row.flow, row.partner), []).append(place)
    for place, row in enumerate(rows):
        if row.sector == TOTAL_SECTOR and (row.flow, row.partner) in parts:
            paths[place] = paths[parts[row.flow, row.partner]].sum(axis=0)


def _components(made: Published) -> dict[str, Any]:
    """Random parts of every series that multiply to the observations; the first series' first year has none."""
    names = ("trend", "season", "calendar", "rest")
    past = np.arange(FIRST, made.months[0])
    values = np.random.default_rng(made.run_id).uniform(
        0.1, 0.3, size=(len(made.series_ids), len(names), len(past) + len(made.months))
    )
    values[:, 0] += 50
    for row, unique_id in enumerate(made.unique_ids):
        known = observed(unique_id)[: len(past)]
        trend, season, calendar = values[row, :3, : len(past)]
        values[row, 3, : len(past)] = known / (trend * (1 + season) * (1 + calendar)) - 1
    values[:, 3, len(past) :] = np.nan
    values[0, :, :12] = np.nan
    return {"series_ids": made.series_ids, "names": names, "start": FIRST, "values": values}


def _folds(ids: NDArray[np.int64], horizon: int, generator: np.random.Generator) -> dict[str, Any]:
    """Four scored folds and the run's own cutoff; `theta` gave nothing for the first series at the first fold."""
    cutoffs = LAST - np.arange(4, -1, -1)
    means = generator.gamma(20.0, 5.0, size=(len(ids), len(FORECASTERS), len(cutoffs), horizon)).round(DECIMALS)
    means[0, FORECASTERS.index("theta"), 0] = np.nan
    actuals = generator.gamma(20.0, 5.0, size=(len(ids), len(cutoffs), horizon))
    months = cutoffs[:, None] + np.arange(1, horizon + 1)
    actuals[:, months > LAST] = np.nan
    spread = np.array(PROBABILITIES)[:, None] - 0.5
    position = FORECASTERS.index("combination")
    quantiles = np.full((*means.shape[:3], len(PROBABILITIES), horizon), np.nan)
    quantiles[:, position] = (means[:, position, :, None] + 40 * spread).round(DECIMALS)
    return {
        "series_ids": ids,
        "forecasters": FORECASTERS,
        "cutoffs": cutoffs,
        "means": means,
        "actuals": actuals,
        "quantiles": quantiles,
    }


def _periods(ids: NDArray[np.int64], horizon: int, generator: np.random.Generator) -> list[dict[str, Any]]:
    """Quarters, years, and January with February at the same folds."""
    found = []
    for kind, every in EVERY.items():
        for cutoff in LAST - np.arange(4, 0, -1):
            last = number_of_month(cutoff)
            steps = [period.last - last for period in scored_periods(last, horizon, kind)]
            means = generator.gamma(20.0, 15.0, size=(len(ids), len(steps))).round(DECIMALS)
            actuals = generator.gamma(20.0, 15.0, size=means.shape)
            actuals[:, cutoff + np.array(steps, dtype=int) > LAST] = np.nan
            quantiles = (means[:, None] + 120 * (np.array(PROBABILITIES)[:, None] - 0.5)).round(DECIMALS)
            if steps:
                about = {"kind": kind, "cutoff": cutoff, "step": steps[0], "spacing": every}
                found.append({**about, "means": means, "quantiles": quantiles, "actuals": actuals})
    return found


def _period_fold(fold: dict[str, Any]) -> backtest_folds.PeriodFold:
    return backtest_folds.PeriodFold(*(fold[name] for name in backtest_folds.PeriodFold._fields))


def _scores(ids: NDArray[np.int64], horizon: int, generator: np.random.Generator) -> list[dict[str, Any]]:
    """Rows of monthly scores; the last of them could not be computed."""
    metrics = [(name, 0.0) for name in ("mase", "rmsse", "smape", "wis", "bias", "mae")]
    metrics += [("coverage", level) for level in (50.0, 80.0, 90.0, 95.0)]
    rows = [
        {
            **{"series_id": series_id, "forecaster": forecaster, "kind": "month", "metric": metric, "level": level},
            **{"step": step, "value": generator.uniform(0.2, 0.9), "n": 4 if step else 10},
        }
        for series_id in ids.tolist()
        for forecaster in FORECASTERS
        for step in range(horizon + 1)
        for metric, level in metrics
    ]
    rows[-1]["value"] = np.nan
    return rows


def metric_scores(rows: list[dict[str, Any]], ids: NDArray[np.int64]) -> list[score_arrays.MetricScores]:
    """Rows `series_id`, `forecaster`, `kind`, `metric`, `level`, `step`, `value` and `n` as they are written."""
    found = []
    for key in dict.fromkeys((row["forecaster"], row["kind"], row["metric"]) for row in rows):
        mine = [row for row in rows if (row["forecaster"], row["kind"], row["metric"]) == key]
        levels = sorted({row["level"] for row in mine})
        shape = (len(ids), len(levels), 1 + max(row["step"] for row in mine))
        value, n = np.full(shape, np.nan), np.zeros(shape, dtype=np.int32)
        for row in mine:
            cell = ids.tolist().index(row["series_id"]), levels.index(row["level"]), row["step"]
            value[cell], n[cell] = row["value"], row["n"]
        found.append(score_arrays.MetricScores(*key, levels, value, n))
    return found


def add_scores(session: Session, run: Published, rows: list[dict[str, Any]]) -> None:
    """Store scores of a run beside those with which it was published."""
    session.execute(sa.delete(Score).where(col(Score.run_id) == run.run_id))
    _write_scores(session, run, run.scores + rows)


def _write_scores(session: Session, run: Published, rows: list[dict[str, Any]]) -> None:
    scores = metric_scores(rows, run.series_ids)
    score_arrays.write_scores(session, run.run_id, series_ids=run.series_ids, scores=scores)


def observed(unique_id: str) -> FloatArray:
    """The observations of a series from FIRST to LAST, shape (months,)."""
    months = np.arange(FIRST, LAST + 1)
    level = 50 + sum(map(ord, unique_id)) % 97
    return np.asarray(level + 10 * np.sin(np.arange(len(months))), dtype=np.float64).round(3)


def add_observations(session: Session, dataset: str) -> None:
    """Store four years of observations of the series of a dataset that has none."""
    ids = set(session.scalars(sa.select(col(Series.id)).where(col(Series.dataset_id) == dataset)))
    _insert(session, Observation, [row for row in _observations(session) if row["series_id"] in ids])


def _observations(session: Session) -> list[dict[str, Any]]:
    months = [month.astype(date) for month in np.arange(FIRST, LAST + 1)]
    return [
        {
            "series_id": row.id,
            "month": month,
            "vintage": date(month.year + month.month // 12, month.month % 12 + 1, 9),
            "value": float(value),
            "months": 1,
            "status": "A",
            "backfilled": True,
        }
        for row in session.execute(sa.select(Series)).scalars()
        for month, value in zip(months, observed(row.unique_id), strict=True)
    ]


def _dataset(code: str, unit: str) -> dict[str, Any]:
    return {
        "id": code,
        "title": f"{code}, synthetic",
        "reporter": "CHN",
        "currency": "USD",
        "unit": unit,
        "publisher": "Nobody",
        "licence": "CC0",
        "citation": "synthetic",
        "release_day": 9,
        "derives_rest": False,
    }


def _series(dataset: str, flow: str, partner: str, sector: str) -> dict[str, Any]:
    return {"dataset_id": dataset, "flow": flow, "partner": partner, "sector": sector}


def _insert(session: Session, table: type[SQLModel], rows: list[dict[str, Any]]) -> None:
    """Insert the rows that no migration has seeded already."""
    session.execute(insert(table).on_conflict_do_nothing(), rows)
