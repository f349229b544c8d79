"""The content of the pages about partners and commodities: observed and expected changes in one window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from forecasting.analysis.periods import Frequency, Period, periods_ahead
from forecasting.config import COMBINATION
from forecasting.data.months import MONTHS_PER_YEAR
from services.errors import NothingToCompare, NothingToConcentrate
from services.forecasts.forecasts import draw_batch
from services.parameters import Measure
from services.partners.contributions import ContributionAnswer, read_contributions
from services.partners.substitution import Window, read_substitution
from services.queries.contributions import ContributionQuery, SubstitutionQuery
from services.queries.forecasts import UnitOptions
from services.runs.published_run import PublishedRun, month_of
from store.errors import UnknownSeries
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries.backtest_coverage import pooled_coverage

Spans = Literal["month", "quarter", "year", "rolling"]
FREQUENCY: Mapping[str, Frequency] = {"month": "M", "quarter": "Q", "year": "A"}
LEVEL = 80.0


@dataclass(frozen=True, slots=True)
class Changes:
    """Contributions over the last observed window and the next, and the shares of the dataset's first year."""

    observed: ContributionAnswer
    expected: ContributionAnswer
    first: ContributionAnswer | None


@dataclass(frozen=True, slots=True)
class PartFacts:
    """Facts about a part beside its contributions: its last months, and the coverage of its monthly intervals.

    `volume` and `unit_value` are the growth of its quantity and of its unit value in per cent, observed and expected,
    where it has quantities.
    """

    months: Sequence[float]
    coverage: float | None
    volume: tuple[float | None, float | None]
    unit_value: tuple[float | None, float | None]


def windows(published: PublishedRun, spans: Spans) -> tuple[Period, Period]:
    """The last observed window and the next: months, quarters and years of the calendar, or 12 rolling months.

    Raises NothingToCompare where the horizon holds no such window.
    """
    last, horizon = published.last, published.run.horizon
    if spans == "rolling":
        ahead = min(MONTHS_PER_YEAR, horizon)
        return Period(last - MONTHS_PER_YEAR + 1, last, "span"), Period(last + 1, last + ahead, "span")
    frequency = FREQUENCY[spans]
    observed = periods_ahead(last - 2 * MONTHS_PER_YEAR, 2 * MONTHS_PER_YEAR, frequency)
    expected = periods_ahead(last, horizon, frequency)
    if not expected:
        raise NothingToCompare(spans, f"run {published.run.id} forecasts no whole {spans}")
    return observed[-1], expected[0]


def read_changes(published: PublishedRun, *, by: str, flow: str, spans: Spans) -> Changes:
    """Changes of partners or of sectors. Raises as `read_contributions`."""
    observed, expected = windows(published, spans)
    return Changes(
        _compare(published, by, flow, observed),
        _compare(published, by, flow, expected),
        _first_year(published, by, flow),
    )


def read_replacement(published: PublishedRun, flow: str, spans: Spans, partner: str | None) -> list[Window]:
    """The windows of what took a partner's place; none for a balance, or where partners cannot be compared."""
    if flow == "B":
        return []
    found = []
    for period in windows(published, spans):
        parameters = {"flow": flow, "period": period.label, "partner": partner, "level": [LEVEL]}
        try:
            (window,) = read_substitution(
                published.session, published.run, published.catalog, SubstitutionQuery.model_validate(parameters)
            )
        except (NothingToCompare, NothingToConcentrate, UnknownSeries):
            return []
        found.append(window)
        partner = window.lost.code
    return found


def _compare(
    published: PublishedRun, by: str, flow: str, period: Period, base: Period | None = None
) -> ContributionAnswer:
    parameters = {"by": by, "flow": flow, "period": period.label, "level": [LEVEL]}
    if base is not None:
        parameters["from"] = base.label
    query = ContributionQuery.model_validate(parameters)
    return read_contributions(published.session, published.run, published.catalog, query)


def _first_year(published: PublishedRun, by: str, flow: str) -> ContributionAnswer | None:
    """The first two calendar years of the dataset compared, for the shares of the first; None without them."""
    if published.dataset.start is None or flow == "B":
        return None
    start = -(-month_of(published.dataset.start) // MONTHS_PER_YEAR) * MONTHS_PER_YEAR
    first = Period(start, start + MONTHS_PER_YEAR - 1, "year")
    second = Period(first.last + 1, first.last + MONTHS_PER_YEAR, "year")
    if second.last > published.last:
        return None
    try:
        return _compare(published, by, flow, second, first)
    except NothingToCompare:
        return None


def read_facts(published: PublishedRun, changes: Changes, *, by: str, flow: str) -> dict[str, PartFacts]:
    """Facts about the stored parts, by code."""
    codes = [row.code for row in changes.expected.rows]
    series = {getattr(part, by): part for part in _stored(published, by, flow) if getattr(part, by) in codes}
    periods = changes.observed.period, changes.expected.period
    paths = published.read_paths(list(series.values()), years=3)
    volumes, prices = _growth_by_measure(published, by, list(series.values()), periods)
    return {
        code: PartFacts(
            months=[value for value in found.observed.tolist() if np.isfinite(value)],
            coverage=_coverage(published, series[code]),
            volume=volumes.get(code, (None, None)),
            unit_value=prices.get(code, (None, None)),
        )
        for code, found in zip(series, paths, strict=True)
    }


def _stored(published: PublishedRun, by: str, flow: str) -> Sequence[ResolvedSeries]:
    if by == "partner":
        return published.catalog.choose(flows=[flow], partners=None, sectors=[TOTAL_SECTOR])
    return published.catalog.choose(flows=[flow], partners=[TOTAL_PARTNER], sectors=None)


def _coverage(published: PublishedRun, series: ResolvedSeries) -> float | None:
    """Coverage of the series' monthly intervals on the folds, in per cent; of a balance none is stored."""
    if series.derived:
        return None
    ids = [series.parts[0].series_id]
    rows = pooled_coverage(published.session, published.run.id, ids, kind="month", forecaster=COMBINATION)
    return next((row.coverage for row in rows if row.level == LEVEL and row.step == 0), None)


Growth = dict[str, tuple[float | None, float | None]]


def _growth_by_measure(
    published: PublishedRun, by: str, series: Sequence[ResolvedSeries], periods: Sequence[Period]
) -> tuple[Growth, Growth]:
    """Mean growth on a year ago of quantities and of unit values in each period, by sector."""
    sectors = [part.sector for part in series if part.sector in published.catalog.quantities]
    if by == "partner" or not sectors:
        return {}, {}
    flows, partners = [series[0].flow], [series[0].partner]
    found: list[Growth] = []
    measures: tuple[Measure, ...] = ("quantity", "unit_value")
    for measure in measures:
        chosen = published.catalog.choose_measure(measure, flows=flows, partners=partners, sectors=sectors)
        options = UnitOptions.model_validate({"units": "pc1", "level": [LEVEL]})
        nothing = dict.fromkeys((part.unique_id for part in chosen), None)
        drawn = draw_batch(published.session, published.run, chosen, periods, options, nothing)
        found.append({})
        for sector, (_, draws) in zip(sectors, drawn, strict=True):
            means = [
                None if reason else float(draws.values[:, place].mean()) for place, reason in enumerate(draws.reasons)
            ]
            found[-1][sector] = (means[0], means[1])
    return found[0], found[1]
