"""Stored scenarios computed on a new run."""

import structlog
from sqlmodel import Session

from jobs.clock import Clock
from services.runs.run_selection import published_run
from services.scenarios.stored_scenarios import update_scenarios
from services.series.catalog_cache import CatalogCache

log = structlog.get_logger(__name__)


def update_stored_scenarios(session: Session, run_id: int, *, clock: Clock) -> None:
    """Compute the scenarios that are not over on a published run. The caller commits."""
    run = published_run(session, run_id)
    number = update_scenarios(session, CatalogCache(), run, now=clock())
    if number:
        log.info("scenarios.updated", dataset=run.dataset_id, run=run_id, scenarios=number)
