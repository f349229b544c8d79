"""A world for the pages: two runs of each dataset, the later of which reaches the end of a year and has a PIT."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from services.runs.run_requests import request_run
from store.database import make_engine
from tests.conftest import database_copy, new_database
from tests.integration.api.conftest import FORECAST
from tests.support.factories import NOW, Published, add_scores, build_catalog, publish_run

HORIZON, DRAWS = 14, 60
EARLIER = {"as_of": date(2025, 11, 20), "cutoff": np.datetime64("2025-10"), "horizon": HORIZON, "seed": 3}


@dataclass(frozen=True)
class PagesWorld:
    """A database, and the later runs published in it."""

    engine: Engine
    trade: Published
    clean: Published
    earlier: int
    queued: int


@contextmanager
def pages_world(server_url: str, template: str, name: str) -> Iterator[PagesWorld]:
    engine = make_engine(new_database(server_url, name, template=template), pool_size=6)
    with Session(engine) as session:
        build_catalog(session)
        before = [
            publish_run(session, dataset, data_hash="e" * 64, **EARLIER)  # type: ignore[arg-type]
            for dataset in ("CN_TRADE", "CN_CLEANTECH")
        ]
        trade = publish_run(session, "CN_TRADE", horizon=HORIZON, draws=DRAWS)
        clean = publish_run(session, "CN_CLEANTECH", horizon=HORIZON, draws=DRAWS, seed=11)
        for run in (trade, clean):
            _add_pit(session, run)
        queued = queue(session)
        session.commit()
    yield PagesWorld(engine, trade, clean, before[0].run_id, queued)
    engine.dispose()


@contextmanager
def copy_of_pages(original: PagesWorld, server_url: str) -> Iterator[PagesWorld]:
    """A copy of a world that nobody is connected to, dropped after the block."""
    with database_copy(server_url, "pages_copy", str(original.engine.url.database)) as url:
        engine = make_engine(url, pool_size=6)
        yield replace(original, engine=engine)
        engine.dispose()


def queue(session: Session, dataset: str = "CN_CLEANTECH") -> int:
    return request_run(session, dataset=dataset, as_of=date(2026, 1, 20), config=FORECAST, now=NOW)


def _add_pit(session: Session, run: Published) -> None:
    rows: list[dict[str, Any]] = [
        {
            "series_id": int(series_id),
            "forecaster": "combination",
            "step": 0,
            "kind": "month",
            "metric": "pit",
            "level": 10.0 * place,
            "value": 0.1,
            "n": 3 + place % 2,
        }
        for series_id in run.series_ids
        for place in range(10)
    ]
    add_scores(session, run, rows)
