"""How figures changed after they were first published: every vintage, each month's revision, and revisions by age.

January and February published as one figure and each of them published alone are compared each with itself: `months`
tells them apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

OutputType = Literal[1, 2, 3, 4]
"""As ALFRED has it: observations by real-time period; by vintage date, all; new and revised only; initial release."""
OLDEST_AGE = 24
"""Maximum age, in months after the first print, of revisions by age."""


@dataclass(frozen=True, slots=True)
class RevisionSelection:
    """Vintages of some series: those of the months from `start` to `end`, none later than `as_of`."""

    series_ids: Sequence[int]
    start: date
    end: date
    as_of: date

    def parameters(self) -> dict[str, object]:
        """Parameters of the statements below."""
        return {"series": list(self.series_ids), "start": self.start, "end": self.end, "as_of": self.as_of}


class VintageRecord(NamedTuple):
    """A value as listed under a vintage, and the days on which it was the one known; None until now."""

    series_id: int
    month: date
    months: int
    vintage: date
    value: float
    status: str
    backfilled: bool
    realtime_start: date
    realtime_end: date | None


class VintagePage(NamedTuple):
    """Some values of a longer list, and its length."""

    rows: list[VintageRecord]
    total: int


class RevisionRecord(NamedTuple):
    """A month's first print and its latest value; `backfilled` where a revised value replaces the first print."""

    series_id: int
    month: date
    months: int
    first: float
    first_vintage: date
    latest: float
    latest_vintage: date
    vintages: int
    backfilled: bool


class RevisionPage(NamedTuple):
    """Some months of a longer list, its length, and whether any month of it lacks its first print."""

    rows: list[RevisionRecord]
    total: int
    revised_data: bool


class AgeRecord(NamedTuple):
    """How far values were from their first prints so many months after them, in the dataset's unit and in per cent.

    `bias` is the mean of value less first print, `spread` its standard deviation, None for a single one.
    """

    age: int
    n: int
    bias: float
    spread: float | None
    bias_percent: float | None
    spread_percent: float | None


def vintages(
    session: Session, query: RevisionSelection, output_type: OutputType, *, limit: int, offset: int
) -> VintagePage:
    """Values by series, then by month (types 1 and 4) or by vintage (2 and 3)."""
    statement = _VINTAGES[output_type]
    total = session.execute(sa.text(f"{statement} SELECT count(*) FROM listed"), query.parameters()).scalar_one()
    order = "vintage, month" if output_type in (2, 3) else "month, vintage"
    page = sa.text(f"{statement} SELECT listed.* FROM listed {_BY_SERIES}, {order}, months LIMIT :limit OFFSET :offset")
    rows = session.execute(page, query.parameters() | {"limit": limit, "offset": offset})
    return VintagePage([VintageRecord(*row) for row in rows], total)


def revisions(session: Session, query: RevisionSelection, *, limit: int, offset: int) -> RevisionPage:
    """First print and latest value of each month, by series and month."""
    total, revised_data = session.execute(_SUMMARY, query.parameters()).one()
    rows = session.execute(_MONTHS, query.parameters() | {"limit": limit, "offset": offset})
    return RevisionPage([RevisionRecord(*row) for row in rows], total, bool(revised_data))


def by_age(session: Session, query: RevisionSelection) -> list[AgeRecord]:
    """Revisions of the requested months by age; a month without its first print has none."""
    return [AgeRecord(*row) for row in session.execute(_BY_AGE, query.parameters() | {"oldest": OLDEST_AGE})]


_BY_SERIES = "JOIN series s ON s.id = series_id ORDER BY s.flow, s.partner, s.sector"
_KNOWN = """
    WITH known AS (
        SELECT series_id, month, months, vintage, value, status, backfilled, vintage AS realtime_start,
               lead(vintage) OVER (PARTITION BY series_id, month ORDER BY vintage) - 1 AS realtime_end
        FROM observation
        WHERE series_id = ANY(:series) AND month BETWEEN :start AND :end AND vintage <= :as_of
    )
"""
_AS_STORED = f"{_KNOWN}, listed AS (SELECT * FROM known)"
_VINTAGES: dict[OutputType, str] = {
    1: _AS_STORED,
    2: f"""{_KNOWN}, listed AS (
        SELECT k.series_id, month, months, day.vintage, value, status, backfilled, realtime_start, realtime_end
        FROM (SELECT DISTINCT series_id, vintage FROM known) AS day
        JOIN known k ON k.series_id = day.series_id AND k.vintage <= day.vintage
             AND (k.realtime_end IS NULL OR k.realtime_end >= day.vintage)
    )""",
    3: _AS_STORED,
    4: f"""{_KNOWN}, listed AS (
        SELECT DISTINCT ON (series_id, month, months) * FROM known ORDER BY series_id, month, months, vintage
    )""",
}
_BY_MONTH = f"""{_KNOWN}, print AS (
        SELECT series_id, month, months, value, vintage,
               first_value(value) OVER born AS first, first_value(vintage) OVER born AS first_vintage,
               first_value(backfilled) OVER born AS backfilled,
               lead(vintage) OVER born - 1 AS until, count(*) OVER (PARTITION BY series_id, month, months) AS vintages
        FROM known WINDOW born AS (PARTITION BY series_id, month, months ORDER BY vintage)
    )
"""
_MONTHS = sa.text(f"""{_BY_MONTH}
    SELECT series_id, month, months, first, first_vintage, value, vintage, vintages, backfilled
    FROM (SELECT * FROM print WHERE until IS NULL) AS latest {_BY_SERIES}, month, months LIMIT :limit OFFSET :offset
""")
_SUMMARY = sa.text(f"{_BY_MONTH} SELECT count(*), bool_or(backfilled) FROM print WHERE until IS NULL")
_BY_AGE = sa.text(f"""{_BY_MONTH}, aged AS (
        SELECT age, value - first AS revision, 100 * (value / nullif(first, 0) - 1) AS percent
        FROM print CROSS JOIN generate_series(1, :oldest) AS age
        CROSS JOIN LATERAL (SELECT (first_vintage + age * interval '1 month')::date AS day) AS birthday
        WHERE NOT backfilled AND birthday.day BETWEEN vintage AND least(coalesce(until, :as_of), :as_of)
    )
    SELECT age, count(*), avg(revision), stddev_samp(revision), avg(percent), stddev_samp(percent)
    FROM aged GROUP BY age ORDER BY age
""")
