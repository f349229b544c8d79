"""The panel that a run forecasts: the dataset's observations, before them history borrowed from a longer dataset."""

from datetime import date

import numpy as np
import pandas as pd
from sqlmodel import Session

from forecasting.data.borrowed_history import Donor, borrow_history
from forecasting.data.january_february import split_combined
from forecasting.data.months import MONTH
from forecasting.data.panel import Panel
from store.models import TOTAL_PARTNER, TOTAL_SECTOR
from store.queries import catalog, observations
from store.queries.catalog import DatasetRecord


def read_panel(session: Session, dataset: DatasetRecord, frame: pd.DataFrame, as_of: date) -> Panel:
    """The panel of `frame` (as `observations.panel_frame` gives it) with the history that the dataset borrows."""
    return borrow_history(own_panel(dataset, frame), donors(session, dataset, as_of))


def own_panel(dataset: DatasetRecord, frame: pd.DataFrame) -> Panel:
    """The panel of `frame`, January and February apart."""
    return Panel.from_long(split_combined(frame, dataset.reporter))


def donors(session: Session, dataset: DatasetRecord, as_of: date) -> dict[str, Donor]:
    """The totals that a dataset borrows history from, by flow, as known on a day; none for most datasets."""
    if dataset.borrows_history is None:
        return {}
    lender = catalog.dataset(session, dataset.borrows_history)
    frame = observations.panel_frame(session, lender.id, as_of)
    frame = frame[(frame["partner"] == TOTAL_PARTNER) & (frame["sector"] == TOTAL_SECTOR)]
    if frame.empty:
        return {}
    panel = Panel.from_long(split_combined(frame, lender.reporter))
    flows = panel.keys["flow"].tolist()
    return {flow: _donor(panel, row) for row, flow in enumerate(flows)}


def _donor(panel: Panel, row: int) -> Donor:
    seen = np.flatnonzero(np.isfinite(panel.values[row]))
    first, last = int(seen[0]), int(seen[-1])
    return Donor(panel.months[first : last + 1].astype(MONTH), panel.values[row, first : last + 1])
