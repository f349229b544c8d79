"""Which series a request is about: stored ones, and those that are sums of stored ones.

A partner group is the sum of its members; the balance B is X - M. Neither is stored: both are answered from their
parts, observations by adding values, forecasts by adding joint paths draw by draw.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

from store.errors import UnknownSeries
from store.models import ResolvedSeries, SeriesPart
from store.queries.catalog import SeriesRecord
from store.queries.forecasts import CoveredSeries
from store.queries.partner_wholes import assign_wholes

BALANCE = "B"
SIGNS: Mapping[str, tuple[tuple[str, int], ...]] = {"X": (("X", 1),), "M": (("M", 1),), "B": (("X", 1), ("M", -1))}
Asked = Mapping[str, Sequence[str] | None]
"""Codes by `flow`, `partner` and `sector`, in this order; None where nothing is asked."""


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
        return {(one.flow, one.partner, one.sector): one.id for one in self.series}

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
        """Flows, partners and sectors that can be asked for: stored ones, the balance, and groups."""
        flows, partners, sectors = self.codes
        balance = {BALANCE} if {flow for flow, _ in SIGNS[BALANCE]} <= set(flows) else set()
        return {*flows, *balance}, {*partners, *self.members}, set(sectors)

    @cached_property
    def stored(self) -> tuple[ResolvedSeries, ...]:
        """Every stored series, by flow, partner and sector."""
        return tuple(self._chosen(*key) for key in sorted(self.places))

    def choose(
        self, *, flows: Sequence[str] | None, partners: Sequence[str] | None, sectors: Sequence[str] | None
    ) -> Sequence[ResolvedSeries]:
        """Series of the codes given, in the order of flow, partner and sector; None takes every stored one.

        A combination that does not exist is passed over. Raises UnknownSeries where a code has no series at all, or
        none with the others.
        """
        if flows is partners is sectors is None:
            return self.stored
        asked = {"flow": flows, "partner": partners, "sector": sectors}
        self.refuse_unknown(asked, self.known)
        keys = product(*(given or kept for given, kept in zip(asked.values(), self.codes, strict=True)))
        chosen = [one for one in (self._chosen(*key) for key in keys) if one.parts]
        together = {name: ",".join(codes) for name, codes in asked.items() if codes}
        if not chosen:
            raise UnknownSeries(self.dataset, **together)
        for name, codes in asked.items():
            found = {getattr(one, name) for one in chosen}
            alone = next((code for code in codes or () if code not in found), None)
            if alone is not None:
                raise UnknownSeries(self.dataset, **together | {name: alone})
        return chosen

    def refuse_unknown(self, asked: Asked, known: Sequence[Collection[str]]) -> None:
        """Raises UnknownSeries for a code that is not among the known flows, partners and sectors."""
        for (name, codes), there in zip(asked.items(), known, strict=True):
            for code in codes or ():
                if code not in there:
                    raise UnknownSeries(self.dataset, **{name: code})

    def _chosen(self, flow: str, partner: str, sector: str) -> ResolvedSeries:
        parts = tuple(self._parts(flow, partner, sector))
        unique_id = f"{self.dataset}.{flow}.{partner}.{sector}"
        return ResolvedSeries(unique_id, flow, partner, sector, parts, flow == BALANCE or partner in self.sums)

    def _parts(self, flow: str, partner: str, sector: str) -> Iterator[SeriesPart]:
        members = self.members[partner] if partner in self.sums else (partner,)
        # A balance is of those who have both of its sides.
        whole = [one for one in members if all((side, one, sector) in self.places for side, _ in SIGNS[flow])]
        for side, sign in SIGNS[flow]:
            for key in ((side, one, sector) for one in whole):
                yield SeriesPart(self.places[key], ".".join((self.dataset, *key)), sign)
