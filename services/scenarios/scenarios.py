"""Scenarios: the joint paths of a run given conditions and shocks, beside the baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

import numpy as np
from sqlmodel import Session

from cancellation import check_cancelled
from forecasting.analysis.conditioning import Conditioned, Unusualness
from forecasting.analysis.period_draws import SeriesPaths, period_draws, probability, summarise
from forecasting.analysis.periods import Period, parse_period, periods_ahead
from forecasting.analysis.shocks import apply_shock, substitution_weights, tariff_size
from forecasting.config import interval_probabilities
from forecasting.data.months import month_number, month_text
from forecasting.types import FloatArray
from services.errors import NothingToShock, PeriodBeyondRun
from services.forecasts.forecasts import whole_of
from services.queries.scenarios import MOST_QUESTIONS, Question, Scenario, Shock
from services.scenarios.conditions import (
    condition_paths,
    read_conditioned_paths,
    resolve,
    single_conditions,
    unusualness_of,
)
from services.scenarios.regressor_paths import with_regressors
from services.series.catalog_cache import CatalogCache
from services.series.joint_paths import JointPaths
from services.series.series_catalog import SeriesCatalog
from services.series.series_paths import cutoff_number
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries import catalog as store_catalog
from store.queries.runs import PublishedRunRecord


class Summary(NamedTuple):
    """Mean, median, the bounds of each level, and the probability of the question; None where they are not defined."""

    mean: float | None
    median: float | None
    bounds: Sequence[tuple[float | None, float | None]]
    probability: float | None = None


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
    """A scenario beside the baseline: its methods, its effective draws, its distance from the forecast."""

    methods: Sequence[str]
    draws: float
    unusualness: Unusualness | None
    rows: Sequence[ScenarioRow]


def evaluate_scenario(
    session: Session, catalogs: CatalogCache, run: PublishedRunRecord, scenario: Scenario
) -> ScenarioAnswer:
    """A run's forecasts under a scenario.

    Raises UnknownSeries, NoWhole, PeriodObserved, PeriodBeyondRun, NothingToShock, and `Contradiction` where conditions
    cannot be met together.
    """
    _, catalog = catalogs.of_run(session, run.id)
    single = single_conditions(run, scenario.conditions)
    questions = scenario.report or default_questions(catalog)
    periods = {question: _periods(run, question) for question in questions}
    named = [resolve(catalog, question.series) for question in questions]
    wholes = [whole_of(catalog, series, question.whole) for series, question in zip(named, questions, strict=True)]
    spans = [period for found in periods.values() for period in found]
    named += [whole for whole in wholes if whole is not None]
    base = read_conditioned_paths(session, catalogs, run, single, named, spans)
    paths, methods = base.paths, []
    if scenario.regressors:
        paths = with_regressors(session, run, base, scenario.regressors)
        methods.append("regressors")
    for shock in scenario.shocks:
        # Shocks to one partner share the draws of its elasticity.
        paths = _shocked(session, run, base, paths, shock, seed=run.seed + crc32(shock.partner.encode()))
        methods.append("shock")
    found, distance = Conditioned(paths, float(paths.shape[1]), ""), None
    if single:
        found, used = condition_paths(base, paths, single, seed=run.seed)
        methods += used
        distance = unusualness_of(base, paths, single)
    drawn = {
        series.unique_id: (base.of(series, base.paths), base.of(series, found.paths))
        for series in {series.unique_id: series for series in named}.values()
    }
    rows = [row for question in questions for row in _rows(catalog, drawn, question, periods[question], scenario.level)]
    return ScenarioAnswer(methods, found.effective_draws, distance, rows)


def _periods(run: PublishedRunRecord, question: Question) -> list[Period]:
    if question.period is not None:
        return [parse_period(question.period)]
    return periods_ahead(cutoff_number(run), run.horizon, question.frequency)


def _shocked(
    session: Session, run: PublishedRunRecord, base: JointPaths, paths: FloatArray, shock: Shock, *, seed: int
) -> FloatArray:
    """Paths after a shock. Raises NothingToShock, PeriodBeyondRun."""
    check_cancelled()
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
    if shock.divert_by == "co_movement":
        gains *= substitution_weights(base.paths, hit)
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
    catalog: SeriesCatalog,
    drawn: Mapping[str, tuple[SeriesPaths, SeriesPaths]],
    question: Question,
    periods: Sequence[Period],
    levels: Sequence[float],
) -> list[ScenarioRow]:
    """The answers to a question; `drawn` has each series in the baseline and in the scenario."""
    check_cancelled()
    series = resolve(catalog, question.series)
    whole = whole_of(catalog, series, question.whole)
    wholes = (None, None) if whole is None else drawn[whole.unique_id]
    (reasons, baseline), (_, scenario) = (
        _summaries(question, paths, of, periods, levels)
        for paths, of in zip(drawn[series.unique_id], wholes, strict=True)
    )
    return [
        ScenarioRow(question, series, period, before, after, reason)
        for period, reason, before, after in zip(periods, reasons, baseline, scenario, strict=True)
    ]


def _summaries(
    question: Question,
    series: SeriesPaths,
    whole: SeriesPaths | None,
    periods: Sequence[Period],
    levels: Sequence[float],
) -> tuple[Sequence[str | None], list[Summary]]:
    drawn = period_draws(question.units, series, periods, whole)
    rows = summarise(drawn, [bound for level in levels for bound in interval_probabilities(level)])
    return drawn.reasons, [
        _summary(row, levels, _probability(question, drawn.values[:, place])) for place, row in enumerate(rows)
    ]


def _probability(question: Question, values: FloatArray) -> float | None:
    if question.above is None and question.below is None:
        return None
    return probability(values, above=question.above, below=question.below).probability


def _summary(row: list[float] | None, levels: Sequence[float], share: float | None) -> Summary:
    if row is None:
        return Summary(None, None, [(None, None)] * len(levels))
    mean, median, *rest = row
    return Summary(mean, median, list(zip(rest[::2], rest[1::2], strict=True)), share)


def default_questions(catalog: SeriesCatalog) -> list[Question]:
    """The yearly level and growth of every stored total, of the world first; without totals, of every series."""
    values = catalog.stored_values
    totals = [series for series in values if series.sector == TOTAL_SECTOR or len(catalog.codes[2]) == 1]
    chosen = totals or values[: MOST_QUESTIONS // 2]
    ordered = sorted(chosen, key=lambda series: (series.flow != "X", series.partner != TOTAL_PARTNER, series.partner))
    names = [f"{series.flow}.{series.partner}.{series.sector}" for series in ordered]
    return [Question(series=name, units=units) for name in names for units in ("lin", "pc1")]
