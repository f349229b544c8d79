"""Polls of economists, taken before each release, with the first prints that they are compared with."""

from datetime import date, timedelta

import pandas as pd
from sqlmodel import Session

from jobs.runs.external_scoring import score_external_forecasts
from sources import bundled
from store.models import TOTAL_PARTNER, TOTAL_SECTOR
from store.queries import catalog, external_forecasts, first_prints, observations
from store.queries.external_forecasts import AppendedForecasts
from store.queries.first_prints import FirstPrintRecord

MODEL = "poll"
POLLED = {"exports_growth": ("X", "pc1"), "imports_growth": ("M", "pc1"), "balance": ("X", "balance")}
"""Flow and measure of each line of a table of polls; a balance is kept with the exports."""


def ingest_polls(session: Session, *, dataset: str, table: pd.DataFrame, today: date) -> AppendedForecasts:
    """Store polls of total trade as external forecasts of the day before each release, with the first prints.

    `table` has the columns month, what, released, first_print and poll_median, as text; a February is January with
    February. Releases after `today` are left out. The caller commits.
    """
    public = table[pd.to_datetime(table["released"]) <= pd.Timestamp(today)].reset_index(drop=True)
    flow, measure = (public["what"].map(lambda name, place=place: POLLED[name][place]) for place in (0, 1))
    month, released = pd.to_datetime(public["month"]), pd.to_datetime(public["released"])
    polls = pd.DataFrame(
        {
            "model_id": MODEL,
            "flow": flow,
            "partner": TOTAL_PARTNER,
            "sector": TOTAL_SECTOR,
            "measure": measure,
            "month": month,
            "months": month.dt.month.eq(2) + 1,
            "reference_date": released - timedelta(days=1),
            "output_type": "median",
            "probability": 0.5,
            "value": public["poll_median"].astype(float),
        }
    )
    appended = external_forecasts.append(session, dataset=dataset, frame=polls)
    ids = observations.series_ids(session, dataset)
    series = [ids[f"{dataset}.{code}.{TOTAL_PARTNER}.{TOTAL_SECTOR}"] for code in flow]
    values = public["first_print"].astype(float).tolist()
    days = (month.dt.date.tolist(), released.dt.date.tolist())
    fields = zip(series, days[0], polls["months"].tolist(), measure, days[1], values, strict=True)
    first_prints.add(session, (FirstPrintRecord(*row) for row in fields))
    return appended


def ingest_bundled_polls(session: Session, *, today: date) -> None:
    """Ingest the bundled polls of the datasets that have any, where they are not stored. The caller commits."""
    stored = {record.id for record in catalog.datasets(session) if record.series}
    for dataset in stored & set(bundled.entries()):
        table = bundled.polls(dataset)
        if table is not None and not external_forecasts.has_model(session, dataset, MODEL):
            ingest_polls(session, dataset=dataset, table=table, today=today)
            score_external_forecasts(session, dataset)
