"""Datasets, partners, sectors and series."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Field

from store.models.base import Table, is_in

TOTAL_PARTNER, REST_PARTNER, TOTAL_SECTOR = "WLD", "RST", "TOTAL"


class Partner(Table, table=True):
    """A country by its ISO 3166-1 alpha-3 code, or a group of countries."""

    code: str = Field(primary_key=True, max_length=12)
    name: str
    is_group: bool = False


class Sector(Table, table=True):
    """TOTAL, an HS or NAICS code, a named group of goods, or the quantity of one."""

    __table_args__ = (sa.CheckConstraint("(quantity_of IS NULL) = (unit IS NULL)", name="quantity_has_a_unit"),)

    code: str = Field(primary_key=True, max_length=24)
    name: str
    classification: str
    contained_in: str | None = Field(default=None, foreign_key="sector.code", max_length=24)
    """The sector whose values include those of this one."""
    quantity_of: str | None = Field(default=None, foreign_key="sector.code", max_length=24)
    """The sector whose quantities these are, in `unit`."""
    unit: str | None = None
    """The unit of quantities; values of other sectors are in the dataset's unit."""


class Dataset(Table, table=True):
    """One publisher's table: a reporter, a currency and unit, a licence, a release calendar."""

    __table_args__ = (
        sa.CheckConstraint("id ~ '^[A-Z][A-Z0-9_]*$'", name="id_is_a_code"),
        sa.CheckConstraint("release_day BETWEEN 1 AND 28", name="release_day"),
    )

    id: str = Field(primary_key=True, max_length=40)
    title: str
    reporter: str = Field(foreign_key="partner.code")
    currency: str = Field(max_length=3)
    unit: str
    publisher: str
    licence: str
    citation: str
    release_day: int
    derives_rest: bool = False
    """True where remainder partners and sector totals are derived from published series."""
    derives_total: bool = False
    """True where the publisher gives no total of the world: partner WLD is derived as the sum of the listed."""
    allows_negative: bool = False
    """True where a value may be negative: an official correction, or net trade."""
    borrows_history: str | None = Field(default=None, foreign_key="dataset.id", max_length=40, ondelete="SET NULL")
    """A longer dataset whose totals replace the months before the first month of this one."""


class Membership(Table, table=True):
    """A group of partners and one of its members, whether or not a dataset has it."""

    group_code: str = Field(primary_key=True, foreign_key="partner.code")
    member_code: str = Field(primary_key=True, foreign_key="partner.code")


class Series(Table, table=True):
    """A dataset x flow x partner x sector."""

    __table_args__ = (
        sa.UniqueConstraint("dataset_id", "flow", "partner", "sector"),
        sa.CheckConstraint(is_in("flow", ("X", "M")), name="flow"),
    )

    id: int | None = Field(default=None, primary_key=True)
    dataset_id: str = Field(foreign_key="dataset.id")
    flow: str = Field(max_length=1)
    partner: str = Field(foreign_key="partner.code")
    sector: str = Field(foreign_key="sector.code")

    @property
    def unique_id(self) -> str:
        """The series' name everywhere: `DATASET.FLOW.PARTNER.SECTOR`."""
        return f"{self.dataset_id}.{self.flow}.{self.partner}.{self.sector}"


class SeriesPart(NamedTuple):
    """A stored series and the sign with which it counts."""

    series_id: int
    unique_id: str
    sign: int


class ResolvedSeries(NamedTuple):
    """A requested series and the stored series that it is the signed sum of; itself alone where it is stored.

    A unit value has two parts, value (sign 1) and quantity (sign -1): `multiple` times their ratio.
    """

    unique_id: str
    flow: str
    partner: str
    sector: str
    parts: tuple[SeriesPart, ...]
    derived: bool
    multiple: int | None = None

    @property
    def terms(self) -> "tuple[ResolvedSeries, ...]":
        """Each part as a series of its own."""
        return tuple(
            ResolvedSeries(part.unique_id, self.flow, self.partner, self.sector, (part._replace(sign=1),), False)
            for part in self.parts
        )

    @property
    def group(self) -> str:
        """Its place in the hierarchy of its flow: grand total, total of a partner or a sector, or part."""
        whole = self.partner == TOTAL_PARTNER, self.sector == TOTAL_SECTOR
        return {(True, True): "total", (False, True): "partner", (True, False): "sector"}.get(whole, "part")
