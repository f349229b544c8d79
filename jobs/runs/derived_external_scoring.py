"""Scores of external forecasts of growth and of balances beside Tradewind's.

Tradewind's forecast is that of the last run that knew no more than the external one; where no run is as old, the
backtest fold of the latest run that ends with the month before the target. Outcomes are first prints, where they are
known, and latest values; a revised value never stands for a first print.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from sqlmodel import Session

from forecasting.config import COMBINATION
from forecasting.data.months import MONTHS_PER_YEAR, first_day, month_number
from forecasting.evaluation.metrics import wis_of
from forecasting.path_quantiles import path_quantiles
from forecasting.types import FloatArray
from store.queries import backtest_folds, external_forecasts, first_prints, forecasts, observations, run_inputs, runs
from store.queries.backtest_folds import FoldForecast
from store.queries.external_forecasts import DerivedTarget
from store.queries.runs import PublishedRunRecord

BALANCE, GROWTH = "balance", "pc1"


@dataclass(frozen=True)
class _Ours:
    """Tradewind's forecast of a target: a point, and draws where it comes from a published run."""

    run_id: int
    step: int
    point: float
    draws: FloatArray | None


def score_derived_forecasts(session: Session, dataset: str) -> int:
    """Score external forecasts of growth and balances with a new outcome; returns their number. The caller commits."""
    targets = external_forecasts.derived_targets(session, dataset)
    if not targets:
        return 0
    world = _World(session, dataset)
    scored = [row for target in targets if (row := world.scored(target)) is not None]
    external_forecasts.write_scores(session, scored)
    return len(scored)


@dataclass
class _World:
    """The observations, runs and folds of a dataset that forecasts are compared with."""

    session: Session
    dataset: str
    _observed: dict[date | None, dict[tuple[int, int, int], float]] = field(default_factory=dict)
    _folds: dict[int, dict[date, dict[int, FoldForecast]]] = field(default_factory=dict)

    def scored(self, target: DerivedTarget) -> dict[str, Any] | None:
        """The scores of a target with an outcome; None without one, or where nothing has changed."""
        latest = self._outcome(target, as_of=None)
        ours = None if latest is None else self._published(target) or self._backtested(target)
        if latest is None or ours is None:
            return None
        first = self._first_print(target)
        if (target.run_id, target.first_value, target.latest_value) == (ours.run_id, first, latest):
            return None
        quantiles = {float(probability): value for kind, probability, value in target.statements if kind != "mean"}
        means = [value for kind, _, value in target.statements if kind == "mean"]
        point = quantiles.get(0.5, means[0] if means else None)
        # A point forecast is scored as a median: its score is its absolute error.
        theirs = quantiles or {0.5: point}
        identity = {name: getattr(target, name) for name in external_forecasts.TARGET}
        return identity | {
            "run_id": ours.run_id,
            "step": ours.step,
            "point": point,
            "our_point": ours.point,
            "first_value": first,
            "latest_value": latest,
            "quantiles": len(quantiles),
            "first_wis": _wis(first, theirs),
            "our_first_wis": _wis(first, _own(ours, sorted(theirs))),
            "latest_wis": _wis(latest, theirs),
            "our_latest_wis": _wis(latest, _own(ours, sorted(theirs))),
            "backtest": ours.draws is None,
        }

    @cached_property
    def _runs(self) -> list[PublishedRunRecord]:
        """Published runs, the latest knowledge first."""
        found = [runs.as_published(run) for run in runs.page(self.session, dataset_id=self.dataset, limit=1000).rows]
        return sorted((run for run in found if run is not None), key=lambda run: (run.as_of, run.id), reverse=True)

    @cached_property
    def _imports(self) -> dict[int, int]:
        """The series of imports beside each one of exports."""
        ids = observations.series_ids(self.session, self.dataset)
        pairs = {number: ids.get(name.replace(".X.", ".M.", 1)) for name, number in ids.items() if ".X." in name}
        return {number: other for number, other in pairs.items() if other is not None}

    def _parts(self, target: DerivedTarget) -> list[tuple[int, int]] | None:
        """The stored series behind a target, each with its sign; None where imports are not published."""
        if target.measure != BALANCE:
            return [(target.series_id, 1)]
        other = self._imports.get(target.series_id)
        return None if other is None else [(target.series_id, 1), (other, -1)]

    def _values(self, as_of: date | None) -> dict[tuple[int, int, int], float]:
        """Values known on a day by series, month number, and 2 for a February that holds January too, else 1."""
        if as_of not in self._observed:
            frame = observations.panel_frame(self.session, self.dataset, as_of)
            numbers = frame["unique_id"].map(observations.series_ids(self.session, self.dataset))
            places = MONTHS_PER_YEAR * frame["ds"].dt.year + frame["ds"].dt.month - 1
            keys = zip(numbers, places, frame["months"], strict=True)
            self._observed[as_of] = dict(zip(keys, frame["y"].tolist(), strict=True))
        return self._observed[as_of]

    def _sum(self, target: DerivedTarget, back: int, as_of: date | None) -> float | None:
        """The sum of a target's months, `back` months earlier, as known on a day."""
        parts = self._parts(target)
        if parts is None:
            return None
        last = month_number(target.month.year, target.month.month) - back
        known, total = self._values(as_of), 0.0
        for number, sign in parts:
            apart = [(number, month, 1) for month in range(last - target.months + 1, last + 1)]
            keys = [(number, last, 2)] if target.months == 2 and (number, last, 2) in known else apart
            if any(key not in known for key in keys):
                return None
            total += sign * sum(known[key] for key in keys)
        return total

    def _outcome(self, target: DerivedTarget, *, as_of: date | None) -> float | None:
        value = self._sum(target, 0, as_of)
        if target.measure != GROWTH or value is None:
            return value
        before = self._sum(target, MONTHS_PER_YEAR, as_of)
        return None if not before else 100.0 * (value / before - 1.0)

    def _first_print(self, target: DerivedTarget) -> float | None:
        """The first print, as published or, where the first vintage was kept, as computed on its day."""
        known = first_prints.find(self.session, target.series_id, target.month, target.months, target.measure)
        if known is not None:
            return known.value
        numbers = [number for number, _ in self._parts(target) or []]
        day = first_prints.kept_on(self.session, numbers, target.month)
        return None if day is None else self._outcome(target, as_of=day)

    def _published(self, target: DerivedTarget) -> _Ours | None:
        """The forecast of the last published run that knew no more than the external one."""
        last = month_number(target.month.year, target.month.month)
        for run in self._runs:
            cutoff = month_number(run.cutoff.year, run.cutoff.month)
            step = last - cutoff
            if run.as_of <= target.reference_date and target.months <= step <= run.horizon and not run.thinned_at:
                return self._of_run(target, run, step)
        return None

    def _of_run(self, target: DerivedTarget, run: PublishedRunRecord, step: int) -> _Ours | None:
        parts = self._parts(target) or []
        paths = forecasts.paths(self.session, run.id, [number for number, _ in parts])
        months = slice(step - target.months, step)
        signs = np.array([sign for _, sign in parts], dtype=np.float64)
        draws: FloatArray = signs @ paths[:, :, months].sum(axis=2, dtype=np.float64)
        if target.measure == GROWTH:
            first = first_day(month_number(target.month.year, target.month.month) - MONTHS_PER_YEAR - target.months + 1)
            last = first_day(month_number(target.month.year, target.month.month) - MONTHS_PER_YEAR)
            before = run_inputs.recent(self.session, run.id, [target.series_id], first=first, last=last).values.sum()
            if not np.isfinite(before) or before <= 0:
                return None
            draws = 100.0 * (draws / before - 1.0)
        return _Ours(run.id, step, float(np.median(draws)), draws)

    def _backtested(self, target: DerivedTarget) -> _Ours | None:
        """The mean of the latest run's fold that ends with the month before the target."""
        parts = self._parts(target)
        if not self._runs or parts is None:
            return None
        run = self._runs[0]
        cutoff = first_day(month_number(target.month.year, target.month.month) - target.months)
        fold = self._folds_of(run.id).get(cutoff, {})
        total = 0.0
        for number, sign in parts:
            means = fold[number].means[: target.months] if number in fold else [None]
            if any(mean is None for mean in means):
                return None
            total += sign * sum(mean for mean in means if mean is not None)
        if target.measure == GROWTH:
            before = self._sum(target, MONTHS_PER_YEAR, None)
            if not before:
                return None
            total = 100.0 * (total / before - 1.0)
        return _Ours(run.id, target.months, total, None)

    def _folds_of(self, run_id: int) -> dict[date, dict[int, FoldForecast]]:
        if run_id not in self._folds:
            targets = external_forecasts.derived_targets(self.session, self.dataset)
            numbers = {number for target in targets for number, _ in self._parts(target) or []}
            self._folds[run_id] = backtest_folds.by_cutoff(
                self.session, run_id, sorted(numbers), forecaster=COMBINATION
            )
        return self._folds[run_id]


def _own(ours: _Ours, probabilities: Sequence[float]) -> dict[float, float | None]:
    """Our quantiles at the external forecast's probabilities; of a fold the point alone."""
    if ours.draws is None:
        return {0.5: ours.point} if list(probabilities) == [0.5] else {}
    values = path_quantiles(ours.draws[:, None], list(probabilities))[:, 0]
    return dict(zip(probabilities, values.tolist(), strict=True))


def _wis(actual: float | None, quantiles: dict[float, float | None]) -> float | None:
    if actual is None or not quantiles:
        return None
    probabilities = sorted(quantiles)
    values = np.array([quantiles[probability] for probability in probabilities], dtype=np.float64)
    return float(wis_of(np.array(actual), values, probabilities))
