"""A dataset small enough to be forecast in a test, and a configuration quick enough."""

from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta

import numpy as np
from sqlmodel import Session

from forecasting.config import ForecastConfig
from services.datasets.datasets import add_codes
from sources.observation_batch import DatasetDefinition
from store.queries import catalog, observation_writes
from tables import check_observations
from tests.support.panels import grid_panel

QUICK = ForecastConfig(
    horizon=6, folds=3, burn_in=3, every=3, draws=200, forecasters=("naive", "seasonal_naive", "seasonal_mean")
)
TODAY = date(2025, 1, 20)
LAST = np.datetime64("2024-12")
SMALL = DatasetDefinition(
    id="SMALL",
    title="A small panel",
    reporter="CHN",
    currency="USD",
    unit="USD m",
    publisher="nobody",
    licence="none",
    citation="made for a test",
    release_day=9,
)


class TickingClock:
    """A clock that moves on by a second whenever it is read."""

    def __init__(self, day=TODAY):
        self.now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)

    def __call__(self):
        self.now += timedelta(seconds=1)
        return self.now


def here():
    """No pool at all: the work is done in this process."""
    return nullcontext(None)


def add_small_dataset(engine, *, definition=SMALL, vintage=date(2025, 1, 9)):
    """Six years of partners x sectors that add up, known on one day."""
    panel = grid_panel(72)
    last = LAST - panel.months[-1]
    frame = panel.keys.loc[panel.keys.index.repeat(72)].reset_index(drop=True)
    frame["month"] = np.tile(panel.months + last, len(panel.unique_ids)).astype("datetime64[M]").astype(str)
    frame["value"] = panel.values.ravel().round(6)
    with Session(engine) as session:
        add_codes(session)
        catalog.add_dataset(session, **{name: getattr(definition, name) for name in definition.__slots__})
        clean = check_observations(frame, today=TODAY)
        observation_writes.append(session, dataset=definition.id, frame=clean, vintage=vintage)
        session.commit()
    return panel
