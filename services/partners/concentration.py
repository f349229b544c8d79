"""Concentration: the index of a whole over its parts and the shares of the largest, observed and expected."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from sqlmodel import Session

from forecasting.analysis.concentration import ConcentrationDraws, concentration
from forecasting.analysis.period_draws import PeriodDraws, SeriesPaths, add_up, months_needed
from forecasting.analysis.periods import Period, periods_ahead
from services.errors import NothingToConcentrate, PartsDoNotAddUp
from services.forecasts.forecasts import StepForecast, summaries
from services.queries.forecasts import ConcentrationQuery
from services.series.series_catalog import SeriesCatalog
from services.series.series_paths import cutoff_number, read_series_paths
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries import catalog as store_catalog
from store.queries.runs import PublishedRunRecord

TOP = (1, 3, 5)
"""Numbers of largest parts whose joint share is reported."""
LISTED = 10
"""Number of largest parts that are listed."""


class ConcentrationParts(NamedTuple):
    """The series of the index, its parts, and their total; without a total it is the sum of the parts."""

    series: ResolvedSeries
    parts: Sequence[ResolvedSeries]
    whole: ResolvedSeries | None


@dataclass(frozen=True, slots=True)
class PartShare:
    """A part's expected share of the whole in per cent, and its points of the index: the square of the share."""

    code: str
    name: str
    share: StepForecast

    @property
    def points(self) -> float:
        """Its part in the index, in HHI points."""
        return (self.share.mean or 0.0) ** 2


@dataclass(frozen=True, slots=True)
class ConcentrationRow:
    """Concentration in a period: the index, the joint share of the largest parts by their number, and the largest.

    Every `mean` is that of expected shares. `counted` is the share of the whole that the parts make up, in per cent.
    """

    index: StepForecast
    top: dict[int, StepForecast]
    largest: Sequence[PartShare]
    counted: float | None


@dataclass(frozen=True, slots=True)
class ConcentrationAnswer:
    """Concentration over observed periods and over periods ahead, oldest first."""

    parts: ConcentrationParts
    history: Sequence[ConcentrationRow]
    ahead: Sequence[ConcentrationRow]


def choose_parts(session: Session, catalog: SeriesCatalog, query: ConcentrationQuery) -> ConcentrationParts:
    """The parts and the total of an index. Raises UnknownSeries, NothingToConcentrate, PartsDoNotAddUp."""
    over_partners = query.over == "partner"
    partners = None if over_partners else [query.partner or TOTAL_PARTNER]
    sectors = [query.sector or TOTAL_SECTOR] if over_partners else None
    if not over_partners and catalog.overlapping:
        raise PartsDoNotAddUp("sector", catalog.dataset)
    selected = catalog.choose(flows=[query.flow], partners=partners, sectors=sectors)
    # A group would count its members twice; the rest of the world is not one partner.
    groups = {partner.code for partner in store_catalog.partners(session).rows if partner.is_group}
    total = TOTAL_PARTNER if over_partners else TOTAL_SECTOR
    excluded = {*groups, total} if over_partners else {total}
    parts = [resolved for resolved in selected if getattr(resolved, query.over) not in excluded]
    whole = next((resolved for resolved in selected if getattr(resolved, query.over) == total), None)
    if not parts:
        raise NothingToConcentrate(query.over, catalog.dataset)
    key = ("*", parts[0].sector) if over_partners else (parts[0].partner, "*")
    unique_id = ".".join((catalog.dataset, query.flow, *key))
    return ConcentrationParts(ResolvedSeries(unique_id, query.flow, *key, (), True), parts, whole)


def read_concentration(
    session: Session, run: PublishedRunRecord, catalog: SeriesCatalog, query: ConcentrationQuery, horizon: int
) -> ConcentrationAnswer:
    """Concentration by period, observed and expected. Raises as `choose_parts`."""
    chosen, cutoff = choose_parts(session, catalog, query), cutoff_number(run)
    observed = periods_ahead(cutoff - query.history, query.history, query.frequency)
    ahead = periods_ahead(cutoff, horizon, query.frequency)
    spans = [*observed, *ahead]
    if not spans:
        return ConcentrationAnswer(chosen, [], [])
    needed = [*chosen.parts, *([chosen.whole] if chosen.whole else [])]
    paths = read_series_paths(session, run, needed, months_needed(spans, "share"))
    parts = [paths[part.unique_id] for part in chosen.parts]
    total = paths[chosen.whole.unique_id] if chosen.whole else add_up(parts, [1] * len(parts))
    names = catalog.partners if query.over == "partner" else catalog.sectors
    codes = [(code := getattr(part, query.over), names[code]) for part in chosen.parts]

    def rows(periods: Sequence[Period], of: Sequence[SeriesPaths], whole: SeriesPaths) -> list[ConcentrationRow]:
        return _rows(concentration(of, whole, periods), periods, codes, query, cutoff) if periods else []

    known = [_without_draws(part) for part in parts]
    history = rows(observed, known, _without_draws(total))
    return ConcentrationAnswer(chosen, [row for row in history if row.index.reason is None], rows(ahead, parts, total))


def _without_draws(paths: SeriesPaths) -> SeriesPaths:
    """Observed periods are the same in every draw: one is enough."""
    return replace(paths, paths=paths.paths[:1])


def _rows(
    drawn: ConcentrationDraws,
    periods: Sequence[Period],
    codes: Sequence[tuple[str, str]],
    query: ConcentrationQuery,
    cutoff: int,
) -> list[ConcentrationRow]:
    index = summaries(drawn.index, periods, query, cutoff)
    top = {number: summaries(drawn.top(number), periods, query, cutoff) for number in TOP}
    found = []
    for place, row in enumerate(index):
        known = row.reason is None
        largest = drawn.order[:LISTED, place].tolist() if known else []
        found.append(
            ConcentrationRow(
                index=row,
                top={number: rows[place] for number, rows in top.items()},
                largest=[_share(drawn, part, place, periods[place], codes, query, cutoff) for part in largest],
                counted=float(drawn.shares[:, :, place].mean(axis=1).sum()) if known else None,
            )
        )
    return found


def _share(
    drawn: ConcentrationDraws,
    part: int,
    place: int,
    period: Period,
    codes: Sequence[tuple[str, str]],
    query: ConcentrationQuery,
    cutoff: int,
) -> PartShare:
    draws = PeriodDraws(np.ascontiguousarray(drawn.shares[part][:, [place]]), (None,))
    return PartShare(*codes[part], summaries(draws, [period], query, cutoff)[0])
