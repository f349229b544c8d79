"""What there is: datasets, partners, sectors, series, and the groups that a dataset's partners form."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from store.errors import UnknownDataset, UnknownPartner
from store.models import Dataset, Membership, Observation, Partner, Release, Sector, Series

Query = sa.Select[*tuple[Any, ...]]
SeriesKey = tuple[str, str, str]
"""Flow, partner, sector."""


class DatasetRecord(NamedTuple):
    """A dataset as stored, the number of its series and the first and last month that is published."""

    id: str
    title: str
    reporter: str
    currency: str
    unit: str
    publisher: str
    licence: str
    citation: str
    release_day: int
    derives_rest: bool
    derives_total: bool
    allows_negative: bool
    borrows_history: str | None
    series: int
    start: date | None
    end: date | None


class SeriesRecord(NamedTuple):
    """A series and the names of its codes."""

    id: int
    dataset_id: str
    flow: str
    partner: str
    partner_name: str
    sector: str
    sector_name: str

    @property
    def unique_id(self) -> str:
        """`DATASET.FLOW.PARTNER.SECTOR`."""
        return f"{self.dataset_id}.{self.flow}.{self.partner}.{self.sector}"


class SeriesPage(NamedTuple):
    """Some series of a longer list, in the order of their codes, and its length."""

    rows: list[SeriesRecord]
    total: int


class PartnerRecord(NamedTuple):
    """A country, or a group of countries."""

    code: str
    name: str
    is_group: bool


class PartnerPage(NamedTuple):
    """Some partners of a longer list, in the order of their codes, and its length."""

    rows: list[PartnerRecord]
    total: int


class SectorRecord(NamedTuple):
    """A code of goods: its classification, the sector that contains it; of a quantity, whose it is and its unit."""

    code: str
    name: str
    classification: str
    contained_in: str | None = None
    quantity_of: str | None = None
    unit: str | None = None


SECTOR_FACTS = ("contained_in", "quantity_of", "unit")
_SECTOR_COLUMNS = [col(getattr(Sector, name)) for name in SectorRecord._fields]


class SectorPage(NamedTuple):
    """Some sectors of a longer list, in the order of their codes, and its length."""

    rows: list[SectorRecord]
    total: int


class GroupRecord(NamedTuple):
    """A group of a dataset's partners and the members that the dataset lists, of `size` in all but the reporter.

    The figures of a `published` group are the publisher's own and complete; those of any other are sums of the listed
    members.
    """

    code: str
    name: str
    members: tuple[str, ...]
    member_names: tuple[str, ...]
    size: int
    published: bool

    @property
    def complete(self) -> bool:
        """Whether the figures hold the whole group."""
        return self.published or len(self.members) == self.size

    @property
    def label(self) -> str:
        """The group's name, with the number of members that the figures hold where it is not complete."""
        return self.name if self.complete else f"{self.name} ({len(self.members)} of {self.size} members)"


def datasets(session: Session) -> list[DatasetRecord]:
    """Every dataset, by code."""
    return [DatasetRecord(*row) for row in session.execute(_datasets().order_by(col(Dataset.id)))]


def dataset(session: Session, dataset_id: str) -> DatasetRecord:
    """A dataset by its code. Raises UnknownDataset."""
    row = session.execute(_datasets().where(col(Dataset.id) == dataset_id)).first()
    if row is None:
        raise UnknownDataset(dataset_id)
    return DatasetRecord(*row)


def _datasets() -> Query:
    own = [col(getattr(Dataset, name)) for name in DatasetRecord._fields[:-3]]
    series = sa.select(sa.func.count()).where(col(Series.dataset_id) == Dataset.id).scalar_subquery()
    published = sa.and_(col(Release.dataset_id) == Dataset.id, col(Release.published_at).is_not(None))
    start = sa.select(sa.func.min(col(Release.period))).where(published).scalar_subquery()
    end = sa.select(sa.func.max(col(Release.period))).where(published).scalar_subquery()
    return sa.select(*own, series, start, end)


def series(
    session: Session,
    dataset_id: str,
    *,
    flow: str | None = None,
    partner: Collection[str] = (),
    sector: Collection[str] = (),
    q: str | None = None,
    as_of: date | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> SeriesPage:
    """Series of a dataset, by code; `q` looks in the codes and names of partners and sectors.

    With `as_of` only those of which something was known on that day.

    Raises UnknownDataset.
    """
    dataset(session, dataset_id)
    names = (Series.partner, Partner.name, Series.sector, Sector.name)
    query: Query = (
        sa.select(
            *(col(column) for column in (Series.id, Series.dataset_id, Series.flow, Series.partner, Partner.name)),
            *(col(column) for column in (Series.sector, Sector.name)),
        )
        .join(Partner, col(Partner.code) == Series.partner)
        .join(Sector, col(Sector.code) == Series.sector)
        .where(col(Series.dataset_id) == dataset_id)
        .order_by(col(Series.flow), col(Series.partner), col(Series.sector))
    )
    if flow is not None:
        query = query.where(col(Series.flow) == flow)
    if partner:
        query = query.where(col(Series.partner).in_(partner))
    if sector:
        query = query.where(col(Series.sector).in_(sector))
    if as_of is not None:
        known = (col(Observation.series_id) == Series.id, col(Observation.vintage) <= as_of)
        query = query.where(sa.exists().where(*known))
    if q:
        query = query.where(sa.or_(*(col(name).icontains(q, autoescape=True) for name in names)))
    rows, total = _page(session, query, limit, offset)
    return SeriesPage([SeriesRecord(*row) for row in rows], total)


def partners(session: Session, *, q: str | None = None, limit: int | None = None, offset: int = 0) -> PartnerPage:
    """Partners by code; `q` looks in codes and names."""
    columns = (col(Partner.code), col(Partner.name), col(Partner.is_group))
    query: Query = sa.select(*columns).order_by(col(Partner.code))
    if q:
        query = query.where(sa.or_(*(column.icontains(q, autoescape=True) for column in columns[:2])))
    rows, total = _page(session, query, limit, offset)
    return PartnerPage([PartnerRecord(*row) for row in rows], total)


def sectors(session: Session, *, q: str | None = None, limit: int | None = None, offset: int = 0) -> SectorPage:
    """Sectors by code; `q` looks in codes, names and classifications."""
    searched = (col(Sector.code), col(Sector.name), col(Sector.classification))
    query: Query = sa.select(*_SECTOR_COLUMNS).order_by(col(Sector.code))
    if q:
        query = query.where(sa.or_(*(column.icontains(q, autoescape=True) for column in searched)))
    rows, total = _page(session, query, limit, offset)
    return SectorPage([SectorRecord(*row) for row in rows], total)


def sectors_of(session: Session, dataset_id: str) -> dict[str, SectorRecord]:
    """The sectors that a dataset has series of, by code."""
    listed = sa.select(col(Series.sector)).where(col(Series.dataset_id) == dataset_id)
    rows = session.execute(sa.select(*_SECTOR_COLUMNS).where(col(Sector.code).in_(listed)))
    return {row.code: SectorRecord(*row) for row in rows}


def _page(session: Session, query: Query, limit: int | None, offset: int) -> tuple[Sequence[Any], int]:
    total = session.execute(sa.select(sa.func.count()).select_from(query.order_by(None).subquery())).scalar_one()
    return session.execute(query.limit(limit).offset(offset)).all(), total


def groups(session: Session, dataset_id: str) -> list[GroupRecord]:
    """The groups that a dataset's partners form, by code, members by name. Raises UnknownDataset."""
    reporter = dataset(session, dataset_id).reporter
    listed = sa.select(col(Series.partner)).where(col(Series.dataset_id) == dataset_id)
    return groups_among(session, session.scalars(listed.distinct()).all(), reporter=reporter)


def groups_among(session: Session, listed: Collection[str], *, reporter: str) -> list[GroupRecord]:
    """The groups of which two members at least are listed, by code, members by name; a reporter is no partner."""
    member = sa.orm.aliased(Partner)
    query = (
        sa.select(col(Partner.code), col(Partner.name), col(member.code), col(member.name))
        .join(Membership, col(Membership.group_code) == Partner.code)
        .join(member, col(member.code) == Membership.member_code)
        .where(col(member.code).in_(listed))
        .order_by(col(Partner.code), col(member.name))
    )
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for code, name, member_code, member_name in session.execute(query):
        found.setdefault((code, name), []).append((member_code, member_name))
    sizes_query = sa.select(col(Membership.group_code), sa.func.count()).where(col(Membership.member_code) != reporter)
    rows = session.execute(sizes_query.group_by(col(Membership.group_code)))
    sizes = {code: int(count) for code, count in rows}
    return [
        _group(code, name, members, sizes[code], published=code in listed)
        for (code, name), members in found.items()
        if len(members) > 1
    ]


def _group(code: str, name: str, members: Sequence[tuple[str, str]], size: int, *, published: bool) -> GroupRecord:
    codes, names = zip(*members, strict=True)
    return GroupRecord(code, name, codes, names, size, published)


def members(session: Session, dataset_id: str, group: str) -> tuple[str, ...]:
    """The members of a group that a dataset lists, by name. Raises UnknownDataset, UnknownPartner."""
    for record in groups(session, dataset_id):
        if record.code == group:
            return record.members
    raise UnknownPartner(group)


def add_dataset(session: Session, **fields: Any) -> None:
    """Add a dataset; fields as in `store.models.Dataset`. An existing one is unchanged. Raises UnknownPartner."""
    if session.get(Partner, fields["reporter"]) is None:
        raise UnknownPartner(fields["reporter"])
    session.execute(insert(Dataset).values(**fields).on_conflict_do_nothing())


def add_partners(session: Session, rows: Iterable[PartnerRecord]) -> None:
    """Add partners; one that exists keeps its name."""
    values = [row._asdict() for row in rows]
    if values:
        session.execute(insert(Partner).on_conflict_do_nothing(), values)


def add_members(session: Session, members: Mapping[str, Collection[str]]) -> None:
    """Add members to groups, by the group's code; all of them must be partners."""
    values = [{"group_code": group, "member_code": member} for group, codes in members.items() for member in codes]
    if values:
        session.execute(insert(Membership).on_conflict_do_nothing(), values)


def add_sectors(session: Session, rows: Iterable[SectorRecord]) -> None:
    """Add sectors, those that others refer to first; one that exists keeps its name."""
    values = [row._asdict() for row in rows]
    values.sort(key=lambda row: (row["quantity_of"] or row["contained_in"] or "") != "")
    if not values:
        return
    statement = insert(Sector)
    facts = {name: sa.func.coalesce(statement.excluded[name], col(getattr(Sector, name))) for name in SECTOR_FACTS}
    session.execute(statement.on_conflict_do_update(index_elements=["code"], set_=facts), values)


def ensure_series(session: Session, dataset_id: str, keys: Iterable[SeriesKey]) -> dict[SeriesKey, int]:
    """The number of each series, which is added where it is new; its codes must be known."""
    rows = [
        {"dataset_id": dataset_id, "flow": flow, "partner": partner, "sector": sector}
        for flow, partner, sector in sorted(set(keys))
    ]
    if rows:
        session.execute(insert(Series).on_conflict_do_nothing(), rows)
    columns = (col(Series.flow), col(Series.partner), col(Series.sector), col(Series.id))
    stored = session.execute(sa.select(*columns).where(col(Series.dataset_id) == dataset_id))
    return {(flow, partner, sector): number for flow, partner, sector, number in stored}
