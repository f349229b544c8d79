"""Appending observations: a table as a whole or not at all, and new values only."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from store.binary_copy import copy_arrays
from store.errors import BadObservations, UnknownDataset
from store.models import TOTAL_PARTNER, TOTAL_SECTOR, Dataset, Observation, Partner, Sector, Series
from store.queries import catalog, releases
from store.queries.derived_series import COLUMNS, PATIENCE, POINT, remainders_and_totals, sums_of_partners
from store.queries.latest_vintages import STORED, columns, given_rows, latest
from store.queries.partner_wholes import REMAINDER_SUFFIX, is_remainder, remainder_of, wholes_of_partners
from tables import NEGATIVE, SERIES_COLUMNS, BadRows, Faults

CONTENT = ["value", "months", "status"]
TAKEN = (
    "the same vintage is stored with another value, and a vintage never changes: send the correction with a later one, "
    "which is the next day's, in UTC, where this is today's"
)


class Appended(NamedTuple):
    """Numbers of new, of known and of derived observations."""

    inserted: int
    unchanged: int
    derived: int


def append(
    session: Session, *, dataset: str, frame: pd.DataFrame, vintage: date, backfilled: "bool | pd.Series[bool]" = False
) -> Appended:
    """Append observations as checked by `tables.check_observations`, all of them or none.

    `vintage` is the day for rows that carry none. A value equal to the one known on its vintage is not stored again.
    Datasets that derive their rest or their total get it at the same points, and the release calendar is kept.
    Raises UnknownDataset, BadObservations, NotDerivable.
    """
    found = _lock_dataset(session, dataset)
    frame = frame.assign(vintage=frame["vintage"].fillna(pd.Timestamp(vintage)), backfilled=backfilled)
    try:
        _check_codes(session, found, frame)
        with session.begin_nested():
            new = _store(session, dataset, frame)
            _check_spacing(session, dataset, new)
            derived = _derive(session, found, new) if found.derives_rest or found.derives_total else 0
            releases.record(session, dataset, _first_days(frame))
    except BadRows as error:
        raise BadObservations(error.faults, total=error.total) from error
    return Appended(len(new), len(frame) - len(new), derived)


def _lock_dataset(session: Session, dataset: str) -> Dataset:
    """The dataset, to which nobody else appends until the transaction ends."""
    query = select(Dataset).where(col(Dataset.id) == dataset).with_for_update(key_share=True)
    found = session.exec(query).one_or_none()
    if found is None:
        raise UnknownDataset(dataset)
    return found


def _check_codes(session: Session, dataset: Dataset, frame: pd.DataFrame) -> None:
    faults = Faults()
    for name, known in (("partner", col(Partner.code)), ("sector", col(Sector.code))):
        unknown = ~frame[name].isin(session.scalars(sa.select(known)).all())
        faults.add(frame[name], unknown.to_numpy(), f"no {name} has this code")
    if not dataset.allows_negative:
        faults.add(frame["value"], (frame["value"] < 0).to_numpy(), NEGATIVE)
    if dataset.derives_total:
        faults.add(frame["partner"], (frame["partner"] == TOTAL_PARTNER).to_numpy(), "is derived in this dataset")
    if dataset.derives_rest:
        faults.add(frame["partner"], frame["partner"].map(is_remainder).to_numpy(bool), "is derived in this dataset")
        is_total = (frame["sector"] == TOTAL_SECTOR).to_numpy()
        if not is_total.all() or _has_sectors(session, dataset.id):
            faults.add(frame["sector"], is_total, "is derived in this dataset")
    early = (frame["vintage"] <= frame["month"]).to_numpy()
    faults.add(frame["month"], early, "is not known on its vintage: it has not begun then")
    faults.stop()


def _has_sectors(session: Session, dataset: str) -> bool:
    """Whether a dataset has series of sectors, whose total is then derived."""
    sectors = sa.select(col(Series.id)).where(col(Series.dataset_id) == dataset, col(Series.sector) != TOTAL_SECTOR)
    return session.scalar(sa.select(sectors.exists())) or False


def _store(session: Session, dataset: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Append the rows that say something new, and give them with their `series_id`."""
    keys = list(frame[SERIES_COLUMNS].itertuples(index=False, name=None))
    numbers = catalog.ensure_series(session, dataset, keys)
    rows = frame.assign(series_id=[numbers[key] for key in keys])
    new = rows[_is_new(session, rows)]
    copy_arrays(session, Observation, {name: new[name].to_numpy() for name in STORED})
    return new


def _is_new(session: Session, rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether each row differs from the value known on its vintage. Raises BadRows for a second value of a vintage."""
    known = _known(session, rows)
    both = pd.concat([known.assign(row=-1), rows[known.columns].assign(row=rows.index)], ignore_index=True)
    both = both.sort_values(["series_id", "month", "vintage", "row"], kind="stable")
    before = both.shift()
    follows = (both["series_id"] == before["series_id"]) & (both["month"] == before["month"])
    same = follows & (both[CONTENT] == before[CONTENT]).all(axis="columns")
    taken = follows & ~same & (both["vintage"] == before["vintage"])
    given = both["row"] >= 0
    faults = Faults()
    again = both[taken & given].set_index("row")
    faults.add(again["value"], np.ones(len(again), bool), TAKEN)
    faults.stop()
    return rows.index.isin(both.loc[given & ~same, "row"])


def _known(session: Session, rows: pd.DataFrame) -> pd.DataFrame:
    """Stored observations of the series and months of `rows`."""
    wanted = (
        col(Observation.series_id).in_(rows["series_id"].unique().tolist()),
        col(Observation.month).in_(rows["month"].dt.date.unique().tolist()),
    )
    stored = session.execute(sa.select(*columns(*STORED)).where(*wanted))
    frame = pd.DataFrame(stored.all(), columns=list(STORED))
    return frame.astype(rows[list(STORED)].dtypes.to_dict())


def _check_spacing(session: Session, dataset: str, new: pd.DataFrame) -> None:
    """Raise BadRows where a series misses a month, or has January both alone and within February."""
    touched = new["series_id"].unique().tolist()
    newest = latest(col(Observation.series_id).in_(touched)).subquery()
    windows: dict[str, Any] = {"partition_by": newest.c.series_id, "order_by": newest.c.month}
    step = 12 * sa.extract("year", newest.c.month) + sa.extract("month", newest.c.month)
    spaced = sa.select(
        newest.c.series_id,
        newest.c.month,
        sa.func.lag(newest.c.month).over(**windows).label("before"),
        (step - sa.func.lag(step).over(**windows) - newest.c.months).label("missing"),
    ).subquery()
    rows = session.execute(sa.select(spaced).where(spaced.c.missing != 0)).all()
    if rows:
        _refuse_spacing(new, rows)


def _refuse_spacing(new: pd.DataFrame, rows: Sequence[Any]) -> None:
    """Raise BadRows for months with a wrong distance to the one before, at whichever side of the gap is new."""
    keys = zip(new["series_id"].tolist(), new["month"].tolist(), strict=True)
    places = {key: place for place, key in enumerate(keys)}
    reasons: dict[int, str] = {}
    for series_id, month, before, missing in rows:
        found = [places.get((series_id, pd.Timestamp(day))) for day in (month, before)]
        place = max(place for place in found if place is not None)
        reasons[place] = (
            f"leaves a gap between {before:%Y-%m} and {month:%Y-%m}"
            if missing > 0
            else "is within the next month's figure too"
        )
    faults = Faults()
    faults.add_each(new["month"], reasons, len(rows))
    faults.stop()


def _derive(session: Session, dataset: Dataset, new: pd.DataFrame) -> int:
    """Append observations derived from new rows, at their and later vintages; returns their number."""
    if new.empty:
        return 0
    points = _points(session, dataset.id, new)
    if dataset.derives_total:
        # A partner that has ended releases the sums of the months that waited for it.
        points = pd.concat([points, _waiting(new)], ignore_index=True).drop_duplicates(POINT)
    published = _published_at(session, dataset, points)
    wholes = wholes_of_partners(session, dataset.id)
    parts = [published]
    derived = []
    if dataset.derives_total:
        sums = sums_of_partners(published, wholes=wholes, spans=_spans(session, dataset.id))
        parts.append(sums)
        derived.append(sums.dropna(subset="value"))
        # Nothing is left of a whole that is the sum of its parts.
        wholes = {part: whole for part, whole in wholes.items() if whole != TOTAL_PARTNER}
    if dataset.derives_rest:
        both = pd.concat([part for part in parts if len(part)], ignore_index=True)
        negative = dataset.allows_negative
        derived.append(remainders_and_totals(both, dataset=dataset.id, wholes=wholes, negative=negative))
    # A series that joins late, or on the same day as the others, changes the remainder that was derived without it.
    _forget_derived(session, dataset, points)
    found = [rows for rows in derived if len(rows)]
    return len(_store(session, dataset.id, pd.concat(found, ignore_index=True))) if found else 0


def _waiting(new: pd.DataFrame) -> pd.DataFrame:
    """The PATIENCE months before the newest of each flow, at the newest vintage."""
    newest = new.groupby("flow").agg(month=("month", "max"), vintage=("vintage", "max")).reset_index()
    months = [newest.assign(month=newest["month"] - pd.DateOffset(months=back)) for back in range(PATIENCE + 1)]
    return pd.concat(months, ignore_index=True)[POINT]


def _spans(session: Session, dataset: str) -> pd.DataFrame:
    """The first and last month of each series: columns flow, partner, sector, first, last."""
    query = (
        sa.select(
            *(col(column) for column in (Series.flow, Series.partner, Series.sector)),
            sa.func.min(col(Observation.month)),
            sa.func.max(col(Observation.month)),
        )
        .join(Series, col(Series.id) == Observation.series_id)
        .where(col(Series.dataset_id) == dataset)
        .group_by(col(Series.id))
    )
    frame = pd.DataFrame(session.execute(query).all(), columns=[*SERIES_COLUMNS, "first", "last"])
    return frame.astype({"first": "datetime64[ns]", "last": "datetime64[ns]"})


def _points(session: Session, dataset: str, new: pd.DataFrame) -> pd.DataFrame:
    """The months that `new` touches and the vintages from then on: columns flow, month, vintage."""
    first = new.groupby(["flow", "month"])["vintage"].min().reset_index()
    touched = _given(first, "touched")
    query = (
        sa.select(col(Series.flow), *columns("month", "vintage"))
        .join(Series, col(Series.id) == Observation.series_id)
        .join(touched, sa.and_(touched.c.flow == Series.flow, touched.c.month == Observation.month))
        .where(col(Series.dataset_id) == dataset, col(Observation.vintage) >= touched.c.vintage)
        .distinct()
    )
    return pd.DataFrame(session.execute(query).all(), columns=POINT).astype(first.dtypes.to_dict())


def _forget_derived(session: Session, dataset: Dataset, points: pd.DataFrame) -> None:
    point = _given(points, "point")
    session.execute(
        sa.delete(Observation).where(
            col(Observation.series_id) == Series.id,
            col(Series.dataset_id) == dataset.id,
            _derived(session, dataset),
            col(Series.flow) == point.c.flow,
            col(Observation.month) == point.c.month,
            col(Observation.vintage) == point.c.vintage,
        )
    )


def _remainder() -> sa.ColumnElement[bool]:
    """Series of remainder partners."""
    return sa.or_(
        col(Series.partner) == remainder_of(TOTAL_PARTNER),
        col(Series.partner).endswith(REMAINDER_SUFFIX, autoescape=True),
    )


def _derived(session: Session, dataset: Dataset) -> sa.ColumnElement[bool]:
    """Series that are derived in a dataset: remainders and sector totals, or the total of the world."""
    derived: list[sa.ColumnElement[bool]] = [sa.false()]
    if dataset.derives_rest:
        has_sectors = sa.literal(_has_sectors(session, dataset.id))
        derived += [_remainder(), sa.and_(col(Series.sector) == TOTAL_SECTOR, has_sectors)]
    if dataset.derives_total:
        derived.append(col(Series.partner) == TOTAL_PARTNER)
    return sa.or_(*derived)


def _given(points: pd.DataFrame, name: str) -> sa.TableValuedAlias:
    return given_rows(
        name,
        flow=(sa.String, points["flow"].tolist()),
        month=(sa.Date, points["month"].dt.date.tolist()),
        vintage=(sa.Date, points["vintage"].dt.date.tolist()),
    )


def _published_at(session: Session, dataset: Dataset, points: pd.DataFrame) -> pd.DataFrame:
    """Every published series as known at each point, NaN where it has no value: the columns of `derived.COLUMNS`."""
    point = _given(points, "point")
    known = (
        sa.select(*columns(*CONTENT, "backfilled"))
        .where(
            col(Observation.series_id) == Series.id,
            col(Observation.month) == point.c.month,
            col(Observation.vintage) <= point.c.vintage,
        )
        .order_by(col(Observation.vintage).desc())
        .limit(1)
        .lateral("known")
    )
    query = (
        sa.select(point.c.flow, point.c.month, point.c.vintage, col(Series.partner), col(Series.sector), *known.c)
        .select_from(point)
        .join(Series, col(Series.flow) == point.c.flow)
        .join(known, sa.true(), isouter=True)
        .where(
            col(Series.dataset_id) == dataset.id,
            sa.not_(_derived(session, dataset)),
        )
    )
    frame = pd.DataFrame(session.execute(query).all(), columns=COLUMNS)
    return frame.assign(
        month=frame["month"].astype("datetime64[ns]"),
        vintage=frame["vintage"].astype("datetime64[ns]"),
        value=frame["value"].astype(float),
        backfilled=frame["backfilled"].eq(True),
    )


def _first_days(frame: pd.DataFrame) -> dict[date, date]:
    """For each month, the first day on which a figure of it was known; a February may hold its January too."""
    held = frame[frame["months"] == 2]
    frame = pd.concat([frame, held.assign(month=held["month"] - pd.offsets.MonthBegin(1))])
    first = frame.groupby("month")["vintage"].min()
    return {month.date(): day.date() for month, day in first.items()}  # type: ignore[attr-defined]
