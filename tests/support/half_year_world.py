"""A world whose runs have seen half a year, and their answers by an obvious loop over draws and months."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from sqlalchemy import Engine
from sqlmodel import Session

from forecasting.analysis.periods import parse_period
from forecasting.data.months import month_number
from tests.integration.api.conftest import World, client_of, copy_of
from tests.support.factories import FIRST, Published, add_scores, observed, publish_run

CUTOFF = np.datetime64("2025-07")
AS_OF = date(2025, 8, 20)
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Half:
    """A run with the cutoff CUTOFF and 24 months ahead."""

    run: Published

    def draws(self, unique_id: str, period: str) -> FloatArray:
        """A series summed over a period in every draw, shape (draws,), month by month."""
        start, cutoff = (month_number(*map(int, str(month).split("-"))) for month in (FIRST, CUTOFF))
        span = parse_period(period)
        known, paths = observed(unique_id), self.run.paths[self.run.row(unique_id)]
        total = np.zeros(len(paths))
        for month in range(span.first, span.last + 1):
            total = total + (known[month - start] if month <= cutoff else paths[:, month - cutoff - 1].astype(float))
        return total

    def growth(self, unique_id: str, period: str, base: str) -> FloatArray:
        """Its growth from one period to another in per cent, shape (draws,)."""
        return (self.draws(unique_id, period) / self.draws(unique_id, base) - 1) * 100


@dataclass(frozen=True)
class Halves:
    """The application over a world with a run of each dataset that has seen half a year."""

    client: TestClient
    engine: Engine
    trade: Half
    clean: Half


@contextmanager
def halves_of(original: World, server_url: str) -> Iterator[Halves]:
    """A copy of a world in which the two runs are published too."""
    world = copy_of(original, server_url)
    with Session(world.engine) as session:
        trade, clean = (
            publish_run(session, dataset, as_of=AS_OF, horizon=24, seed=13, cutoff=CUTOFF, data_hash="f" * 64)
            for dataset in ("CN_TRADE", "CN_CLEANTECH")
        )
        for run in (trade, clean):
            add_scores(session, run, year_scores(run))
        session.commit()
    with client_of(world) as client:
        yield Halves(client, world.engine, Half(trade), Half(clean))
    world.engine.dispose()


def year_scores(run: Published) -> list[dict[str, Any]]:
    """Coverage of years, by step and pooled, and histograms of the PIT with an empty bin; other for each series."""
    rows = []
    for place, series_id in enumerate(run.series_ids.tolist(), start=1):
        head = {"series_id": series_id, "forecaster": "combination", "kind": "year"}
        rows += [
            {**head, "metric": "coverage", "level": level, "step": step, "value": level / 100 - 0.01 * place, "n": n}
            for level in (50.0, 80.0, 90.0, 95.0)
            for step, n in ((0, 3 * place), (5, place), (17, 2 * place))
        ]
        rows += [
            {**head, "metric": "pit", "level": 10.0 * edge, "step": 0, "value": edge * place / 45, "n": edge * place}
            for edge in range(1, 10)
        ]
    return rows


def row_of(series: dict[str, Any], period: str) -> dict[str, Any]:
    """The row of a period in an answer."""
    (row,) = [row for row in series["months"] if row["period"] == period]
    return dict(row)
