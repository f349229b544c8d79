"""The series of a dataset: stored ones, and those computed from stored ones.

A partner group is the sum of its members; the balance B is X - M. Neither is stored. Observations of both are sums of
values; forecasts are sums of joint paths, draw by draw. A sector may have quantities, stored as a sector of their own;
its unit value is value by quantity, in the same draw.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

from services.errors import NotOneSeries
from services.parameters import Measure
from sources.units import multiple_of
from store.errors import UnknownSeries
from store.models import TOTAL_SECTOR, ResolvedSeries, SeriesPart
from store.queries.catalog import SectorRecord, SeriesRecord
from store.queries.forecasts import CoveredSeries
from store.queries.partner_wholes import assign_wholes

BALANCE = "B"
UNIT_VALUE_SUFFIX = "_UV"
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
    sector_records: Mapping[str, SectorRecord] = field(default_factory=dict, repr=False)

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
    def quantities(self) -> Mapping[str, str]:
        """The sector of the quantities of each sector that has them, by code."""
        records = sorted(self.sector_records.items())
        stored = set(self.codes[2])
        return {record.quantity_of: code for code, record in records if record.quantity_of and code in stored}

    @cached_property
    def valued(self) -> list[str]:
        """The sectors whose series are values: all but quantities."""
        return sorted({*self.codes[2]} - {*self.quantities.values()})

    @cached_property
    def overlapping(self) -> bool:
        """Whether sectors contain one another and have no total: their values are never added."""
        contained = {record.contained_in for record in self.sector_records.values()}
        return bool(contained & {*self.valued}) and TOTAL_SECTOR not in self.valued

    def unit_of(self, series: ResolvedSeries) -> str:
        """The unit of a series."""
        return self.unit_of_sector(series.sector)

    def unit_of_sector(self, sector: str) -> str:
        """The unit of a sector's series: the dataset's, that of a quantity, or money by a quantity."""
        if sector.endswith(UNIT_VALUE_SUFFIX) and sector not in self.sectors_stored:
            quantity = self.quantities[sector.removesuffix(UNIT_VALUE_SUFFIX)]
            return f"{self.unit.partition(' ')[0]} per {self._own_unit(quantity).removesuffix('s')}"
        return self._own_unit(sector) or self.unit

    def unit_of_id(self, unique_id: str) -> str:
        """The unit of a stored series by its unique_id."""
        return self.unit_of_sector(unique_id.rpartition(".")[2])

    @cached_property
    def sectors_stored(self) -> Collection[str]:
        """The sectors that have a stored series."""
        return set(self.codes[2])

    def _own_unit(self, sector: str) -> str:
        record = self.sector_records.get(sector)
        return (record.unit or "") if record else ""

    def common_unit(self, selected: Sequence[ResolvedSeries]) -> str:
        """The unit of all of the series, else the dataset's."""
        units = {self.unit_of(series) for series in selected}
        return units.pop() if len(units) == 1 else self.unit

    @cached_property
    def stored(self) -> tuple[ResolvedSeries, ...]:
        """Every stored series, by flow, partner and sector."""
        return tuple(self._resolve(*key) for key in sorted(self.places))

    @cached_property
    def stored_values(self) -> Sequence[ResolvedSeries]:
        """Every stored series of values, in the dataset's unit."""
        return [series for series in self.stored if series.sector in set(self.valued)]

    def choose(
        self, *, flows: Sequence[str] | None, partners: Sequence[str] | None, sectors: Sequence[str] | None
    ) -> Sequence[ResolvedSeries]:
        """Series of the codes given, in the order of flow, partner and sector; None takes every stored code.

        Of sectors, None takes those of values, not of quantities. A combination that does not exist is left out. Raises
        UnknownSeries where a code has no series at all, or none with the others.
        """
        if flows is partners is sectors is None and not self.quantities:
            return self.stored
        requested = {"flow": flows, "partner": partners, "sector": sectors}
        self.refuse_unknown(requested, self.known)
        every = (*self.codes[:2], self.valued)
        keys = product(*(codes or stored for codes, stored in zip(requested.values(), every, strict=True)))
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

    def choose_measure(
        self,
        measure: Measure,
        *,
        flows: Sequence[str] | None,
        partners: Sequence[str] | None,
        sectors: Sequence[str] | None,
    ) -> Sequence[ResolvedSeries]:
        """Values as `choose`, or the quantities or unit values of these sectors. Raises UnknownSeries."""
        if measure == "value":
            return self.choose(flows=flows, partners=partners, sectors=sectors)
        wanted = sectors or list(self.quantities)
        without = next((code for code in wanted if code not in self.quantities), None)
        if without is not None or not wanted:
            raise UnknownSeries(self.dataset, sector=without, measure=measure)
        chosen = self.choose(flows=flows, partners=partners, sectors=[self.quantities[code] for code in wanted])
        return chosen if measure == "quantity" else [self._unit_value(quantity) for quantity in chosen]

    def _unit_value(self, quantity: ResolvedSeries) -> ResolvedSeries:
        sector = self.sector_records[quantity.sector].quantity_of or ""
        (value,) = self._parts(quantity.flow, quantity.partner, sector)
        (divisor,) = quantity.parts
        code = sector + UNIT_VALUE_SUFFIX
        unique_id = f"{self.dataset}.{quantity.flow}.{quantity.partner}.{code}"
        parts = (value, divisor._replace(sign=-1))
        return ResolvedSeries(
            unique_id, quantity.flow, quantity.partner, code, parts, True, multiple_of(self.unit) or 1
        )

    def single(
        self, flow: str | None, partner: str | None, sector: str | None, measure: Measure = "value"
    ) -> ResolvedSeries:
        """The only series of these codes. Raises UnknownSeries, NotOneSeries."""
        flows, partners, sectors = ([code] if code else None for code in (flow, partner, sector))
        selected = self.choose_measure(measure, flows=flows, partners=partners, sectors=sectors)
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
