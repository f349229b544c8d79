"""A run that uses events: it stores which ones moved its forecasts, and their worth on its folds."""

from datetime import date

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import Session

from api.app import create_app
from api.rest.schemas.events import EventEvidencePage
from forecasting.config import ForecastConfig
from jobs.runs.forecast_run import run_forecast
from jobs.scheduling.ticker import Ticker
from store.database import make_engine
from store.models import EVENT_KINDS
from store.queries import events, forecasts, run_events, runs
from tables import check_events, read_table
from tests.conftest import new_database
from tests.integration.api.conftest import options
from tests.support.answers import validate
from tests.support.events import tariff_panel
from tests.support.scheduler_world import QUICK, TickingClock, here
from tests.support.store_helpers import add_dataset, append

AS_OF = date(2026, 1, 20)
CONFIG = ForecastConfig(
    horizon=6, folds=48, burn_in=48, draws=50, forecasters=("naive", "seasonal_naive", "seasonal_mean")
)
NEXT = "DUTY_2026,tariff,Duty,DUTY,2026-01-10,2026-02-01,a,CHN,X,USA,25,60,s"
HEADER = "id,kind,title,measure,announced,effective,authority,reporter,flow,partner,rate_before,rate_after,source"


def build(engine: Engine) -> None:
    """A dataset of two partners, and a duty on one of them that changes each year with an elasticity of 2."""
    panel, duties = tariff_panel()
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
        rows = [
            f"DUTY_{duty.effective.astype(object).year},tariff,Duty,DUTY,{duty.announced},{duty.effective},a,CHN,X,USA,"
            f"{duty.rate_before:g},{duty.rate_after:g},s"
            for duty in duties.events
        ]
        put(session, *rows, NEXT)
        session.commit()


def put(session: Session, *rows: str) -> None:
    table = read_table("\n".join([HEADER, *rows]).encode(), media="csv", limit_bytes=100_000)
    events.put(session, check_events(table, kinds=EVENT_KINDS))


def run(engine: Engine, as_of: date = AS_OF) -> int:
    outcome = run_forecast(
        dataset="TEST", as_of=as_of, config=CONFIG, engine=engine, make_executor=here, clock=TickingClock(as_of)
    )
    assert outcome.run_id is not None
    return outcome.run_id


@pytest.fixture(scope="module")
def duties(server_url: str, template: str) -> Engine:
    engine = make_engine(new_database(server_url, "event_run", template=template))
    build(engine)
    return engine


def test_a_run_uses_an_announced_event_and_says_so(duties: Engine) -> None:
    number = run(duties)
    with Session(duties) as session:
        assert run_events.used(session, number) == {"DUTY_2026"}
        evidence = {row.regressor: row for row in run_events.evidence(session, number)}
        effects = run_events.effects(session, number)
        covered = {series.id: series.partner for series in forecasts.coverage(session, number).series}
    assert evidence["cost"].coefficient < -0.5
    with_events, without = evidence["cost"].mae_with, evidence["cost"].mae_without
    assert with_events is not None
    assert without is not None
    assert with_events < without
    assert {covered[effect.series_id] for effect in effects} == {"USA"}
    assert all(effect.value < 0 for effect in effects if effect.month >= date(2026, 2, 1))
    with TestClient(create_app(engine=duties, options=options())) as client:
        listed = client.get("/v1/datasets/TEST/events", params={"flow": "X", "partner": "USA"}).json()["events"]
        statuses = {event["id"]: event["status"] for event in listed}
        answer = client.get("/v1/datasets/TEST/events/evidence").json()
    assert statuses["DUTY_2026"] == "in the forecast"
    assert statuses["DUTY_2025"] == "in the observations"
    validate(EventEvidencePage, answer)
    assert answer["used"] == ["DUTY_2026"]
    assert {row["unique_id"] for row in answer["effects"]} == {"TEST.X.USA.TOTAL"}


def test_a_run_before_the_announcement_does_not_know_the_event(duties: Engine) -> None:
    before = run(duties, date(2026, 1, 9))
    with Session(duties) as session:
        assert run_events.used(session, before) == frozenset()
        assert run_events.effects(session, before) == []


def test_a_new_event_makes_a_new_run(duties: Engine) -> None:
    first = run(duties)
    assert run(duties) == first
    with Session(duties) as session:
        events.remove(session, "DUTY_2026")
        session.commit()
    second = run(duties)
    with Session(duties) as session:
        put(session, NEXT)
        session.commit()
        lower, higher = (
            np.mean([row.mean for row in forecasts.months(session, number, ids, horizon=6, probabilities=[0.5])])
            for number in (first, second)
            for ids in [[s.id for s in forecasts.coverage(session, number).series if s.partner == "USA"]]
        )
    assert second != first
    assert lower < higher


def test_the_scheduler_forecasts_a_changed_event_that_covers_the_dataset(own_engine: Engine) -> None:
    build(own_engine)
    ticker = Ticker(engine=own_engine, config=QUICK, make_executor=here, clock=TickingClock(AS_OF))
    elsewhere = NEXT.replace("DUTY", "OTHER").replace("CHN,X,USA", "JPN,X,DEU")
    made = []
    for event in (NEXT, elsewhere, NEXT.replace(",60,", ",80,")):
        with Session(own_engine) as session:
            put(session, event)
            session.commit()
        ticker.tick()
        with Session(own_engine) as session:
            made.append(runs.page(session, status="published", limit=10).total)
    assert made == [1, 1, 2]


def test_the_counterfactual_is_a_fold_that_does_not_know_the_event(duties: Engine) -> None:
    """The duty of 2025 was announced on 20 December 2024, the day of the fold of November: October is the last."""
    run(duties)
    with TestClient(create_app(engine=duties, options=options())) as client:
        answer = client.get("/v1/datasets/TEST/events/effects", params={"event": "DUTY_2025", "months": 3}).json()
    assert (answer["counterfactual"]["source"], answer["counterfactual"]["cutoff"]) == ("fold", "2024-10")
    assert answer["effects"][0]["partner"] == "USA"
    assert answer["effects"][0]["effect"] < 0
