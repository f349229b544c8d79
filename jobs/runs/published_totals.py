"""Totals of months beyond a run's cutoff that the dataset which a panel borrows history from has published already.

China Customs publishes the total of a month on the 9th and its detail on the 18th: between the two, the detail is
forecast given the total. Each fold knows as many months of the total beyond its cutoff as the run does, as they stood
on the day on which the last of them became known.
"""

import hashlib
from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd
from sqlmodel import Session

from forecasting.config import ForecastConfig
from forecasting.data.borrowed_history import Donor
from forecasting.data.given_totals import GivenTotals, given_totals
from forecasting.data.months import MONTH
from forecasting.data.panel import Panel
from forecasting.pipeline import fold_positions
from forecasting.types import FloatArray
from jobs.runs.run_panel import donors
from store.models import TOTAL_PARTNER, TOTAL_SECTOR
from store.queries import observations
from store.queries.catalog import DatasetRecord


def lent_totals(session: Session, dataset: DatasetRecord, frame: pd.DataFrame, as_of: date) -> dict[str, Donor]:
    """The totals that a dataset borrows, by flow, where it has a total of its own to be given them."""
    own = (frame["partner"] == TOTAL_PARTNER) & (frame["sector"] == TOTAL_SECTOR)
    return donors(session, dataset, as_of) if own.any() else {}


def months_ahead(published: Mapping[str, Donor], cutoff: np.datetime64) -> int:
    """How many months beyond a cutoff are published of any total."""
    ahead = [int((donor.months[-1] - cutoff.astype(MONTH)).astype(int)) for donor in published.values()]
    return max([0, *ahead])


def hash_into(data_hash: str, published: Mapping[str, Donor], cutoff: pd.Timestamp) -> str:
    """The hash of a run's data with the totals published beyond its cutoff: as it was where there are none."""
    if pd.isna(cutoff) or not months_ahead(published, np.datetime64(cutoff, "M")):
        return data_hash
    content = hashlib.sha256(data_hash.encode())
    for flow, donor in sorted(published.items()):
        content.update(flow.encode() + donor.values.tobytes())
    return content.hexdigest()


def totals_of_folds(
    session: Session,
    dataset: DatasetRecord,
    panel: Panel,
    *,
    as_of: date,
    config: ForecastConfig,
    vintage_values: Mapping[int, FloatArray],
) -> dict[int, GivenTotals]:
    """The totals known beyond each fold's cutoff and the panel's, by position; empty where the panel's has none."""
    ahead = months_ahead(donors(session, dataset, as_of), panel.cutoff)
    if not ahead or dataset.borrows_history is None:
        return {}
    days = observations.known_days(session, dataset.borrows_history, as_of)
    last = len(panel.months) - 1
    given = {}
    for position in [*fold_positions(panel, config), last]:
        day = as_of if position == last else days.get((panel.months[position] + ahead).astype(MONTH).astype(date))
        if day is None:
            continue
        seen = vintage_values.get(position, panel.values[:, : position + 1])
        totals = given_totals(panel, seen, donors(session, dataset, day), months=ahead)
        if totals.months:
            given[position] = totals
    return given
