"""Backtest on real vintages: the panel as known when the last month of each fold was published."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import structlog
from sqlmodel import Session

from forecasting.config import ForecastConfig
from forecasting.data.january_february import split_combined
from forecasting.data.panel import Panel
from forecasting.errors import PanelError
from forecasting.pipeline import fold_positions
from forecasting.types import FloatArray
from store.queries import observations
from store.queries.catalog import DatasetRecord

log = structlog.get_logger(__name__)


def vintage_values_of_folds(
    session: Session, dataset: DatasetRecord, panel: Panel, *, as_of: date, config: ForecastConfig
) -> dict[int, FloatArray]:
    """Values known at each fold with a recorded vintage, shape (series, cutoff + 1), by position of the cutoff.

    A fold has a vintage where its last month became known before the next month, and not by a backfilled value; the
    other folds have revised data only.
    """
    born = observations.first_known(session, dataset.id, as_of)
    vintage_values = {}
    for position in fold_positions(panel, config):
        day = born.get(panel.months[position].astype(date))
        if day is None:
            continue
        try:
            vintage_values[position] = _values(session, dataset, panel, position, day)
        except PanelError as error:
            # Months published out of order form no panel on the days between.
            log.info("vintages.no_panel", dataset=dataset.id, day=str(day), reason=str(error))
    return vintage_values


def months_of(panel: Panel, vintage_values: Mapping[int, FloatArray]) -> list[date]:
    """The cutoffs of folds on real vintages, as months."""
    return [panel.months[position].astype(date) for position in sorted(vintage_values)]


def _values(session: Session, dataset: DatasetRecord, panel: Panel, position: int, day: date) -> FloatArray:
    """Series of the panel as known on a day, up to a position; NaN where unknown."""
    known = Panel.from_long(split_combined(observations.panel_frame(session, dataset.id, day), dataset.reporter))
    values = np.full((len(panel.unique_ids), position + 1), np.nan)
    row = {uid: place for place, uid in enumerate(panel.unique_ids)}
    rows = [row[uid] for uid in known.unique_ids]
    first = int((known.months[0] - panel.months[0]).astype(int))
    values[rows, first:] = known.values[:, : position + 1 - first]
    return values
