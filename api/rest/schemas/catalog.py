"""Answers about datasets, series, partners, sectors and data sources."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Page, answer


@answer
class GroupAnswer(TypedDict):
    """A partner group and those of its members that the dataset lists, of `size` in all.

    The figures of a published group are the publisher's own and complete; others are sums of the listed members.
    """

    code: str
    name: str
    members: list[str]
    size: int
    published: bool


@answer
class DatasetAnswer(TypedDict):
    """A publisher's table."""

    id: str
    title: str
    reporter: str
    currency: str
    unit: str
    publisher: str
    licence: str
    citation: str
    release_day: Annotated[int, Field(description="Day of the month on which the month before is due.")]
    series: Annotated[int, Field(description="Number of stored series.")]
    first_month: str | None
    last_month: str | None
    overdue: Annotated[list[str], Field(description="Months whose release is overdue, oldest first.")]
    derives_rest: Annotated[bool, Field(description="Whether remainder partners and sector totals are derived.")]
    derives_total: Annotated[
        bool, Field(description="Whether partner WLD is derived, as the sum of the listed partners.")
    ]
    allows_negative: Annotated[bool, Field(description="Whether a value may be negative.")]
    groups: list[GroupAnswer]


@answer
class DatasetPage(Page):
    """Datasets by code."""

    datasets: list[DatasetAnswer]


@answer
class SeriesAnswer(TypedDict):
    """A stored series."""

    unique_id: str
    dataset: str
    flow: str
    partner: str
    partner_name: str
    sector: str
    sector_name: str
    unit: str


@answer
class SeriesPage(Page):
    """Series by flow, partner and sector."""

    series: list[SeriesAnswer]


@answer
class PartAnswer(TypedDict):
    """A stored series that a derived series is computed from, and its sign; a unit value divides by that of sign -1."""

    unique_id: str
    sign: int


@answer
class ResolvedSeriesAnswer(SeriesAnswer):
    """A series. `parts` lists the components of a group, a balance or a unit value; null for a stored series."""

    parts: list[PartAnswer] | None


@answer
class PartnerAnswer(TypedDict):
    """A country by its ISO 3166-1 alpha-3 code, or a group."""

    code: str
    name: str
    is_group: bool


@answer
class PartnerPage(Page):
    """Partners by code."""

    partners: list[PartnerAnswer]


@answer
class SectorAnswer(TypedDict):
    """A sector of goods: the sector that contains it; of quantities, whose they are and their unit."""

    code: str
    name: str
    classification: str
    contained_in: str | None
    quantity_of: str | None
    unit: str | None


@answer
class SectorPage(Page):
    """Sectors by code."""

    sectors: list[SectorAnswer]


@answer
class SourceAnswer(TypedDict):
    """A dataset's source and the outcome of the last attempts to fetch from it."""

    dataset: str
    source: str
    last_attempt_at: datetime
    outcome: Annotated[str, Field(description="Of the last attempt: new, unchanged or failed.")]
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_failure: Annotated[str | None, Field(description="Reason of the last failure.")]


@answer
class SourcePage(Page):
    """Sources by dataset."""

    sources: list[SourceAnswer]
