"""Own regressors of datasets: definitions, values as known on a day, and their worth and effects in runs."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlmodel import Session, col

from store.errors import UnknownRegressor
from store.models import Regressor, RegressorEffect, RegressorEvidence, RegressorValue
from store.queries import catalog

VALUE_COLUMNS = ("regressor_id", "month", "known_on", "value")


class RegressorRecord(NamedTuple):
    """A regressor of a dataset; `*` stands for any flow, partner or sector."""

    id: str
    title: str
    unit: str
    flow: str
    partner: str
    sector: str


class RegressorValueRecord(NamedTuple):
    """The value of a month as known on a day."""

    month: date
    value: float
    known_on: date


class RegressorEvidenceRecord(NamedTuple):
    """The worth of a series' regressors; errors in the dataset's unit."""

    series_id: int
    n: int
    mae_without: float | None
    mae_with: float | None
    p_value: float | None
    weight: float


class RegressorEffectRecord(NamedTuple):
    """The change of the logarithm of a series' forecast for one unit of a regressor; `weight` is to be applied."""

    series_id: int
    regressor_id: str
    coefficient: float
    weight: float


def define(session: Session, dataset: str, record: RegressorRecord) -> None:
    """Add a regressor, or replace its definition; the caller commits. Raises UnknownDataset."""
    catalog.dataset(session, dataset)
    fields = record._asdict()
    statement = insert(Regressor).values(dataset_id=dataset, **fields)
    edited = {name: value for name, value in fields.items() if name != "id"}
    session.execute(statement.on_conflict_do_update(index_elements=["dataset_id", "id"], set_=edited))


def regressors(session: Session, dataset: str) -> list[RegressorRecord]:
    """The regressors of a dataset, by code. Raises UnknownDataset."""
    catalog.dataset(session, dataset)
    columns = [col(getattr(Regressor, name)) for name in RegressorRecord._fields]
    query = sa.select(*columns).where(col(Regressor.dataset_id) == dataset).order_by(col(Regressor.id))
    return [RegressorRecord(*row) for row in session.execute(query)]


def regressor(session: Session, dataset: str, code: str) -> RegressorRecord:
    """A regressor of a dataset. Raises UnknownDataset, UnknownRegressor."""
    found = next((record for record in regressors(session, dataset) if record.id == code), None)
    if found is None:
        raise UnknownRegressor(dataset, code)
    return found


def append(session: Session, dataset: str, code: str, frame: pd.DataFrame) -> int:
    """Append values as checked by `tables.check_regressor`; a value known already is not stored again.

    Returns the number of new values; the caller commits. Raises UnknownDataset, UnknownRegressor.
    """
    regressor(session, dataset, code)
    latest = {row.month: row.value for row in values(session, dataset, code)}
    rows = [
        {"dataset_id": dataset, "regressor_id": code, "month": month, "known_on": known_on, "value": value}
        for month, known_on, value in zip(
            frame["month"].dt.date, frame["known_on"].dt.date, frame["value"].tolist(), strict=True
        )
        if latest.get(month) != value
    ]
    if rows:
        upsert = insert(RegressorValue)
        key = ["dataset_id", "regressor_id", "month", "known_on"]
        session.execute(upsert.on_conflict_do_update(index_elements=key, set_={"value": upsert.excluded.value}), rows)
    return len(rows)


def values(session: Session, dataset: str, code: str, *, as_of: date | None = None) -> list[RegressorValueRecord]:
    """Values by month, past and to come, the latest of each that was known on a day. Raises UnknownRegressor."""
    regressor(session, dataset, code)
    month, known_on = col(RegressorValue.month), col(RegressorValue.known_on)
    query = sa.select(month, col(RegressorValue.value), known_on).where(
        col(RegressorValue.dataset_id) == dataset, col(RegressorValue.regressor_id) == code
    )
    query = query if as_of is None else query.where(known_on <= as_of)
    rows = session.execute(query.ext(distinct_on(month)).order_by(month, known_on.desc()))
    return [RegressorValueRecord(*row) for row in rows]


def extent(session: Session, dataset: str) -> tuple[int, date | None]:
    """The number of values of a dataset's regressors and the latest day of one: different once any is appended."""
    mine = col(RegressorValue.dataset_id) == dataset
    query = sa.select(sa.func.count(), sa.func.max(col(RegressorValue.known_on))).where(mine)
    count, day = session.execute(query).one()
    return count, day


def known(session: Session, dataset: str, *, as_of: date) -> pd.DataFrame:
    """Every vintage known on a day: regressor_id, month, known_on, value, sorted by the first three."""
    columns = [col(getattr(RegressorValue, name)) for name in VALUE_COLUMNS]
    mine = (col(RegressorValue.dataset_id) == dataset, col(RegressorValue.known_on) <= as_of)
    rows = session.execute(sa.select(*columns).where(*mine).order_by(*columns[:3])).all()
    frame = pd.DataFrame(rows, columns=list(VALUE_COLUMNS))
    return frame.astype({"month": "datetime64[ns]", "known_on": "datetime64[ns]", "value": float})


def write(session: Session, run_id: int, *, evidence: pd.DataFrame, effects: pd.DataFrame) -> None:
    """Store a run's regressors; the caller commits.

    `evidence` has columns series_id, n, mae_without, mae_with, p_value, weight; `effects` series_id, regressor_id,
    coefficient. NaN is stored as NULL.
    """
    for table, frame in ((RegressorEvidence, evidence), (RegressorEffect, effects)):
        plain = frame.astype(object).where(frame.notna(), None)
        rows: list[dict[str, Any]] = [
            {"run_id": run_id, **{str(name): value for name, value in row.items()}} for row in plain.to_dict("records")
        ]
        if rows:
            session.execute(sa.insert(table), rows)


def evidence(session: Session, run_id: int) -> list[RegressorEvidenceRecord]:
    """The worth of regressors on a run's folds, by series."""
    columns = [col(getattr(RegressorEvidence, name)) for name in RegressorEvidenceRecord._fields]
    query = sa.select(*columns).where(col(RegressorEvidence.run_id) == run_id).order_by(columns[0])
    return [RegressorEvidenceRecord(*row) for row in session.execute(query)]


def effects(session: Session, run_id: int, codes: Sequence[str] | None = None) -> list[RegressorEffectRecord]:
    """The effects of regressors in a run, by series and regressor."""
    columns = [col(getattr(RegressorEffect, name)) for name in RegressorEffectRecord._fields[:-1]]
    query = (
        sa.select(*columns, col(RegressorEvidence.weight))
        .join(
            RegressorEvidence,
            sa.and_(
                col(RegressorEvidence.run_id) == RegressorEffect.run_id,
                col(RegressorEvidence.series_id) == RegressorEffect.series_id,
            ),
        )
        .where(col(RegressorEffect.run_id) == run_id)
    )
    query = query if codes is None else query.where(col(RegressorEffect.regressor_id).in_(codes))
    return [RegressorEffectRecord(*row) for row in session.execute(query.order_by(*columns[:2]))]
