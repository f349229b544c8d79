"""Contributions to growth: which partners or sectors a change comes from, observed and expected.

Parts add up to their whole: members of a published group are reported under it, and what no part lists is a remainder.
Where parts overlap, as commodity groups do, changes and growth are reported without a whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from services.errors import NothingToCompare, NothingToConcentrate, PeriodBeyondRun
from services.queries.contributions import ContributionQuery
from services.series.series_catalog import BALANCE, SeriesCatalog
from services.series.series_paths import PathsById, cutoff_number, read_series_paths
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

    `level`, `base`, `change`, `at_whole_rate`, `mix` and `own` are means in the dataset's unit, shares in per cent;
    those that need a whole are None without one.
    """

    code: str
    name: str
    within: str | None
    level: float
    base: float
    change: Estimate
    share: float | None
    base_share: float | None
    at_whole_rate: float | None
    mix: float | None
    own: float | None
    growth: Estimate
    contribution: Estimate


@dataclass(frozen=True, slots=True)
class ContributionAnswer:
    """Contributions of the parts of a whole, the largest change first.

    Where `adds_up`, those that are within no group sum to the change of the whole. `whole` is None where parts overlap
    and have no total.
    """

    period: Period
    base_period: Period
    observed: int
    whole: str | None
    adds_up: bool
    level: float | None
    base: float | None
    growth: Estimate
    change: Estimate
    rows: Sequence[ContributionRow]


UNKNOWN = Estimate(None, ())
"""The change of a whole that is not defined."""


class _Parts(NamedTuple):
    """Parts of a whole with the group that each is reported under.

    The whole is the sum of the parts where `series_of_whole` is None and they can be added.
    """

    series: Sequence[ResolvedSeries]
    within: Sequence[str | None]
    series_of_whole: ResolvedSeries | None
    additive: bool


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

    @property
    def groups(self) -> list[int | None]:
        """The row of the group of each part; None where it is within none."""
        return [None if group is None else self.codes.index(group) for group in self.within]


def read_contributions(
    session: Session, run: PublishedRunRecord, catalog: SeriesCatalog, query: ContributionQuery
) -> ContributionAnswer:
    """Contributions to the growth of a flow from one period to another.

    Raises UnknownSeries, PeriodBeyondRun, NothingToCompare, NothingToConcentrate.
    """
    period, base_period = periods = _periods(run, query)
    parts = _parts(catalog, query)
    whole = parts.series_of_whole
    months = min(period.first, base_period.first), max(period.last, base_period.last)
    paths = read_series_paths(session, run, [*parts.series, *([whole] if whole else [])], months)
    parts = _known_parts(parts, paths, periods)
    table = _Table(
        codes=[getattr(part, query.by) for part in parts.series],
        names=catalog.partners if query.by == "partner" else catalog.sectors,
        within=parts.within,
        sums=[_sums([paths[part.unique_id] for part in parts.series], period) for period in periods],
    )
    totals = _totals(parts, table, None if whole is None else paths[whole.unique_id], periods)
    adds_up = totals is not None and _adds_up(table, totals)
    if totals is not None and adds_up:
        table = _with_remainder(table, totals)
    level, base = totals or (None, None)
    found = _compared(table, level, base, balance=query.flow == BALANCE)
    rows = [_row(found, table, place, query.level) for place in range(len(table.codes))]
    return ContributionAnswer(
        period=period,
        base_period=base_period,
        observed=period.observed(cutoff_number(run)),
        whole=_whole_id(catalog, query, parts),
        adds_up=adds_up,
        level=None if level is None else float(level.mean()),
        base=None if base is None else float(base.mean()),
        growth=_estimate(found.whole_growth, query.level),
        change=_estimate(level - base, query.level) if level is not None and base is not None else UNKNOWN,
        rows=sorted(rows, key=lambda row: -(row.change.mean or 0.0)),
    )


def _compared(table: _Table, level: FloatArray | None, base: FloatArray | None, *, balance: bool) -> Contributions:
    """The comparison of the two periods; of a balance, whose sign may change, without growth and shares."""
    if not balance:
        return contributions(table.sums[0], table.sums[1], level, base, table.groups)
    found = contributions(table.sums[0], table.sums[1], None, None)
    return replace(found, growth=np.full(found.growth.shape, np.nan))


def _known_parts(parts: _Parts, paths: PathsById, periods: Sequence[Period]) -> _Parts:
    """The parts; those that cannot be added only where both periods are known.

    Raises NothingToCompare where no part is left.
    """
    if parts.additive:
        return parts
    reasons = [period_sums(paths[series.unique_id], periods).reasons for series in parts.series]
    kept = [place for place, found in enumerate(reasons) if found == (None,) * len(periods)]
    if not kept:
        raise NothingToCompare(periods[0].label, next(filter(None, reasons[0])))
    codes = {parts.series[place].sector for place in kept}
    within = [code if code in codes else None for code in parts.within]
    return parts._replace(series=[parts.series[place] for place in kept], within=[within[place] for place in kept])


def _whole_id(catalog: SeriesCatalog, query: ContributionQuery, parts: _Parts) -> str | None:
    if parts.series_of_whole is not None:
        return parts.series_of_whole.unique_id
    return f"{catalog.dataset}.{query.flow}.*.*" if parts.additive else None


def _totals(
    parts: _Parts, table: _Table, whole: SeriesPaths | None, periods: Sequence[Period]
) -> tuple[FloatArray, FloatArray] | None:
    """The sums of the whole over the two periods, each of shape (draws,); None where parts cannot be added."""
    if whole is not None:
        level, base = (_sums([whole], period)[0] for period in periods)
        return level, base
    if not parts.additive:
        return None
    level, base = (sums[table.top].sum(axis=0) for sums in table.sums)
    return level, base


def _unlisted(table: _Table, totals: Sequence[FloatArray]) -> list[FloatArray]:
    """The rest of the whole beside its parts, in each period."""
    return [total - sums[table.top].sum(axis=0) for total, sums in zip(totals, table.sums, strict=True)]


def _adds_up(table: _Table, totals: Sequence[FloatArray]) -> bool:
    """Whether the parts leave a part of the whole that is not negative, or nothing."""
    return _gap(table, totals) <= TOLERANCE or min(rest.mean() for rest in _unlisted(table, totals)) >= 0


def _gap(table: _Table, totals: Sequence[FloatArray]) -> float:
    pairs = zip(_unlisted(table, totals), totals, strict=True)
    return max(float(np.abs(rest).max() / np.abs(total).max()) for rest, total in pairs)


def _with_remainder(table: _Table, totals: Sequence[FloatArray]) -> _Table:
    """The table with a row for what its parts leave of the whole, if they leave anything."""
    if _gap(table, totals) <= TOLERANCE:
        return table
    unlisted = _unlisted(table, totals)
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
        change=_estimate(found.change[place], levels),
        share=_mean(found.share[place]),
        base_share=_mean(found.base_share[place]),
        at_whole_rate=_mean(found.at_whole_rate[place]),
        mix=_mean(found.mix[place]),
        own=_mean(found.own[place]),
        growth=_estimate(found.growth[place], levels),
        contribution=_estimate(found.contribution[place], levels),
    )


def _mean(draws: FloatArray) -> float | None:
    return float(draws.mean()) if np.isfinite(draws).all() else None


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
    """The parts of the flow: partners or sectors with the group that each is part of.

    Raises UnknownSeries, NothingToConcentrate.
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
        listed = {series.sector for series in parts}
        containing = [catalog.sector_records[series.sector].contained_in for series in parts]
        within = [code if code in listed else None for code in containing]
        return _Parts(parts, within, whole, additive=not catalog.overlapping)
    wholes = catalog.wholes
    kept = [series for series in parts if series.partner in wholes]
    groups = {series.partner for series in kept}
    within = [wholes[series.partner] if wholes[series.partner] in groups else None for series in kept]
    return _Parts(kept, within, whole, additive=True)


def _sums(all_paths: Sequence[SeriesPaths], period: Period) -> FloatArray:
    """Sums over a period, shape (series, draws). Raises NothingToCompare where a month is not known."""
    found = [period_sums(paths, [period]) for paths in all_paths]
    reason = next((sums.reasons[0] for sums in found if sums.reasons[0]), None)
    if reason is not None:
        raise NothingToCompare(period.label, reason)
    draws = max(len(sums.values) for sums in found)
    return np.stack([np.broadcast_to(sums.values[:, 0], draws) for sums in found])
