"""Probabilities of events of one series in one period, and the periods and thresholds that matter."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from forecasting.analysis.period_draws import (
    ProbabilityEstimate,
    Units,
    period_draws,
    period_sums,
    probability,
    summarise,
)
from forecasting.analysis.periods import Period, periods_ahead
from forecasting.config import interval_probabilities
from forecasting.data.months import MONTHS_PER_YEAR
from forecasting.types import FloatArray
from services.errors import PeriodBeyondRun, PeriodObserved
from services.forecasts.period_summary import Estimate, round_threshold
from services.runs.published_run import PublishedRun
from services.series.series_catalog import BALANCE
from store.models import ResolvedSeries

MONTHS_OFFERED, QUARTERS_OFFERED = 6, 4
UNCERTAIN = (0.1, 0.9)


class Threshold(NamedTuple):
    """A threshold, the reason to offer it, and the probability of exceeding it."""

    value: float
    reason: str
    above: float


class Event(NamedTuple):
    """Draws of a period, their median and 80 % interval, and thresholds; `reason` says why there are no draws."""

    period: Period
    values: FloatArray
    estimate: Estimate
    thresholds: list[Threshold]
    reason: str | None


def periods_offered(published: PublishedRun, month: int) -> list[Period]:
    """Periods to ask about: months and quarters ahead, the year to date and 12 months to a month, calendar years."""
    last, horizon = published.last, published.run.horizon
    lead = min(max(month, last + 1), last + horizon)
    months = [period for period in periods_ahead(last, horizon, "M") if period.first >= lead][:MONTHS_OFFERED]
    quarters = [period for period in periods_ahead(last, horizon, "Q") if period.last >= lead][:QUARTERS_OFFERED]
    to_date = [period for period in periods_ahead(last, horizon, "YTD") if period.last == lead and period.months > 1]
    rolling = [Period(lead - MONTHS_PER_YEAR + 1, lead, "span")]
    found = [*months, *quarters, *to_date, *rolling, *periods_ahead(last, horizon, "A")]
    # December to date is the calendar year.
    return list({period.label: period for period in found}.values())


def next_year(periods: Sequence[Period]) -> Period:
    """Of the periods offered, the calendar year that the next month is part of; without it, the next month."""
    month = periods[0]
    return next((period for period in periods if period.kind == "year" and period.last >= month.last), month)


def read_event(published: PublishedRun, series: ResolvedSeries, period: Period, units: Units) -> Event:
    """The draws of a series in a period with the thresholds that matter. Raises PeriodObserved, PeriodBeyondRun."""
    last, run = published.last, published.run
    if period.last <= last:
        raise PeriodObserved(period.label, f"{published.cutoff:%Y-%m}", run.id)
    if period.last > last + run.horizon:
        raise PeriodBeyondRun(period.label, f"month {run.horizon} ahead", run.id)
    (paths,) = published.read_paths([series])
    drawn = period_draws(units, paths, [period])
    if drawn.reasons[0] is not None:
        return Event(period, np.empty(0), Estimate(None, None, None), [], drawn.reasons[0])
    values = drawn.values[:, 0]
    summary = summarise(drawn, interval_probabilities(80.0))[0]
    assert summary is not None
    before = period_sums(paths, [period.back(MONTHS_PER_YEAR)])
    year_ago = None if before.reasons[0] or units != "lin" else float(np.median(before.values[:, 0]))
    return Event(period, values, Estimate(*summary[1:]), _thresholds(values, year_ago, units, series), None)


def event_probability(event: Event, *, above: float | None, below: float | None) -> ProbabilityEstimate:
    """The probability that the period lies above, below or between thresholds."""
    return probability(event.values, above=above, below=below)


def _thresholds(values: FloatArray, year_ago: float | None, units: Units, series: ResolvedSeries) -> list[Threshold]:
    """Last year's value, zero growth or a zero balance, and round numbers, where the outcome is uncertain."""
    offered = [] if year_ago is None else [(year_ago, "the value a year earlier")]
    if units == "pc1" or series.flow == BALANCE:
        offered.append((0.0, "no growth" if units == "pc1" else "a balance of zero"))
    lower, upper = (values[values <= np.median(values)], values[values >= np.median(values)])
    rounds = (round_threshold(part) for part in (lower, values, upper))
    offered += [(value, "a round number") for value in rounds if value is not None]
    found = {value: Threshold(value, reason, float((values > value).mean())) for value, reason in offered}
    return sorted(
        (threshold for threshold in found.values() if UNCERTAIN[0] <= threshold.above <= UNCERTAIN[1]),
        key=lambda threshold: threshold.value,
    )
