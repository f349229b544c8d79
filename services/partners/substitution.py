"""Substitution: by how much one partner fell, and the sources of the growth of the others.

The parts of the window are single partners and remainders, which add up to the whole without a group counting twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from forecasting.analysis.periods import Period
from services.partners.contributions import ContributionAnswer, ContributionRow, read_contributions
from services.queries.contributions import ContributionQuery, SubstitutionQuery
from services.series.series_catalog import SeriesCatalog
from services.series.series_paths import cutoff_number
from store.errors import UnknownSeries
from store.queries.partner_wholes import is_remainder
from store.queries.runs import PublishedRunRecord


@dataclass(frozen=True, slots=True)
class Window:
    """The change of the whole, of the partner that lost, and of the others, the largest gain first."""

    compared: ContributionAnswer
    lost: ContributionRow
    others: Sequence[ContributionRow]

    @property
    def gains(self) -> float:
        """The sum of the positive changes of the others, in the dataset's unit."""
        return sum(max(row.change.mean or 0.0, 0.0) for row in self.others)

    def share_of_gains(self, row: ContributionRow) -> float | None:
        """The share of one of the others in their gains, in per cent; None where it did not gain."""
        gain = row.change.mean or 0.0
        return 100 * gain / self.gains if gain > 0 else None


def read_substitution(
    session: Session, run: PublishedRunRecord, catalog: SeriesCatalog, query: SubstitutionQuery
) -> list[Window]:
    """The observed window and the expected one, or the one asked for; the partner that lost is the same in both.

    Raises as `read_contributions`.
    """
    compared = [read_contributions(session, run, catalog, parameters) for parameters in _windows(run, query)]
    lost = query.partner or _lost_most(compared[0])
    return [_window(answer, lost, catalog.dataset) for answer in compared]


def _windows(run: PublishedRunRecord, query: SubstitutionQuery) -> list[ContributionQuery]:
    shared: dict[str, Any] = {"flow": query.flow, "sector": query.sector, "level": query.level}
    if query.period is not None:
        parameters = shared | {"period": query.period, "from": query.from_period}
        return [ContributionQuery.model_validate(parameters)]
    cutoff, months = cutoff_number(run), query.months
    periods = [Period(cutoff - months + 1, cutoff, "span"), Period(cutoff + 1, cutoff + months, "span")]
    return [ContributionQuery.model_validate(shared | {"period": period.label}) for period in periods]


def single_parts(rows: Sequence[ContributionRow]) -> list[ContributionRow]:
    """The parts that have no members among the rows: they add up without counting anything twice."""
    groups = {row.within for row in rows}
    return [row for row in rows if row.code not in groups]


def _lost_most(compared: ContributionAnswer) -> str:
    partners = [row for row in single_parts(compared.rows) if not is_remainder(row.code)]
    return min(partners, key=lambda row: row.change.mean or 0.0).code


def _window(compared: ContributionAnswer, lost: str, dataset: str) -> Window:
    found = next((row for row in compared.rows if row.code == lost), None)
    if found is None:
        raise UnknownSeries(dataset, partner=lost)
    # Of a group that lost, the members are part of the loss.
    others = [row for row in single_parts(compared.rows) if lost not in (row.code, row.within)]
    return Window(compared, found, others)
