"""Small datasets for tests of the store."""

from datetime import date

import pandas as pd
from sqlmodel import Session

from services.datasets.datasets import add_codes
from store.queries import catalog, observation_writes, observations
from store.queries.observation_writes import Appended
from tables import check_observations, read_table

TODAY = date(2026, 8, 21)
HEADER = "month,flow,partner,sector,value,vintage,months"


def add_dataset(
    session: Session, *, dataset: str = "TEST", reporter: str = "CHN", derives_rest: bool = False, **more: bool
) -> None:
    add_codes(session)
    catalog.add_dataset(
        session,
        id=dataset,
        title="A test",
        reporter=reporter,
        currency="USD",
        unit="USD m",
        publisher="nobody",
        licence="none",
        citation="none",
        release_day=9,
        derives_rest=derives_rest,
        **more,
    )


def append(session: Session, *rows: str, dataset: str = "TEST", header: str = HEADER) -> Appended:
    """Append rows such as `2024-01,X,USA,SOLAR,1.5,2024-02-09`; the number of months may be left out."""
    width = header.count(",")
    lines = [row if row.count(",") == width else f"{row},1" for row in rows]
    table = read_table("\n".join([header, *lines]).encode(), media="csv", limit_bytes=1_000_000)
    frame = check_observations(table, today=TODAY, negative=True)
    return observation_writes.append(session, dataset=dataset, frame=frame, vintage=TODAY)


def known(session: Session, as_of: date | None = None, *, dataset: str = "TEST") -> dict[str, list[float]]:
    """The values of each series in the order of the months."""
    frame = observations.panel_frame(session, dataset, as_of)
    return {str(name).removeprefix(f"{dataset}."): values["y"].tolist() for name, values in frame.groupby("unique_id")}


def months(*names: str) -> list[pd.Timestamp]:
    return [pd.Timestamp(name) for name in names]
