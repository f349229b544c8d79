"""Contributions to growth: which partners or sectors a change comes from, observed and expected.

Parts add up to their whole: members of a published group are reported under it, and what no part lists is a remainder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session

from forecasting.analysis.contributions import Contributions, contributions, mean_and_interval
from forecasting.analysis.period_draws import SeriesPaths, period_sums
from forecasting.analysis.periods import Period
from forecasting.config import interval_probabilities
from forecasting.data.months import MONTHS_PER_YEAR, month_text
from forecasting.types import FloatArray
from services.errors import NothingToCompare, NothingToConcentrate, PartsDoNotAddUp, PeriodBeyondRun
from services.queries.contributions import ContributionQuery
from services.series_catalog import SeriesCatalog
from services.series_paths import cutoff_number, read_series_paths
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries
from store.queries.runs import PublishedRunRecord

UNLISTED = "UNLISTED"
"""The code of the remainder of a whole beside its listed parts, where the dataset derives none."""
TOLERANCE = 1e-3
"""Published tables are rounded: parts may exceed their whole by this share of it."""


class Estimate(NamedTuple):
    """A mean and the bounds of each level; None where it is not defined."""

    mean: float | None
    bounds: Sequence[tuple[float | None, float | None]]


@dataclass(frozen=True, slots=True)
class ContributionRow:
    """A part of the whole in two periods; `within` is the group that a member is reported under.

    `level`, `base`, `change`, `at_whole_rate` and `own` are means in the dataset's unit, shares in per cent.
    """

    code: str
    name: str
    within: str | None
    level: float
    base: float
    change: float
    share: float
    base_share: float
    at_whole_rate: float
    own: float
    growth: Estimate
    contribution: Estimate


@dataclass(frozen=True, slots=True)
class ContributionAnswer:
    """Contributions of the parts of a whole, largest first; those that are within no group sum to its growth."""

    period: Period
    base_period: Period
    observed: int
    whole: str
    level: float
    base: float
    growth: Estimate
    rows: Sequence[ContributionRow]


class _Parts(NamedTuple):
    """Parts of a whole with the group that each is reported under; the whole is their sum where it is None."""

    series: Sequence[ResolvedSeries]
    within: Sequence[str | None]
    whole: ResolvedSeries | None


class _Table(NamedTuple):
    """Parts by row, and the sums of each over the two periods, each of shape (parts, draws)."""

    codes: Sequence[str]
    names: Mapping[str, str]
    within: Sequence[str | None]
    sums: Sequence[FloatArray]

    @property
    def top(self) -> NDArray[np.bool_]:
        """Which parts are within no group: they add up to the whole."""
        return np.array([group is None for group in self.within])


def read_contributions(
    session: Session, run: PublishedRunRecord, catalog: SeriesCatalog, query: ContributionQuery
) -> ContributionAnswer:
    """Contributions to the growth of a flow from one period to another.

    Raises UnknownSeries, PeriodBeyondRun, NothingToCompare, NothingToConcentrate, PartsDoNotAddUp.
    """
    period, base_period = periods = _periods(run, query)
    parts = _parts(catalog, query)
    everything = [*parts.series, *([parts.whole] if parts.whole else [])]
    months = min(period.first, base_period.first), max(period.last, base_period.last)
    paths = read_series_paths(session, run, everything, months)
    names = catalog.partners if query.by == "partner" else catalog.sectors
    table = _Table(
        codes=[getattr(part, query.by) for part in parts.series],
        names=names,
        within=parts.within,
        sums=[_sums([paths[part.unique_id] for part in parts.series], period) for period in periods],
    )
    if parts.whole is None:
        totals = [sums[table.top].sum(axis=0) for sums in table.sums]
    else:
        totals = [_sums([paths[parts.whole.unique_id]], period)[0] for period in periods]
    table = _with_remainder(table, totals, error=PartsDoNotAddUp(query.by, catalog.dataset))
    if not (totals[1] > 0).all():
        raise NothingToCompare(base_period.label, "the whole is not positive in every draw")
    found = contributions(*table.sums, *totals)
    rows = [_row(found, table, place, query.level) for place in range(len(table.codes))]
    return ContributionAnswer(
        period=period,
        base_period=base_period,
        observed=period.observed(cutoff_number(run)),
        whole=parts.whole.unique_id if parts.whole else f"{catalog.dataset}.{query.flow}.*.*",
        level=float(totals[0].mean()),
        base=float(totals[1].mean()),
        growth=_estimate(found.whole_growth, query.level),
        rows=sorted(rows, key=lambda row: -(row.contribution.mean or 0.0)),
    )


def _with_remainder(table: _Table, totals: Sequence[FloatArray], *, error: PartsDoNotAddUp) -> _Table:
    """The table with a row for what its parts leave of the whole, if they leave anything; raises `error` if less."""
    unlisted = [total - sums[table.top].sum(axis=0) for total, sums in zip(totals, table.sums, strict=True)]
    gaps = [np.abs(rest).max() / np.abs(total).max() for rest, total in zip(unlisted, totals, strict=True)]
    if max(gaps) <= TOLERANCE:
        return table
    if min(rest.mean() for rest in unlisted) < 0:
        raise error
    return _Table(
        codes=[*table.codes, UNLISTED],
        names={**table.names, UNLISTED: "Not listed"},
        within=[*table.within, None],
        sums=[np.vstack([sums, rest]) for sums, rest in zip(table.sums, unlisted, strict=True)],
    )


def _row(found: Contributions, table: _Table, place: int, levels: Sequence[float]) -> ContributionRow:
    code = table.codes[place]
    return ContributionRow(
        code=code,
        name=table.names[code],
        within=table.within[place],
        level=float(found.level[place].mean()),
        base=float(found.base[place].mean()),
        change=float(found.change[place].mean()),
        share=float(found.share[place].mean()),
        base_share=float(found.base_share[place].mean()),
        at_whole_rate=float(found.at_whole_rate[place].mean()),
        own=float(found.own[place].mean()),
        growth=_estimate(found.growth[place], levels),
        contribution=_estimate(found.contribution[place], levels),
    )


def _estimate(draws: FloatArray, levels: Sequence[float]) -> Estimate:
    bounds = [bound for level in levels for bound in interval_probabilities(level)]
    found = mean_and_interval(draws, bounds)
    if found is None:
        return Estimate(None, [(None, None)] * len(levels))
    mean, quantiles = found
    return Estimate(mean, list(zip(quantiles[::2], quantiles[1::2], strict=True)))


def _periods(run: PublishedRunRecord, query: ContributionQuery) -> tuple[Period, Period]:
    """The two periods: by default the 12 months ahead against the last 12 observed. Raises PeriodBeyondRun."""
    cutoff = cutoff_number(run)
    period = query.compared or Period(cutoff + 1, cutoff + MONTHS_PER_YEAR, "span")
    last = cutoff + run.horizon
    if period.last > last:
        raise PeriodBeyondRun(period.label, month_text(last), run.id)
    years = -(-period.months // MONTHS_PER_YEAR)
    base = query.base or period.back(years * MONTHS_PER_YEAR)
    if base.last >= period.last or base.months != period.months:
        raise NothingToCompare(base.label, f"it is to be as long as {period.label} and earlier")
    return period, base


def _parts(catalog: SeriesCatalog, query: ContributionQuery) -> _Parts:
    """The parts of the flow: partners with the group that each belongs to, or sectors.

    Raises UnknownSeries, NothingToConcentrate, PartsDoNotAddUp.
    """
    by_partner = query.by == "partner"
    partners = None if by_partner else [query.partner or TOTAL_PARTNER]
    sectors = [query.sector or TOTAL_SECTOR] if by_partner else None
    chosen = catalog.choose(flows=[query.flow], partners=partners, sectors=sectors)
    total = TOTAL_PARTNER if by_partner else TOTAL_SECTOR
    whole = next((series for series in chosen if getattr(series, query.by) == total), None)
    parts = [series for series in chosen if getattr(series, query.by) != total]
    if not parts:
        raise NothingToConcentrate(query.by, catalog.dataset)
    if not by_partner:
        if whole is None:
            raise PartsDoNotAddUp(query.by, catalog.dataset)
        return _Parts(parts, [None] * len(parts), whole)
    wholes = catalog.wholes
    kept = [series for series in parts if series.partner in wholes]
    groups = {series.partner for series in kept}
    within = [wholes[series.partner] if wholes[series.partner] in groups else None for series in kept]
    return _Parts(kept, within, whole)


def _sums(all_paths: Sequence[SeriesPaths], period: Period) -> FloatArray:
    """Sums over a period, shape (series, draws). Raises NothingToCompare where a month is not known."""
    found = [period_sums(paths, [period]) for paths in all_paths]
    reason = next((sums.reasons[0] for sums in found if sums.reasons[0]), None)
    if reason is not None:
        raise NothingToCompare(period.label, reason)
    draws = max(len(sums.values) for sums in found)
    return np.stack([np.broadcast_to(sums.values[:, 0], draws) for sums in found])
