"""Announcements of the first runs of a service."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from store.queries import catalog, runs

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
            self.waiting = [code for code in stored if not self._has_full_run(session, code)]

    def poll(self) -> None:
        """Announce new runs; at most once a second, and not while the database is away."""
        if not self.waiting or time.monotonic() - self._polled_at < POLL_SECONDS:
            return
        self._polled_at = time.monotonic()
        with suppress(OperationalError), Session(self.engine) as session:
            self.waiting = [code for code in self.waiting if not self._announce(session, code)]
        if not self.waiting:
            self.engine.dispose()

    def _announce(self, session: Session, dataset: str) -> bool:
        """Announce a new run of a dataset; returns whether it is a full one."""
        run = runs.latest_published(session, dataset)
        if run is None:
            return False
        if self._announced.get(dataset) != run.id:
            self._announced[dataset] = run.id
            self.say(f"{dataset}: {'preliminary run' if run.preliminary else 'run'} {run.id} published")
        return not run.preliminary

    @staticmethod
    def _has_full_run(session: Session, dataset: str) -> bool:
        run = runs.latest_published(session, dataset)
        return run is not None and not run.preliminary
