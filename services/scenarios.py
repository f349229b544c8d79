"""Scenarios: the joint paths of a run given conditions and shocks, beside the baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from sqlmodel import Session

from forecasting.analysis.conditioning import (
    Conditioned,
    Unusualness,
    impose,
    keep_within,
    tilt,
    unusualness,
)
from forecasting.analysis.period_draws import SeriesPaths, months_needed, period_draws, summarise
from forecasting.analysis.periods import Period, periods_ahead
from forecasting.analysis.shocks import apply_shock, tariff_size
from forecasting.config import interval_probabilities
from forecasting.data.hierarchy import find_hierarchy
from forecasting.data.january_february import split_combined
from forecasting.data.months import month_number, month_text
from forecasting.data.panel import Panel
from forecasting.errors import Contradiction
from forecasting.types import FloatArray
from services.errors import NothingToShock, NoWhole, PeriodBeyondRun, PeriodObserved
from services.queries.scenarios import Condition, Question, Scenario, Shock
from services.series_catalog import SeriesCatalog
from services.series_paths import cutoff_number, read_series_paths
from store.errors import UnknownSeries
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries import catalog as store_catalog
from store.queries import run_inputs
from store.queries.runs import PublishedRunRecord


class Summary(NamedTuple):
    """Mean, median and the bounds of each level; None where they are not defined."""

    mean: float | None
    median: float | None
    bounds: Sequence[tuple[float | None, float | None]]


@dataclass(frozen=True, slots=True)
class ScenarioRow:
    """One series in one period, in the baseline and in the scenario; `reason` says why neither is defined."""

    question: Question
    series: ResolvedSeries
    period: Period
    baseline: Summary
    scenario: Summary
    reason: str | None


@dataclass(frozen=True, slots=True)
class ScenarioAnswer:
    """A scenario beside the baseline: the method, the effective sample size, and the distance from the forecast."""

    methods: Sequence[str]
    draws: float
    unusualness: Unusualness | None
    rows: Sequence[ScenarioRow]


@dataclass(frozen=True)
class _Paths:
    """The parts of a run that are no sums, shape (parts, draws, steps), and every series as a sum of them."""

    catalog: SeriesCatalog
    parts: Sequence[ResolvedSeries]
    paths: FloatArray
    observed: Mapping[str, SeriesPaths]
    summing: Mapping[str, FloatArray] = field(repr=False)

    def weights(self, series: ResolvedSeries) -> FloatArray:
        """The sign with which each part counts in a series, shape (parts,)."""
        total: FloatArray = np.sum([part.sign * self.summing[part.unique_id] for part in series.parts], axis=0)
        return total

    def of(self, series: ResolvedSeries, paths: FloatArray) -> SeriesPaths:
        """A series with the draws that `paths` of the parts give it."""
        weights = self.weights(series)
        used = np.flatnonzero(weights)
        known = self.observed[series.unique_id]
        return SeriesPaths(known.start, known.observed, known.joined, np.tensordot(weights[used], paths[used], axes=1))


def evaluate_scenario(
    session: Session, run: PublishedRunRecord, catalog: SeriesCatalog, scenario: Scenario
) -> ScenarioAnswer:
    """A run's forecasts under a scenario.

    Raises UnknownSeries, NoWhole, PeriodObserved, PeriodBeyondRun, NothingToShock, and `Contradiction` where conditions
    cannot be met together.
    """
    single = [pair for condition in scenario.conditions for pair in condition.single()]
    for _, period in single:
        _refuse_period(run, period)
    questions = scenario.report or _default_questions(catalog)
    base = _read_paths(session, run, catalog, [condition for condition, _ in single], questions, single)
    paths, methods = base.paths, []
    for number, shock in enumerate(scenario.shocks):
        paths = _shocked(session, run, base, paths, shock, seed=run.seed + number)
        methods.append("shock")
    found = Conditioned(paths, float(paths.shape[1]), "")
    distance = None
    if single:
        found, used, distance = _conditioned(base, paths, single, seed=run.seed)
        methods += used
    periods = {question: periods_ahead(cutoff_number(run), run.horizon, question.frequency) for question in questions}
    rows = [
        row for question in questions for row in _rows(base, found.paths, question, periods[question], scenario.level)
    ]
    return ScenarioAnswer(methods, found.effective_draws, distance, rows)


def _conditioned(
    base: _Paths, paths: FloatArray, single: Sequence[tuple[Condition, Period]], *, seed: int
) -> tuple[Conditioned, list[str], Unusualness]:
    """Values first, bounds and means after them, each on the paths that the ones before leave."""
    values = [pair for pair in single if pair[0].value is not None]
    bounds = [pair for pair in single if pair[0].is_bound]
    means = [pair for pair in single if pair[0].mean is not None]
    found, methods = Conditioned(paths, float(paths.shape[1]), ""), []
    if bounds:
        lo = np.array([-np.inf if condition.at_least is None else condition.at_least for condition, _ in bounds])
        hi = np.array([np.inf if condition.at_most is None else condition.at_most for condition, _ in bounds])
        found = keep_within(paths, _Measure(base, bounds), lo, hi, seed=seed)
        methods.append(found.method)
    if values:
        measure = _Measure(base, [*values, *bounds])
        stated = measure(found.paths)
        stated[:, : len(values)] = [condition.value for condition, _ in values]
        found = impose(found.paths, measure, stated)
        methods.append(found.method)
    if means:
        wanted = np.array([condition.mean for condition, _ in means], dtype=np.float64)
        found = tilt(found.paths, _Measure(base, means), wanted, seed=seed)
        methods.append(found.method)
    return found, methods, unusualness(_Measure(base, single)(paths), _targets(base, paths, single))


class _Measure:
    """What conditions state of paths of the parts: values of shape (draws, conditions)."""

    def __init__(self, base: _Paths, single: Sequence[tuple[Condition, Period]]) -> None:
        self.base, self.single = base, single

    def __call__(self, paths: FloatArray) -> FloatArray:
        return np.stack([self._stated(condition, period, paths) for condition, period in self.single], axis=1)

    def _stated(self, condition: Condition, period: Period, paths: FloatArray) -> FloatArray:
        series = _resolve(self.base.catalog, condition.series)
        whole = _whole(self.base.catalog, series, condition)
        of = None if whole is None else self.base.of(whole, paths)
        drawn = period_draws(condition.units, self.base.of(series, paths), [period], of)
        if drawn.reasons[0]:
            raise Contradiction(f"{condition.series} in {period.label} is not defined: {drawn.reasons[0]}")
        return drawn.values[:, 0]


def _targets(base: _Paths, paths: FloatArray, single: Sequence[tuple[Condition, Period]]) -> FloatArray:
    """The target of each condition's mean; a bound that holds on average has none."""
    means = _Measure(base, single)(paths).mean(axis=0)
    wanted = []
    for (condition, _), mean in zip(single, means, strict=True):
        if condition.is_bound:
            lo = -np.inf if condition.at_least is None else condition.at_least
            wanted.append(np.clip(mean, lo, np.inf if condition.at_most is None else condition.at_most))
        else:
            wanted.append(condition.value if condition.value is not None else condition.mean)
    return np.array(wanted, dtype=np.float64)


def _shocked(
    session: Session, run: PublishedRunRecord, base: _Paths, paths: FloatArray, shock: Shock, *, seed: int
) -> FloatArray:
    """Paths after a shock. Raises NothingToShock, PeriodBeyondRun."""
    start = month_number(shock.start.year, shock.start.month) - cutoff_number(run) - 1
    if start >= run.horizon:
        last = month_text(cutoff_number(run) + run.horizon)
        raise PeriodBeyondRun(f"{shock.start:%Y-%m}", last, run.id)
    hit, gains = (np.zeros(len(base.parts)) for _ in range(2))
    members = _members(session, base.catalog, shock.partner)
    receivers = (
        None if shock.to is None else {code for group in shock.to for code in _members(session, base.catalog, group)}
    )
    for place, part in enumerate(base.parts):
        if part.flow != shock.flow or shock.sector not in (None, TOTAL_SECTOR, part.sector):
            continue
        if part.partner in members:
            hit[place] = 1.0
        elif receivers is None or part.partner in receivers:
            gains[place] = 1.0
    if not hit.any():
        raise NothingToShock(shock.partner, shock.sector, base.catalog.dataset)
    draws = paths.shape[1]
    size = np.full(draws, (shock.size or 0.0) / 100)
    if shock.tariff is not None:
        size = tariff_size(shock.tariff.rate_change, draws, elasticity=shock.tariff.elasticity, seed=seed)
    factors = shock.profile.profile().factors(start, paths.shape[2])
    return apply_shock(paths, size, factors, hit, gains, shock.diversion)


def _members(session: Session, catalog: SeriesCatalog, partner: str) -> set[str]:
    """The partners of a dataset that a code stands for: itself, a group's members and remainder, or everybody."""
    wholes = catalog.wholes
    if partner == TOTAL_PARTNER:
        return set(catalog.codes[1])
    listed = {code for code, whole in wholes.items() if whole == partner}
    known = store_catalog.members(session, catalog.dataset, partner) if partner in catalog.members else ()
    return {partner, *listed, *known}


def _rows(
    base: _Paths, paths: FloatArray, question: Question, periods: Sequence[Period], levels: Sequence[float]
) -> list[ScenarioRow]:
    series = _resolve(base.catalog, question.series)
    whole = _whole(base.catalog, series, question)
    bounds = [bound for level in levels for bound in interval_probabilities(level)]
    both = []
    for drawn_from in (base.paths, paths):
        of = None if whole is None else base.of(whole, drawn_from)
        drawn = period_draws(question.units, base.of(series, drawn_from), periods, of)
        both.append((drawn.reasons, summarise(drawn, bounds)))
    (reasons, baseline), (_, scenario) = both
    return [
        ScenarioRow(question, series, period, _summary(before, levels), _summary(after, levels), reason)
        for period, reason, before, after in zip(periods, reasons, baseline, scenario, strict=True)
    ]


def _summary(row: list[float] | None, levels: Sequence[float]) -> Summary:
    if row is None:
        return Summary(None, None, [(None, None)] * len(levels))
    mean, median, *rest = row
    return Summary(mean, median, list(zip(rest[::2], rest[1::2], strict=True)))


def _read_paths(
    session: Session,
    run: PublishedRunRecord,
    catalog: SeriesCatalog,
    conditions: Sequence[Condition],
    questions: Sequence[Question],
    single: Sequence[tuple[Condition, Period]],
) -> _Paths:
    """Everything that conditions, shocks and questions rest on."""
    dataset = store_catalog.dataset(session, run.dataset_id)
    panel = Panel.from_long(split_combined(run_inputs.frame(session, run.id), dataset.reporter))
    hierarchy = find_hierarchy(panel)
    place = {series.unique_id: series for series in catalog.stored}
    parts = [place[panel.unique_ids[row]] for row in hierarchy.bottom]
    summing = dict(zip(panel.unique_ids, hierarchy.summing.toarray(), strict=True))
    statements: list[Condition | Question] = [*conditions, *questions]
    named = [_resolve(catalog, statement.series) for statement in statements]
    pairs = zip(named, statements, strict=True)
    wholes = [_whole(catalog, series, statement) for series, statement in pairs]
    cutoff = cutoff_number(run)
    spans = [period for _, period in single] + [
        period for question in questions for period in periods_ahead(cutoff, run.horizon, question.frequency)
    ]
    first = min([months_needed(spans, "pc1")[0], months_needed(spans, "chg")[0]]) if spans else cutoff
    needed = {series.unique_id: series for series in [*parts, *named, *wholes] if series is not None}
    found = read_series_paths(session, run, list(needed.values()), (first, cutoff + run.horizon))
    paths = np.stack([found[part.unique_id].paths for part in parts]).astype(np.float64)
    return _Paths(catalog, parts, paths, found, summing)


def _resolve(catalog: SeriesCatalog, text: str) -> ResolvedSeries:
    """The series of `X.USA` or `X.USA.EV`. Raises UnknownSeries."""
    flow, partner, *rest = text.split(".", 2)
    return catalog.choose(flows=[flow], partners=[partner], sectors=[rest[0] if rest else TOTAL_SECTOR])[0]


def _whole(catalog: SeriesCatalog, series: ResolvedSeries, statement: Condition | Question) -> ResolvedSeries | None:
    """The denominator of a share. Raises NoWhole."""
    of = statement.whole
    if of is None:
        return None
    partner = series.partner if of == "partner" else TOTAL_PARTNER
    sector = series.sector if of == "sector" else TOTAL_SECTOR
    try:
        return catalog.choose(flows=[series.flow], partners=[partner], sectors=[sector])[0]
    except UnknownSeries as error:
        raise NoWhole(series.unique_id, f"{catalog.dataset}.{series.flow}.{partner}.{sector}", of) from error


def _refuse_period(run: PublishedRunRecord, period: Period) -> None:
    cutoff = cutoff_number(run)
    if period.last <= cutoff:
        raise PeriodObserved(period.label, month_text(cutoff), run.id)
    if period.last > cutoff + run.horizon:
        raise PeriodBeyondRun(period.label, month_text(cutoff + run.horizon), run.id)


def _default_questions(catalog: SeriesCatalog) -> list[Question]:
    """The yearly level and growth of every stored total, of the world first."""
    totals = [series for series in catalog.stored if series.sector == TOTAL_SECTOR or len(catalog.codes[2]) == 1]
    ordered = sorted(totals, key=lambda series: (series.flow != "X", series.partner != TOTAL_PARTNER, series.partner))
    names = [f"{series.flow}.{series.partner}.{series.sector}" for series in ordered]
    return [Question(series=name, units=units) for name in names for units in ("lin", "pc1")]
