"""Storing 10,000 series x 24 months: our COPY beside the same bytes sent by a program that does nothing else."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from statistics import median

import numpy as np
import sqlalchemy as sa
from psycopg import Connection, sql
from sqlalchemy import Engine
from sqlmodel import Session

from forecasting.config import PROBABILITIES, ForecastConfig
from services.datasets.datasets import add_codes
from services.runs.run_requests import request_run
from store.queries import catalog, forecasts

SERIES, MONTHS = 10_000, 24
TABLES = ("forecast", "forecast_quantile")


def storing_ratio(engine: Engine, *, rounds: int) -> dict[str, float]:
    """Seconds of ours and of the raw COPY, medians of some rounds taken in turn, and their ratio."""
    with Session(engine) as session:
        ids = _made_up_series(session)
        run = _run(session)
        ours = [_ours(session, run, ids)]
        sent = {table: b"".join(_as_copied(session, table)) for table in TABLES}
        raw = []
        for _ in range(rounds):
            raw.append(_raw(session, sent))
            ours.append(_ours(session, run, ids))
        session.rollback()
    seconds = {"ours": median(ours[1:]), "raw": median(raw)}
    return seconds | {"ratio": seconds["raw"] / seconds["ours"], "rows": SERIES * MONTHS * (1 + len(PROBABILITIES))}


def _made_up_series(session: Session) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    add_codes(session)
    about = dict.fromkeys(("title", "unit", "publisher", "licence", "citation"), "made up")
    catalog.add_dataset(session, id="SPEED", reporter="CHN", currency="USD", release_day=9, **about)
    session.execute(
        sa.text(
            "INSERT INTO partner (code, name, is_group) SELECT 'Q' || n, 'made up', false FROM generate_series(1, :n) n"
        ),
        {"n": SERIES},
    )
    made = session.execute(
        sa.text(
            "INSERT INTO series (dataset_id, flow, partner, sector) "
            "SELECT 'SPEED', 'X', 'Q' || n, 'TOTAL' FROM generate_series(1, :n) n RETURNING id"
        ),
        {"n": SERIES},
    )
    return np.array(made.scalars().all())


def _run(session: Session) -> int:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return request_run(session, dataset="SPEED", as_of=date(2026, 1, 1), config=ForecastConfig(), now=moment)


def _ours(session: Session, run: int, ids: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    draw = np.random.default_rng(1)
    mean = draw.lognormal(size=(SERIES, MONTHS))
    quantiles = draw.lognormal(size=(SERIES, len(PROBABILITIES), MONTHS))
    _empty(session)
    began = time.perf_counter()
    forecasts.write(
        session,
        run,
        series_ids=ids,
        months=np.datetime64("2026-01") + np.arange(MONTHS),
        mean=mean,
        median=mean,
        probabilities=PROBABILITIES,
        quantiles=quantiles,
        # One draw: paths are bytes, whose cost is the disk's.
        paths=mean[:, None].astype(np.float32),
        weights={},
    )
    return time.perf_counter() - began


def _raw(session: Session, sent: dict[str, bytes]) -> float:
    _empty(session)
    began = time.perf_counter()
    with _driver(session).cursor() as cursor:
        for table, data in sent.items():
            with cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(sql.Identifier(table))) as copy:
                copy.write(data)
    return time.perf_counter() - began


def _as_copied(session: Session, table: str) -> Iterator[bytes]:
    with (
        _driver(session).cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} TO STDOUT (FORMAT BINARY)").format(sql.Identifier(table))) as copy,
    ):
        yield from map(bytes, copy)


def _empty(session: Session) -> None:
    """Emptied by TRUNCATE, undone with the rest: dead rows would slow down the next measurement."""
    session.execute(sa.text("TRUNCATE forecast, forecast_quantile, forecast_path, forecast_weight"))


def _driver(session: Session) -> "Connection[tuple[object, ...]]":
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, Connection)
    return connection
