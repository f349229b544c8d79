"""Announcements of the first runs of a service."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from store.queries import catalog, runs
from store.queries.runs import RunRecord

POLL_SECONDS = 1.0


@dataclass
class FirstRuns:
    """Announces newly published runs of the datasets that had none, until each has a full run."""

    engine: Engine
    say: Callable[[str], None]
    waiting: list[str] = field(init=False)
    _announced: dict[str, int] = field(default_factory=dict)
    _polled_at: float = 0.0

    def __post_init__(self) -> None:
        """Look up the datasets with observations and without a full run."""
        with Session(self.engine) as session:
            stored = [dataset.id for dataset in catalog.datasets(session) if dataset.series]
            self.waiting = [code for code, run in _latest_runs(session, stored) if not _is_full(run)]

    def poll(self) -> None:
        """Announce new runs; at most once a second, and not while the database is away."""
        if not self.waiting or time.monotonic() - self._polled_at < POLL_SECONDS:
            return
        self._polled_at = time.monotonic()
        with suppress(OperationalError), Session(self.engine) as session:
            latest = _latest_runs(session, self.waiting)
            for code, run in latest:
                self._announce(code, run)
            self.waiting = [code for code, run in latest if not _is_full(run)]
        if not self.waiting:
            self.engine.dispose()

    def _announce(self, dataset: str, run: RunRecord | None) -> None:
        """Announce the latest run of a dataset, once."""
        if run is None or self._announced.get(dataset) == run.id:
            return
        self._announced[dataset] = run.id
        self.say(f"{dataset}: {'preliminary run' if run.preliminary else 'run'} {run.id} published")


def _latest_runs(session: Session, datasets: Iterable[str]) -> list[tuple[str, RunRecord | None]]:
    return [(code, runs.latest_published(session, code)) for code in datasets]


def _is_full(run: RunRecord | None) -> bool:
    return run is not None and not run.preliminary
