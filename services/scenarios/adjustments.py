"""Adjustments of forecasts by people: applied as conditions on the joint paths, and scored beside the forecast."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import numpy as np
from sqlmodel import Session

from forecasting.analysis.period_draws import Units, period_draws, summarise
from forecasting.analysis.periods import Period, parse_period
from forecasting.config import PROBABILITIES
from forecasting.data.months import first_day
from forecasting.evaluation.metrics import wis_of
from forecasting.types import FloatArray
from services.errors import RunSuperseded
from services.forecasts.forecasts import whole_of
from services.queries.adjustments import NewAdjustment
from services.queries.scenarios import Condition
from services.runs.run_selection import latest_run
from services.scenarios.conditions import (
    SingleCondition,
    condition_paths,
    observed_value,
    read_conditioned_paths,
    resolve,
    single_conditions,
)
from services.series.catalog_cache import CatalogCache
from services.series.series_paths import PathsById, cutoff_number, read_series_paths
from store.models import ResolvedSeries
from store.queries import adjustments
from store.queries.adjustments import AdjustmentRecord
from store.queries.runs import PublishedRunRecord

MEDIAN = PROBABILITIES.index(0.5)


class JudgedPaths:
    """The paths of a run given the adjustments that apply to it. Raises Contradiction."""

    def __init__(
        self, session: Session, catalogs: CatalogCache, run: PublishedRunRecord, applied: Sequence[AdjustmentRecord]
    ) -> None:
        self.session, self.run, self.applied = session, run, applied
        if applied:
            single = single_conditions(run, [statement_of(record) for record in applied])
            self.base = read_conditioned_paths(session, catalogs, run, single, [], [])
            self.conditioned, _ = condition_paths(self.base, self.base.paths, single, seed=run.seed)

    def __call__(self, selected: Sequence[ResolvedSeries], months: tuple[int, int]) -> PathsById:
        """Observed months and paths of series, as `read_series_paths` reads them."""
        found = read_series_paths(self.session, self.run, selected, months)
        if not self.applied:
            return found
        steps = max(months[1] - cutoff_number(self.run), 0)
        judged = self.conditioned.paths[:, :, :steps]
        return {
            series.unique_id: replace(found[series.unique_id], paths=self.base.draws_of(series, judged))
            for series in selected
        }


def judged_paths(session: Session, catalogs: CatalogCache, run: PublishedRunRecord) -> JudgedPaths:
    """The paths of a run with judgement."""
    return JudgedPaths(session, catalogs, run, applied_to(session, run))


def applied_to(session: Session, run: PublishedRunRecord) -> list[AdjustmentRecord]:
    """The adjustments that apply to a run: made on it or before, neither expired nor withdrawn, of a month ahead."""
    return adjustments.applied(session, run.dataset_id, as_of=run.as_of, cutoff=run.cutoff)


def add_adjustment(
    session: Session, catalogs: CatalogCache, run: PublishedRunRecord, stated: NewAdjustment, *, now: datetime
) -> int:
    """Store an adjustment with the forecast before and after it; gives its number. The caller commits.

    Raises RunSuperseded, UnknownSeries, NoWhole, PeriodObserved, PeriodBeyondRun, and `Contradiction` where it cannot
    be met, alone or with the adjustments before it.
    """
    latest = latest_run(session, run.dataset_id)
    if latest.id != run.id:
        raise RunSuperseded(run.id, latest.id)
    condition = Condition.model_validate(stated.model_dump(include=set(Condition.model_fields), exclude_none=True))
    single = single_conditions(run, [condition])
    before, after = _quantiles(session, catalogs, run, single)
    _refuse_contradiction(session, catalogs, run, single)
    return adjustments.add(
        session,
        dataset_id=run.dataset_id,
        run_id=run.id,
        author=stated.author,
        reason=stated.reason,
        created_at=now,
        expires=stated.expires,
        ends=first_day(single[0][1].last),
        statement=condition.model_dump(mode="json", exclude_none=True),
        statistical=before,
        judgement=after,
    )


def statement_of(record: AdjustmentRecord) -> Condition:
    """The condition that an adjustment states."""
    return Condition.model_validate(record.statement)


class TrackedAdjustment(NamedTuple):
    """An adjustment with the outcome of its period; outcome and scores are None until it is observed."""

    record: AdjustmentRecord
    condition: Condition
    period: Period
    actual: float | None
    statistical_wis: float | None
    judgement_wis: float | None

    @property
    def medians(self) -> tuple[float, float]:
        """The medians of the forecast before and after the adjustment."""
        return self.record.statistical[MEDIAN], self.record.judgement[MEDIAN]

    @property
    def errors(self) -> tuple[float, float] | None:
        """Absolute errors of both medians."""
        if self.actual is None:
            return None
        before, after = self.medians
        return abs(self.actual - before), abs(self.actual - after)


def track(session: Session, catalogs: CatalogCache, dataset: str) -> list[TrackedAdjustment]:
    """Every adjustment of a dataset, withdrawn ones too, with its outcome where it is observed; oldest first."""
    run = latest_run(session, dataset)
    return [_tracked(session, catalogs, run, record) for record in adjustments.of_dataset(session, dataset)]


class AuthorRecord(NamedTuple):
    """Forecast value added by an author in one unit: mean absolute errors and WIS before and after, over `n` outcomes.

    `value_added` is the reduction of the mean absolute error in per cent of that of the statistical forecast; None
    where the latter is zero. `better` is the share of adjustments that reduced the error.
    """

    author: str
    units: Units
    n: int
    statistical_mae: float
    judgement_mae: float
    value_added: float | None
    better: float
    statistical_wis: float
    judgement_wis: float


def value_added(tracked: Sequence[TrackedAdjustment]) -> list[AuthorRecord]:
    """Forecast value added by author and units, over the adjustments whose outcome is known.

    Gilliland 2010, The Business Forecasting Deal.
    """
    groups: Mapping[tuple[str, Units], list[TrackedAdjustment]] = defaultdict(list)
    for adjustment in tracked:
        if adjustment.actual is not None:
            groups[adjustment.record.author, adjustment.condition.units].append(adjustment)
    return [_author_record(author, units, found) for (author, units), found in sorted(groups.items())]


def _author_record(author: str, units: Units, found: Sequence[TrackedAdjustment]) -> AuthorRecord:
    errors = np.array([adjustment.errors for adjustment in found], dtype=np.float64)
    wis = np.array([(adjustment.statistical_wis, adjustment.judgement_wis) for adjustment in found], dtype=np.float64)
    before, after = errors.mean(axis=0).tolist()
    return AuthorRecord(
        author,
        units,
        len(found),
        before,
        after,
        100 * (1 - after / before) if before > 0 else None,
        float((errors[:, 1] < errors[:, 0]).mean()),
        *wis.mean(axis=0).tolist(),
    )


def _tracked(
    session: Session, catalogs: CatalogCache, run: PublishedRunRecord, record: AdjustmentRecord
) -> TrackedAdjustment:
    condition, period = statement_of(record), parse_period(record.statement["period"])
    actual = None
    if period.last <= cutoff_number(run):
        actual = observed_value(session, catalogs, run, condition, period)
    if actual is None:
        return TrackedAdjustment(record, condition, period, None, None, None)
    both = (
        wis_of(np.array(actual), np.array(values), PROBABILITIES) for values in (record.statistical, record.judgement)
    )
    before, after = map(float, both)
    return TrackedAdjustment(record, condition, period, actual, before, after)


def _quantiles(
    session: Session, catalogs: CatalogCache, run: PublishedRunRecord, single: Sequence[SingleCondition]
) -> tuple[list[float], list[float]]:
    """Quantiles, at PROBABILITIES, of the adjusted quantity before and after the adjustment alone."""
    ((condition, period),) = single
    base = read_conditioned_paths(session, catalogs, run, single, [], [])
    found, _ = condition_paths(base, base.paths, single, seed=run.seed)
    series = resolve(base.catalog, condition.series)
    whole = whole_of(base.catalog, series, condition.whole)

    def quantiles(paths: FloatArray) -> list[float]:
        of = None if whole is None else base.of(whole, paths)
        (row,) = summarise(period_draws(condition.units, base.of(series, paths), [period], of), PROBABILITIES)
        assert row is not None
        return row[2:]

    return quantiles(base.paths), quantiles(found.paths)


def _refuse_contradiction(
    session: Session, catalogs: CatalogCache, run: PublishedRunRecord, single: Sequence[SingleCondition]
) -> None:
    """Raises Contradiction where an adjustment cannot be met together with those that apply already."""
    earlier = single_conditions(run, [statement_of(record) for record in applied_to(session, run)])
    if earlier:
        together = [*earlier, *single]
        base = read_conditioned_paths(session, catalogs, run, together, [], [])
        condition_paths(base, base.paths, together, seed=run.seed)
