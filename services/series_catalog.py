"""The series of a dataset: stored ones, and those computed from stored ones.

A partner group is the sum of its members; the balance B is X - M. Neither is stored. Observations of both are sums of
values; forecasts are sums of joint paths, draw by draw.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

from services.errors import NotOneSeries
from store.errors import UnknownSeries
from store.models import ResolvedSeries, SeriesPart
from store.queries.catalog import SeriesRecord
from store.queries.forecasts import CoveredSeries
from store.queries.partner_wholes import assign_wholes

BALANCE = "B"
SIGNS: Mapping[str, tuple[tuple[str, int], ...]] = {"X": (("X", 1),), "M": (("M", 1),), "B": (("X", 1), ("M", -1))}
RequestedCodes = Mapping[str, Sequence[str] | None]
"""Codes by `flow`, `partner` and `sector`, in this order; None where all are requested."""


def part_names(selected: Sequence[ResolvedSeries]) -> dict[int, str]:
    """The unique_id of each stored series behind the selected ones, by number, in their order."""
    return {part.series_id: part.unique_id for resolved in selected for part in resolved.parts}


@dataclass(frozen=True)
class SeriesCatalog:
    """A dataset's series, with names and groups."""

    dataset: str
    unit: str
    series: Sequence[CoveredSeries | SeriesRecord]
    partners: Mapping[str, str] = field(repr=False)
    sectors: Mapping[str, str] = field(repr=False)
    members: Mapping[str, Sequence[str]] = field(repr=False)

    @cached_property
    def places(self) -> dict[tuple[str, str, str], int]:
        """Numbers of stored series by flow, partner and sector."""
        return {(stored.flow, stored.partner, stored.sector): stored.id for stored in self.series}

    @cached_property
    def codes(self) -> tuple[list[str], list[str], list[str]]:
        """Flows, partners and sectors that have a stored series."""
        flows, partners, sectors = (sorted({key[place] for key in self.places}) for place in range(3))
        return flows, partners, sectors

    @cached_property
    def sums(self) -> Collection[str]:
        """Groups that are sums of their listed members; the others are published series of their own."""
        return self.members.keys() - set(self.codes[1])

    @cached_property
    def wholes(self) -> Mapping[str, str]:
        """The whole that each stored partner is part of, by code: a published group, or the world."""
        return assign_wholes(self.codes[1], self.members)

    @cached_property
    def known(self) -> tuple[Collection[str], ...]:
        """Flows, partners and sectors that can be requested: stored ones, the balance, and groups."""
        flows, partners, sectors = self.codes
        balance = {BALANCE} if {flow for flow, _ in SIGNS[BALANCE]} <= set(flows) else set()
        return {*flows, *balance}, {*partners, *self.members}, set(sectors)

    @cached_property
    def stored(self) -> tuple[ResolvedSeries, ...]:
        """Every stored series, by flow, partner and sector."""
        return tuple(self._resolve(*key) for key in sorted(self.places))

    def choose(
        self, *, flows: Sequence[str] | None, partners: Sequence[str] | None, sectors: Sequence[str] | None
    ) -> Sequence[ResolvedSeries]:
        """Series of the codes given, in the order of flow, partner and sector; None takes every stored code.

        A combination that does not exist is left out. Raises UnknownSeries where a code has no series at all, or none
        with the others.
        """
        if flows is partners is sectors is None:
            return self.stored
        requested = {"flow": flows, "partner": partners, "sector": sectors}
        self.refuse_unknown(requested, self.known)
        keys = product(*(codes or stored for codes, stored in zip(requested.values(), self.codes, strict=True)))
        selected = [resolved for resolved in (self._resolve(*key) for key in keys) if resolved.parts]
        filters = {name: ",".join(codes) for name, codes in requested.items() if codes}
        if not selected:
            raise UnknownSeries(self.dataset, **filters)
        for name, codes in requested.items():
            found = {getattr(resolved, name) for resolved in selected}
            missing = next((code for code in codes or () if code not in found), None)
            if missing is not None:
                raise UnknownSeries(self.dataset, **filters | {name: missing})
        return selected

    def single(self, flow: str | None, partner: str | None, sector: str | None) -> ResolvedSeries:
        """The only series of these codes. Raises UnknownSeries, NotOneSeries."""
        flows, partners, sectors = ([code] if code else None for code in (flow, partner, sector))
        selected = self.choose(flows=flows, partners=partners, sectors=sectors)
        if len(selected) != 1:
            raise NotOneSeries(len(selected))
        return selected[0]

    def refuse_unknown(self, requested: RequestedCodes, known: Sequence[Collection[str]]) -> None:
        """Raises UnknownSeries for a code that is not among the known flows, partners and sectors."""
        for (name, codes), present in zip(requested.items(), known, strict=True):
            for code in codes or ():
                if code not in present:
                    raise UnknownSeries(self.dataset, **{name: code})

    def _resolve(self, flow: str, partner: str, sector: str) -> ResolvedSeries:
        parts = tuple(self._parts(flow, partner, sector))
        unique_id = f"{self.dataset}.{flow}.{partner}.{sector}"
        return ResolvedSeries(unique_id, flow, partner, sector, parts, flow == BALANCE or partner in self.sums)

    def _parts(self, flow: str, partner: str, sector: str) -> Iterator[SeriesPart]:
        members = self.members[partner] if partner in self.sums else (partner,)
        # A balance needs both flows of a member.
        complete = [code for code in members if all((side, code, sector) in self.places for side, _ in SIGNS[flow])]
        for side, sign in SIGNS[flow]:
            for key in ((side, code, sector) for code in complete):
                yield SeriesPart(self.places[key], ".".join((self.dataset, *key)), sign)
