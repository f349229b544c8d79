"""Own regressors from their import to a scenario: a planned rate, its worth in a run, and another plan."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.testing import assert_allclose
from sqlalchemy import Engine
from sqlmodel import Session

from api.app import create_app
from api.rest.schemas.regressors import (
    RegressorEvidencePage,
    RegressorPage,
    RegressorStored,
    RegressorValuePage,
)
from forecasting.config import ForecastConfig
from jobs.ingestion.regressors import ingest_regressor_file
from jobs.runs.forecast_run import run_forecast
from sources.errors import BadDefinition
from store.database import make_engine
from store.queries import api_keys, regressors
from store.queries.regressors import RegressorRecord
from tables import BadRows
from tests.conftest import new_database
from tests.integration.api.conftest import options
from tests.support.answers import validate
from tests.support.factories import NOW
from tests.support.scheduler_world import TickingClock, here
from tests.support.store_helpers import add_dataset, append
from tests.unit.forecasting.test_regressors import HORIZON, MONTHS, NAMES, world

AS_OF = date(2022, 1, 20)
CONFIG = ForecastConfig(horizon=HORIZON, folds=12, burn_in=24, draws=50, forecasters=NAMES)
PATH = "/v1/datasets/TEST/regressors"
RATE = RegressorRecord("RATE", "Planned rate", "per cent", "X", "USA", "*")


@pytest.fixture(scope="module")
def engine(server_url: str, template: str) -> Iterator[Engine]:
    """A dataset of two partners, and a rate on one of them that is planned a year ahead."""
    engine = make_engine(new_database(server_url, "regressor_run", template=template))
    panel, _ = world()
    with Session(engine) as session:
        add_dataset(session)
        for uid, values in zip(panel.unique_ids, panel.values, strict=True):
            _, flow, partner, sector = uid.split(".")
            append(
                session,
                *(
                    f"{month},{flow},{partner},{sector},{value:.6f},{(month + 1).astype('datetime64[D]') + 8}"
                    for month, value in zip(panel.months, values, strict=True)
                ),
            )
        session.commit()
    yield engine
    engine.dispose()


def rows() -> list[dict[str, Any]]:
    (column,) = world()[1].regressors
    return [
        {"month": str(month), "value": float(value), "known_on": str(known_on)}
        for month, value, known_on in zip(column.months, column.values, column.known_on, strict=True)
    ]


def test_a_planned_rate_is_sent_used_and_changed_in_a_scenario(engine: Engine) -> None:
    with Session(engine) as session:
        key = api_keys.create(session, name="plan", scopes=["write"], now=NOW)
        session.commit()
    write = {"Authorization": f"Bearer {key}"}
    with TestClient(create_app(engine=engine, options=options())) as client:
        defined = client.post(PATH, json=RATE._asdict(), headers=write)
        assert (defined.status_code, defined.json()) == (201, RATE._asdict())
        stored = client.post(f"{PATH}/RATE/values", json={"values": rows()}, headers=write)
        validate(RegressorStored, stored.json())
        assert stored.json()["inserted"] == MONTHS + HORIZON
        again = client.post(f"{PATH}/RATE/values", json={"values": rows()}, headers=write)
        assert again.json()["inserted"] == 0
        validate(RegressorPage, client.get(PATH).json())
        values = client.get(f"{PATH}/RATE/values", params={"as_of": "2014-06-01"}).json()
        validate(RegressorValuePage, values)
        assert [row["month"] for row in values["values"]][-1] == "2015-06"

        run = run_forecast(
            dataset="TEST", as_of=AS_OF, config=CONFIG, engine=engine, make_executor=here, clock=TickingClock(AS_OF)
        )
        evidence = client.get(f"{PATH}/evidence", params={"run": run.run_id}).json()
        validate(RegressorEvidencePage, evidence)
        (worth,) = evidence["evidence"]
        (effect,) = evidence["effects"]
        assert worth["unique_id"] == effect["unique_id"] == "TEST.X.USA.TOTAL"
        assert worth["ratio"] < 0.8
        assert_allclose(effect["coefficient"], -0.02, rtol=0.3)

        planned = [row["value"] for row in rows()][-HORIZON:]
        report = [{"series": "X.USA", "frequency": "M"}, {"series": "X.DEU", "frequency": "M"}]
        plan = {"regressor": "RATE", "start": "2022-01", "values": [value + 10 for value in planned]}
        scenario = {"name": "Rates 10 points higher", "regressors": [plan], "report": report}
        answer = client.post("/v1/datasets/TEST/scenarios", json=scenario)
        assert answer.status_code == 200, answer.text
        assert answer.json()["methods"] == ["regressors"]
        table = client.post("/v1/datasets/TEST/scenarios", params={"format": "csv"}, json=scenario)
        assert table.status_code == 200
        ratios: dict[str, list[float]] = {}
        for row in answer.json()["results"]:
            partner = row["unique_id"].split(".")[2]
            ratios.setdefault(partner, []).append(row["scenario"]["mean"] / row["baseline"]["mean"])
        assert_allclose(ratios["USA"], np.exp(10 * worth["weight"] * effect["coefficient"]), rtol=1e-6)
        assert_allclose(ratios["DEU"], 1.0)

        unknown = scenario | {"regressors": [plan | {"regressor": "OTHER"}]}
        assert client.post("/v1/datasets/TEST/scenarios", json=unknown).status_code == 404
        assert client.post(PATH, json=RATE._asdict()).status_code == 401


def test_values_come_from_a_file(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "plan.csv"
    file.write_text("month,value\n2026-01,5\n2027-01,7.5\n", encoding="utf-8")
    day = date(2026, 8, 21)
    terms: dict[str, Any] = {"dataset": "TEST", "regressor": "PLAN", "today": day, "limit_bytes": 10_000}
    plan = RATE._replace(id="PLAN")
    with Session(engine) as session:
        assert ingest_regressor_file(session, file, define=plan, **terms) == 2
        found = regressors.values(session, "TEST", "PLAN")
        assert [(row.month, row.value, row.known_on) for row in found] == [
            (date(2026, 1, 1), 5.0, day),
            (date(2027, 1, 1), 7.5, day),
        ]
        with pytest.raises(BadDefinition):
            ingest_regressor_file(session, file, define=plan._replace(id="plan"), **terms)
        file.write_text("month,value\n2026-01,\n", encoding="utf-8")
        with pytest.raises(BadRows, match="is empty"):
            ingest_regressor_file(session, file, **terms)
