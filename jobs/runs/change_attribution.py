"""Attribution of the change of each forecast between two runs, by applying the earlier configuration to new data."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
import structlog
from sqlmodel import Session

from forecasting.analysis.change_attribution import split_change
from forecasting.code_version import code_version
from forecasting.config import ForecastConfig
from forecasting.data.hierarchy import find_hierarchy
from forecasting.data.panel import Panel
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.types import FloatArray
from forecasting.uncertainty.reconciliation import reconciler
from jobs.execution.executors import ExecutorFactory
from jobs.runs.run_panel import read_panel
from store import grids
from store.errors import NoEarlierRun, NotComparable
from store.queries import (
    backtests,
    catalog,
    forecasts,
    observations,
    run_changes,
    run_indicators,
    run_inputs,
    runs,
    total_effects,
)
from store.queries.runs import PublishedRunRecord, RunRecord

log = structlog.get_logger(__name__)
WIDTH = (0.1, 0.9)
"""Quantiles between which the uncertainty of a series is measured, for the reconciliation of changes."""


def attribute_changes(
    session: Session, run_id: int, *, against: int | None = None, make_executor: ExecutorFactory
) -> int:
    """Attribute the change of a published run's forecasts since an earlier run; returns the number of the earlier run.

    `against` is by default the previous published run. A stored attribution of the two is replaced. The caller commits.
    Raises UnknownRun, NoEarlierRun, NotComparable, ForecastingError.
    """
    after = runs.find(session, run_id)
    before = runs.published_before(session, after) if against is None else runs.find(session, against)
    if before is None:
        raise NoEarlierRun(run_id)
    comparison = _Comparison(session, before, after, make_executor)
    comparison.write()
    log.info("changes.explained", run=after.id, against=before.id, series=len(comparison.unique_ids))
    return before.id


class _Effect(Protocol):
    """An amount that was added to the forecast of a month of a series."""

    @property
    def series_id(self) -> int: ...

    @property
    def month(self) -> date: ...

    @property
    def value(self) -> float: ...


class _Published(NamedTuple):
    """Published forecasts of some months: means and interval widths, each of shape (series, months)."""

    mean: FloatArray
    width: FloatArray


class _Comparison:
    """Two published runs of one dataset, with the series and months that both forecast."""

    def __init__(self, session: Session, before: RunRecord, after: RunRecord, make_executor: ExecutorFactory) -> None:
        self.before, self.after = before, after = _published_pair(before, after)
        self.session, self.make_executor = session, make_executor
        self.dataset = catalog.dataset(session, after.dataset_id)
        ids = observations.series_ids(session, after.dataset_id)
        both = [{series.id for series in forecasts.coverage(session, run.id).series} for run in (before, after)]
        self.unique_ids = sorted(uid for uid, number in ids.items() if number in both[0] & both[1])
        self.series_ids = [ids[uid] for uid in self.unique_ids]
        self.seen = [self._seen(run) for run in (before, after)]
        self.shift = (after.cutoff.year - before.cutoff.year) * 12 + after.cutoff.month - before.cutoff.month
        self.months = min(before.horizon - self.shift, after.horizon)
        if self.months < 1:
            raise NotComparable(after.id, before.id, "they forecast no month in common")

    def write(self) -> None:
        shares = forecasts.weights(self.session, self.before.id, self.series_ids)
        names = sorted({name for mine in shares.values() for name in mine})
        weights = np.array([[shares[number].get(name, 0.0) for name in names] for number in self.series_ids])
        old, kept, new = self._forecaster_means(names)
        late = slice(self.shift, self.shift + self.months)
        earlier, later = self._published(self.before, late), self._published(self.after, slice(self.months))
        hierarchy = find_hierarchy(self._panel(self.seen[1]))
        found = split_change(
            later.mean - earlier.mean,
            before=old[:, :, late],
            revised=kept[:, :, late],
            after=new[:, :, : self.months],
            weights=weights,
            indicators=self._difference(run_indicators.effects),
            published_total=self._difference(total_effects.effects),
            reconcile=reconciler(hierarchy, np.square(earlier.width).mean(axis=1)),
        )
        months = np.datetime64(self.after.cutoff, "M") + 1 + np.arange(self.months)
        run_changes.write(
            self.session,
            self.after.id,
            self.before.id,
            series_ids=self.series_ids,
            months=months,
            new_figures=found.new_figures,
            revised_figures=found.revised_figures,
            indicators=found.indicators,
            published_total=found.published_total,
            reestimation=found.reestimation,
        )

    def _forecaster_means(self, names: Sequence[str]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Means by the earlier run's forecasters from its data, revised and all data (series, forecasters, horizon)."""
        before, after = self.seen
        old = self._of_run(self.before, before, names)
        # The data of the later run up to the last month of the earlier one.
        last = before.groupby("unique_id")["ds"].max()
        kept_frame = after[after["ds"] <= after["unique_id"].map(last)].reset_index(drop=True)
        kept = old if kept_frame.equals(before) else self._fitted(kept_frame, names)
        return old, kept, self._of_run(self.after, after, names)

    def _difference(self, effects_of: Callable[[Session, int], Iterable[_Effect]]) -> FloatArray:
        """How far the effects in the later run exceed those in the earlier one, shape (series, months)."""
        after, before = (self._added(effects_of(self.session, run.id)) for run in (self.after, self.before))
        return after - before

    def _added(self, effects: Iterable[_Effect]) -> FloatArray:
        """The sum of effects on the forecasts of the compared months, shape (series, months)."""
        added = np.zeros((len(self.series_ids), self.months))
        place = {number: row for row, number in enumerate(self.series_ids)}
        for effect in effects:
            month = (effect.month.year - self.after.cutoff.year) * 12 + effect.month.month - self.after.cutoff.month - 1
            if effect.series_id in place and 0 <= month < self.months:
                added[place[effect.series_id], month] += effect.value
        return added

    def _seen(self, run: RunRecord) -> pd.DataFrame:
        """The observations that a run used, for the compared series."""
        frame = run_inputs.frame(self.session, run.id)
        return frame[frame["unique_id"].isin(self.unique_ids)].reset_index(drop=True)

    def _of_run(self, run: RunRecord, frame: pd.DataFrame, names: Sequence[str]) -> FloatArray:
        """Stored forecasts if the run has this code and these forecasters; otherwise computed now."""
        stored = {
            (fold.series_id, fold.forecaster): fold.means
            for fold in backtests.fold_means(self.session, run.id, self.series_ids, cutoff=run.cutoff)
        }
        if run.code_version != code_version() or not set(names) <= {name for _, name in stored}:
            return self._fitted(frame, names)
        nothing = [np.nan] * run.horizon
        return np.array([[stored.get((number, name), nothing) for name in names] for number in self.series_ids])

    def _fitted(self, frame: pd.DataFrame, names: Sequence[str]) -> FloatArray:
        """Forecasts of every forecaster at the last month of the frame."""
        panel = self._panel(frame)
        config = ForecastConfig.from_dict(self.before.config)
        with self.make_executor() as executor:
            base = forecast_at_cutoffs(
                panel,
                cutoffs=[len(panel.months) - 1],
                horizon=config.horizon,
                reporter=self.dataset.reporter,
                forecasters=names,
                prophet=config.prophet,
                executor=executor,
            )
        # As they would be stored: a stored forecast must not differ from the same one computed.
        return grids.rounded(base.means[:, [base.names.index(name) for name in names], 0])

    def _panel(self, frame: pd.DataFrame) -> Panel:
        return read_panel(self.session, self.dataset, frame, self.after.as_of)

    def _published(self, run: RunRecord, months: slice) -> _Published:
        found = forecasts.months(self.session, run.id, self.series_ids, horizon=run.horizon, probabilities=WIDTH)
        rows = {(row.series_id, row.step): (row.mean, row.quantiles[1] - row.quantiles[0]) for row in found}
        steps = range(1, run.horizon + 1)
        both = np.array([[rows[number, step] for step in steps] for number in self.series_ids])
        return _Published(both[:, months, 0], both[:, months, 1])


def _published_pair(before: RunRecord, after: RunRecord) -> tuple[PublishedRunRecord, PublishedRunRecord]:
    """Both runs as published runs. Raises NotComparable."""
    earlier, later = _published(before, before, after), _published(after, before, after)
    if before.dataset_id != after.dataset_id:
        raise NotComparable(after.id, before.id, f"run {before.id} is of {before.dataset_id}")
    if earlier.id == later.id or earlier.as_of > later.as_of or earlier.cutoff > later.cutoff:
        raise NotComparable(after.id, before.id, f"run {before.id} does not know less")
    return earlier, later


def _published(run: RunRecord, before: RunRecord, after: RunRecord) -> PublishedRunRecord:
    found = runs.as_published(run)
    if found is None:
        raise NotComparable(after.id, before.id, f"run {run.id} is {run.status}")
    return found
