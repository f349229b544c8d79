"""Effects of events: outcomes less the forecast made before the announcement, by partner.

An intervention analysis with a forecast as the counterfactual (Box & Tiao 1975, Journal of the American Statistical
Association 70). The forecast is that of a run published from data known before the announcement, whose simulated paths
give the interval of sums too, or else that of a fold of the backtest, whose monthly bounds are added.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple

import numpy as np
from sqlmodel import Session

from forecasting.config import COMBINATION, interval_probabilities
from forecasting.data.indicators import shift_day
from forecasting.data.months import first_day, month_number, month_text
from forecasting.types import FloatArray
from services.errors import EventNotInDataset, LevelNotKept, NoCounterfactual
from services.events.events import Relation, read_scopes, related
from services.queries.events import EffectsQuery
from services.runs.published_run import PublishedRun, month_of
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries import backtest_folds, forecasts, run_events, runs
from store.queries import events as store_events
from store.queries.events import EventRecord
from store.queries.run_inputs import recent
from store.queries.runs import PublishedRunRecord

FURTHEST_CUTOFF = 3
"""Months before the announcement in which the cutoff of the counterfactual must be."""
Source = Literal["run", "fold"]


class Expected(NamedTuple):
    """A forecast of some months without the event: mean and bounds."""

    mean: float
    lo: float
    hi: float


@dataclass(frozen=True)
class Counterfactual:
    """The forecast of each series from before an event.

    `source` is a run, with the `draws` of each series by its number, shape (draws, months), or a fold of a run, with
    `means` (months,) and `bounds` (2, months) of each. Months count from the cutoff on.
    """

    source: Source
    run_id: int
    cutoff: int
    level: float
    draws: Mapping[int, FloatArray]
    means: Mapping[int, FloatArray]
    bounds: Mapping[int, FloatArray]

    def expected(self, series_id: int, months: Sequence[int]) -> Expected:
        """The forecast of the sum of months. Bounds of a fold are added, as if its errors moved together."""
        steps = np.array(months) - self.cutoff - 1
        if self.source == "run":
            sums = self.draws[series_id][:, steps].sum(axis=1)
            lo, hi = np.quantile(sums, interval_probabilities(self.level))
            return Expected(float(sums.mean()), float(lo), float(hi))
        lo, hi = self.bounds[series_id][:, steps].sum(axis=1)
        return Expected(float(self.means[series_id][steps].sum()), float(lo), float(hi))

    @property
    def last(self) -> int:
        """The last month forecast, as a number."""
        lengths = [found.shape[-1] for found in (*self.draws.values(), *self.means.values())]
        return self.cutoff + max(lengths, default=0)

    def covers(self, series_id: int) -> bool:
        """Whether there is a forecast of a series."""
        return series_id in self.draws or series_id in self.means


class EffectRow(NamedTuple):
    """The effect of an event on one series in some months, in the dataset's unit.

    `relation` is None for a series outside the event's scope; `per_cent` are of the expected value.
    """

    series: ResolvedSeries
    relation: Relation | None
    first: int
    last: int
    actual: float
    expected: Expected

    @property
    def effect(self) -> float:
        """The actual value less the expected one."""
        return self.actual - self.expected.mean

    @property
    def bounds(self) -> tuple[float, float]:
        """The bounds of the effect."""
        return self.actual - self.expected.hi, self.actual - self.expected.lo

    def per_cent(self, amount: float) -> float | None:
        """An amount in per cent of the expected value; None where nothing was expected."""
        return 100 * amount / self.expected.mean if self.expected.mean > 0 else None


class EffectsAnswer(NamedTuple):
    """The effects of an event, its counterfactual, and the other events of its scope in the same months."""

    event: EventRecord
    flow: str
    sector: str
    counterfactual: Counterfactual
    months: Sequence[int]
    rows: Sequence[EffectRow]
    others: Sequence[EventRecord]


def read_effects(session: Session, published: PublishedRun, query: EffectsQuery) -> EffectsAnswer:
    """The effects of an event on every partner of a flow and sector; the series in scope first, then by size.

    Raises UnknownEvent, UnknownSeries, EventNotInDataset, NoCounterfactual, LevelNotKept.
    """
    event = store_events.event(session, query.event)
    sector = query.sector or _own_sector(published, event)
    chosen = published.catalog.choose(flows=[query.flow], partners=query.partner, sectors=[sector])
    stored = [series for series in chosen if not series.derived]
    relations = _relations(session, published, event, stored)
    if query.partner is None and not any(relations.values()):
        raise EventNotInDataset(event.id, published.dataset.id, query.flow, sector)
    found = _counterfactual(session, published, event, stored, query.level)
    first = month_number(event.effective.year, event.effective.month)
    months = range(first, min(first + query.months, published.last + 1, found.last + 1))
    if not months:
        raise _nothing(event, published, f"no month from {month_text(first)} on is observed")
    actual = _observed(session, published.run, stored, months)
    spans = [list(months)] if query.by == "total" else [[month] for month in months]
    rows = [
        EffectRow(
            series,
            relations[series.unique_id],
            span[0],
            span[-1],
            float(actual[series.parts[0].series_id][np.array(span) - first].sum()),
            found.expected(series.parts[0].series_id, span),
        )
        for series in stored
        if found.covers(series.parts[0].series_id)
        for span in spans
    ]
    known = [row for row in rows if np.isfinite(row.actual)]
    known.sort(key=lambda row: (row.first, *_rank(row)))
    return EffectsAnswer(event, query.flow, sector, found, months, known, _others(session, event, months))


def _rank(row: EffectRow) -> tuple[bool, bool, float]:
    in_scope = row.relation is not None and row.series.partner != TOTAL_PARTNER
    return not in_scope, row.series.partner != TOTAL_PARTNER, -abs(row.effect)


def _own_sector(published: PublishedRun, event: EventRecord) -> str:
    """The event's sector where the dataset has it, else the total or the dataset's only sector."""
    sectors = published.catalog.codes[2]
    own = next((code for code in event.sectors if code in sectors), None)
    return own or (TOTAL_SECTOR if TOTAL_SECTOR in sectors else sectors[0])


def _relations(
    session: Session, published: PublishedRun, event: EventRecord, chosen: Sequence[ResolvedSeries]
) -> dict[str, Relation | None]:
    scopes, reporter = read_scopes(session), published.dataset.reporter
    return {
        series.unique_id: scopes.relation(event, reporter, series.flow, series.partner, series.sector)
        for series in chosen
    }


def _counterfactual(
    session: Session, published: PublishedRun, event: EventRecord, chosen: Sequence[ResolvedSeries], level: float
) -> Counterfactual:
    """The forecast from before the announcement: of a run known before it, else of a fold. Raises NoCounterfactual."""
    ids = [series.parts[0].series_id for series in chosen]
    latest = month_of(event.announced) - 1
    run = _run_before(session, published, event, latest)
    if run is not None:
        covered = {series.id for series in forecasts.coverage(session, run.id).series}
        ids = [series_id for series_id in ids if series_id in covered]
        draws = dict(zip(ids, forecasts.paths(session, run.id, ids).astype(np.float64), strict=True))
        return Counterfactual("run", run.id, month_of(run.cutoff), level, draws, {}, {})
    last = _last_unaware(session, published, event, latest)
    since, until = first_day(latest - FURTHEST_CUTOFF + 1), first_day(last)
    folds = backtest_folds.by_cutoff(session, published.run.id, ids, forecaster=COMBINATION, since=since, until=until)
    if not folds:
        raise _nothing(event, published, f"run {published.run.id} has no fold in the months before its announcement")
    cutoff, by_series = max(folds.items())
    places = _places(published, level)
    quantiles = {key: np.array(fold.quantiles, dtype=np.float64) for key, fold in by_series.items()}
    return Counterfactual(
        "fold",
        published.run.id,
        month_of(cutoff),
        level,
        {},
        {key: np.array(fold.means, dtype=np.float64) for key, fold in by_series.items()},
        {key: found[places] for key, found in quantiles.items()},
    )


def _last_unaware(session: Session, published: PublishedRun, event: EventRecord, latest: int) -> int:
    """The last cutoff up to `latest` whose fold does not know the event, where the run's folds know events."""
    if not any(row.coefficient for row in run_events.evidence(session, published.run.id)):
        return latest
    as_of, announced = np.datetime64(published.run.as_of, "D"), np.datetime64(event.announced, "D")
    while shift_day(as_of, latest - published.last) >= announced:
        latest -= 1
    return latest


def _run_before(
    session: Session, published: PublishedRun, event: EventRecord, latest: int
) -> PublishedRunRecord | None:
    """The last run known before the announcement with a cutoff shortly before it and its paths stored."""
    found = runs.latest_published(session, published.dataset.id, event.announced - timedelta(days=1))
    if found is None or found.thinned_at is not None or month_of(found.cutoff) <= latest - FURTHEST_CUTOFF:
        return None
    return found


def _places(published: PublishedRun, level: float) -> list[int]:
    """The places of a level's bounds among the stored quantiles. Raises LevelNotKept."""
    kept = list(published.probabilities)
    bounds = interval_probabilities(level)
    if not set(bounds) <= set(kept):
        raise LevelNotKept(level, [round(100 - 200 * bound, 10) for bound in kept if bound < 1 / 2])
    return [kept.index(bound) for bound in bounds]


def _observed(
    session: Session, run: PublishedRunRecord, chosen: Sequence[ResolvedSeries], months: range
) -> dict[int, FloatArray]:
    ids = [series.parts[0].series_id for series in chosen]
    values = recent(session, run.id, ids, first=first_day(months[0]), last=first_day(months[-1])).values
    return dict(zip(ids, values, strict=True))


def _others(session: Session, event: EventRecord, months: range) -> list[EventRecord]:
    """Other events whose scope overlaps, effective in the same months."""
    first, after = first_day(months[0]), first_day(months[-1] + 1)
    known = [
        other
        for other in store_events.events(session)
        if other.id != event.id and first <= other.effective < after and other.reporter == event.reporter
    ]
    keys = [(event.flow, partner, TOTAL_SECTOR) for partner in event.partners or (TOTAL_PARTNER,)]
    scopes = read_scopes(session)
    found = {other.event.id for key in keys for other in related(scopes, known, event.reporter, key)}
    return [other for other in known if other.id in found]


def _nothing(event: EventRecord, published: PublishedRun, reason: str) -> NoCounterfactual:
    before: date = event.announced - timedelta(days=1)
    return NoCounterfactual(event.id, published.dataset.id, before, reason)
