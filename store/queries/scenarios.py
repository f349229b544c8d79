"""Stored scenarios and their forecasts by run. These functions leave the commit to the caller."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col

from store.errors import ScenarioNotComputed, UnknownScenario
from store.models import Run, ScenarioForecast, StoredScenario


class ScenarioRecord(NamedTuple):
    """A scenario as stored; fields as in `store.models.StoredScenario`."""

    id: int
    dataset_id: str
    run_id: int
    name: str
    author: str
    reason: str
    created_at: datetime
    ends: date
    statement: Mapping[str, Any]


class ForecastRecord(NamedTuple):
    """The forecasts of a run under a scenario; fields as in `store.models.ScenarioForecast`, with the run's dates."""

    scenario_id: int
    run_id: int
    as_of: date
    cutoff: date
    computed_at: datetime
    methods: Sequence[str]
    effective_draws: float | None
    distance: float | None
    probability: float | None
    rows: Sequence[Mapping[str, Any]]
    fault: str | None


class ScenarioPage(NamedTuple):
    """Some scenarios, newest first, and how many there are in all."""

    rows: list[ScenarioRecord]
    total: int


_COLUMNS = [sa.inspect(StoredScenario).local_table.c[name] for name in ScenarioRecord._fields]
_FORECASTS = sa.inspect(ScenarioForecast).local_table


def add(session: Session, **values: Any) -> int:
    """The number of a new scenario; values as in `ScenarioRecord`."""
    return int(session.execute(sa.insert(StoredScenario).values(values).returning(col(StoredScenario.id))).scalar_one())


def find(session: Session, scenario_id: int) -> ScenarioRecord:
    """A scenario by its number. Raises UnknownScenario."""
    row = session.execute(sa.select(*_COLUMNS).where(col(StoredScenario.id) == scenario_id)).first()
    if row is None:
        raise UnknownScenario(scenario_id)
    return ScenarioRecord(*row)


def page(
    session: Session, *, dataset: str | None = None, ends_after: date | None = None, limit: int, offset: int = 0
) -> ScenarioPage:
    """Scenarios, newest first, of a dataset and not over by a month if given."""
    conditions = []
    if dataset is not None:
        conditions.append(col(StoredScenario.dataset_id) == dataset)
    if ends_after is not None:
        conditions.append(col(StoredScenario.ends) > ends_after)
    total = session.execute(sa.select(sa.func.count()).select_from(StoredScenario).where(*conditions)).scalar_one()
    query = sa.select(*_COLUMNS).where(*conditions).order_by(col(StoredScenario.id).desc())
    rows = session.execute(query.limit(limit).offset(offset))
    return ScenarioPage([ScenarioRecord(*row) for row in rows], total)


def write_forecasts(session: Session, **values: Any) -> None:
    """Store the forecasts of a run under a scenario, once; values as in `store.models.ScenarioForecast`."""
    insert = sa.dialects.postgresql.insert(ScenarioForecast).values(values)
    session.execute(insert.on_conflict_do_nothing())


def forecasts(session: Session, scenario_id: int) -> list[ForecastRecord]:
    """The forecasts under a scenario, by the day of their run."""
    of_run: dict[str, Any] = {"as_of": col(Run.as_of), "cutoff": col(Run.cutoff)}
    columns: list[Any] = [of_run.get(name, _FORECASTS.c.get(name)) for name in ForecastRecord._fields]
    query = (
        sa.select(*columns)
        .join(Run, col(Run.id) == _FORECASTS.c.run_id)
        .where(_FORECASTS.c.scenario_id == scenario_id)
        .order_by(col(Run.as_of), col(Run.id))
    )
    return [ForecastRecord(*row) for row in session.execute(query)]


def forecast_of(stored: Sequence[ForecastRecord], run_id: int) -> ForecastRecord:
    """The forecasts of one run under a scenario. Raises ScenarioNotComputed."""
    found = next((forecast for forecast in stored if forecast.run_id == run_id), None)
    if found is None:
        raise ScenarioNotComputed(stored[0].scenario_id, run_id, [forecast.run_id for forecast in stored])
    return found
