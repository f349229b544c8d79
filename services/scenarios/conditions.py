"""Conditions on the joint paths of a run: of scenarios, and of adjustments."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from sqlmodel import Session

from forecasting.analysis.conditioning import (
    Conditioned,
    Measure,
    Unusualness,
    impose,
    keep_within,
    tilt,
    unusualness,
)
from forecasting.analysis.period_draws import months_needed, period_draws
from forecasting.analysis.periods import Period
from forecasting.errors import Contradiction
from forecasting.types import FloatArray
from services.forecasts.forecasts import open_period, whole_of
from services.queries.scenarios import Condition, Question
from services.series.catalog_cache import CatalogCache
from services.series.joint_paths import JointPaths, read_joint_paths
from services.series.series_catalog import SeriesCatalog
from services.series.series_paths import cutoff_number, read_series_paths
from store.models import TOTAL_SECTOR, ResolvedSeries
from store.queries.runs import PublishedRunRecord

SingleCondition = tuple[Condition, Period]
"""A condition on one period."""


def single_conditions(run: PublishedRunRecord, conditions: Sequence[Condition]) -> list[SingleCondition]:
    """Each condition by period. Raises PeriodObserved, PeriodBeyondRun."""
    single = (pair for condition in conditions for pair in condition.single())
    return [(condition, open_period(period, run)) for condition, period in single]


def read_conditioned_paths(
    session: Session,
    catalogs: CatalogCache,
    run: PublishedRunRecord,
    single: Sequence[SingleCondition],
    named: Sequence[ResolvedSeries],
    periods: Sequence[Period],
) -> JointPaths:
    """The joint paths of a run, with what conditions and answers about `named` series in `periods` depend on.

    Raises UnknownSeries, NoWhole.
    """
    _, catalog = catalogs.of_run(session, run.id)
    conditions = [condition for condition, _ in single]
    stated = [resolve(catalog, condition.series) for condition in conditions]
    wholes = [whole_of(catalog, series, condition.whole) for series, condition in zip(stated, conditions, strict=True)]
    spans = [*periods, *(period for _, period in single)]
    first = min(months_needed(spans, "pc1")[0], months_needed(spans, "chg")[0]) if spans else cutoff_number(run)
    return read_joint_paths(session, catalogs, run, [*named, *stated, *(whole for whole in wholes if whole)], first)


def condition_paths(
    base: JointPaths, paths: FloatArray, single: Sequence[SingleCondition], *, seed: int
) -> tuple[Conditioned, list[str]]:
    """Paths given conditions, and the methods used. Raises Contradiction.

    Bounds come first, values second, means last. Means for which too few draws remain move every draw together with
    the values, so that these still hold.
    """
    bounds = [pair for pair in single if pair[0].is_bound]
    values = [pair for pair in single if pair[0].value is not None]
    means = [pair for pair in single if pair[0].mean is not None]
    within, methods = Conditioned(paths, float(paths.shape[1]), ""), []
    if bounds:
        within = keep_within(paths, measure_of(base, bounds), *_limits(bounds), seed=seed)
        methods.append(within.method)
    found = within
    if values:
        found = _impose(base, within.paths, values, bounds)
        methods.append(found.method)
    if means:
        wanted = np.array([condition.mean for condition, _ in means], dtype=np.float64)
        tilted = tilt(found.paths, measure_of(base, means), wanted, seed=seed)
        found = tilted or _impose(base, within.paths, [*values, *means], bounds)
        methods.append(found.method)
    return found, list(dict.fromkeys(methods))


def unusualness_of(base: JointPaths, paths: FloatArray, single: Sequence[SingleCondition]) -> Unusualness:
    """How far conditions are from the paths; a bound counts from its limit on, where the mean is outside.

    The probability of bounds alone is the share of the paths inside them.
    """
    stated = measure_of(base, single)(paths)
    wanted = []
    for (condition, _), mean in zip(single, stated.mean(axis=0), strict=True):
        lo, hi = condition.limits
        exact = condition.value if condition.value is not None else condition.mean
        wanted.append(float(np.clip(mean, lo, hi)) if exact is None else exact)
    found = unusualness(stated, np.array(wanted, dtype=np.float64))
    if not all(condition.is_bound for condition, _ in single):
        return found
    lower, upper = _limits(single)
    inside = ((stated >= lower) & (stated <= upper)).all(axis=1)
    return replace(found, probability=float(inside.mean()))


def measure_of(base: JointPaths, single: Sequence[SingleCondition]) -> Measure:
    """What conditions state of the paths of the parts. Raises UnknownSeries, NoWhole."""
    pairs = [(resolve(base.catalog, condition.series), condition, period) for condition, period in single]
    wholes = [whole_of(base.catalog, series, condition.whole) for series, condition, _ in pairs]
    sums = {series.unique_id: series for series in [*(pair[0] for pair in pairs), *wholes] if series is not None}
    place = {unique_id: number for number, unique_id in enumerate(sums)}

    def of_sums(draws: FloatArray) -> FloatArray:
        known = {name: base.with_draws(series, draws[place[name]]) for name, series in sums.items()}
        columns = []
        for (series, condition, period), whole in zip(pairs, wholes, strict=True):
            of = None if whole is None else known[whole.unique_id]
            drawn = period_draws(condition.units, known[series.unique_id], [period], of)
            if drawn.reasons[0]:
                raise Contradiction(f"{condition.series} in {period.label} is not defined: {drawn.reasons[0]}")
            columns.append(drawn.values[:, 0])
        return np.stack(columns, axis=1)

    names = [f"{condition.series} in {period.label} ({condition.units})" for condition, period in single]
    return Measure(names, np.stack([base.weights(series) for series in sums.values()]), of_sums)


def resolve(catalog: SeriesCatalog, text: str) -> ResolvedSeries:
    """The series of `X.USA` or `X.USA.EV`. Raises UnknownSeries."""
    flow, partner, *rest = text.split(".", 2)
    return catalog.choose(flows=[flow], partners=[partner], sectors=[rest[0] if rest else TOTAL_SECTOR])[0]


def observed_value(
    session: Session, catalogs: CatalogCache, run: PublishedRunRecord, statement: Condition | Question, period: Period
) -> float | None:
    """The value of a statement's quantity in a period that the run has observed; None where it is not known."""
    _, catalog = catalogs.of_run(session, run.id)
    series = resolve(catalog, statement.series)
    whole = whole_of(catalog, series, statement.whole)
    needed = [series] if whole is None else [series, whole]
    paths = read_series_paths(session, run, needed, months_needed([period], statement.units))
    of = None if whole is None else paths[whole.unique_id]
    drawn = period_draws(statement.units, paths[series.unique_id], [period], of)
    return None if drawn.reasons[0] else float(drawn.values[0, 0])


def _impose(
    base: JointPaths, paths: FloatArray, exact: Sequence[SingleCondition], held: Sequence[SingleCondition]
) -> Conditioned:
    """Paths in which values hold in every draw, means on average, and bounded quantities stay as they are."""
    measure = measure_of(base, [*exact, *held])
    targets = measure(paths)
    for column, (condition, _) in enumerate(exact):
        if condition.value is not None:
            targets[:, column] = condition.value
        else:
            assert condition.mean is not None
            targets[:, column] += condition.mean - targets[:, column].mean()
    return impose(paths, measure, targets)


def _limits(bounds: Sequence[SingleCondition]) -> tuple[FloatArray, FloatArray]:
    """Lower and upper bounds, each of shape (conditions,)."""
    lo, hi = zip(*(condition.limits for condition, _ in bounds), strict=True)
    return np.array(lo, dtype=np.float64), np.array(hi, dtype=np.float64)
