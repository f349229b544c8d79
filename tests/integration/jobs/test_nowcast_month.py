"""A month of nowcasts on the bundled figures: the effect of each arrival on the forecast of July 2026."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import Session

from api.app import create_app
from api.rest.schemas.forecasts import ForecastPage
from api.rest.schemas.indicators import IndicatorEvidencePage
from forecasting.config import ForecastConfig
from jobs.ingestion.ingest import ingest_bundled
from jobs.runs.forecast_run import Outcome, run_forecast
from jobs.runs.indicator_inputs import informing
from services.history.nowcast_history import nowcast_history
from services.runs.published_run import open_run
from services.series.catalog_cache import CatalogCache
from store.database import make_engine
from store.queries import forecasts, observations, run_changes, run_indicators
from store.queries.indicators import IndicatorUseRecord
from tests.conftest import BUNDLED_ON, new_database
from tests.integration.api.conftest import options
from tests.support.answers import validate
from tests.support.scheduler_world import TickingClock, here

CONFIG = ForecastConfig(horizon=3, folds=24, burn_in=24, draws=200, forecasters=("seasonal_naive", "theta"))
JULY = date(2026, 7, 1)


@pytest.fixture(scope="module")
def engine(server_url: str, template: str) -> Iterator[Engine]:
    engine = make_engine(new_database(server_url, "nowcast", template=template))
    with Session(engine) as session:
        ingest_bundled(session, today=BUNDLED_ON)
        session.commit()
    yield engine
    engine.dispose()


def run(engine: Engine, day: date) -> Outcome:
    return run_forecast(
        dataset="CN_TRADE", as_of=day, config=CONFIG, engine=engine, make_executor=here, clock=TickingClock(day)
    )


def nowcast(session: Session, run_id: int) -> float:
    """The mean of exports in the month after a run's cutoff."""
    series = observations.series_ids(session, "CN_TRADE")["CN_TRADE.X.WLD.TOTAL"]
    return float(forecasts.paths(session, run_id, [series])[0, :, 0].mean())


@pytest.fixture(scope="module")
def outcomes(engine: Engine) -> dict[str, Outcome]:
    """Runs of the days on which something arrives, and of one on which nothing does."""
    days = {
        "june": date(2026, 7, 9),
        "quiet": date(2026, 7, 30),
        "pmi": date(2026, 7, 31),
        "korea": date(2026, 8, 1),
        "july": date(2026, 8, 9),
    }
    return {name: run(engine, day) for name, day in days.items()}


def test_a_run_is_made_when_an_indicator_arrives_and_not_otherwise(outcomes: dict[str, Outcome]) -> None:
    assert [outcome.status for outcome in outcomes.values()] == [
        "published",
        "unchanged",
        "published",
        "published",
        "published",
    ]
    assert outcomes["quiet"].run_id == outcomes["june"].run_id


def test_each_run_says_which_indicators_it_knew_to_when(engine: Engine, outcomes: dict[str, Outcome]) -> None:
    with Session(engine) as session:
        used = {
            name: {
                entry.indicator_id: (entry.leads, entry.known_on)
                for entry in run_indicators.used(session, outcome.run_id)
            }
            for name, outcome in outcomes.items()
            if outcome.run_id
        }
    assert {leads for leads, _ in used["june"].values()} == {0}
    assert used["pmi"]["CN_PMI"] == (1, date(2026, 7, 31))
    assert used["pmi"]["KR_EXPORTS"] == (0, date(2026, 7, 1))
    assert used["korea"]["KR_EXPORTS"] == (1, date(2026, 8, 1))
    assert used["july"]["KR_EXPORTS"][0] == 0


def test_arrivals_move_the_nowcast_by_what_the_run_says(engine: Engine, outcomes: dict[str, Outcome]) -> None:
    with Session(engine) as session:
        series = observations.series_ids(session, "CN_TRADE")["CN_TRADE.X.WLD.TOTAL"]
        nowcasts, added = {}, {}
        for name in ("june", "pmi", "korea"):
            run_id = outcomes[name].run_id
            assert run_id is not None
            nowcasts[name] = nowcast(session, run_id)
            effects = run_indicators.effects(session, run_id)
            added[name] = sum(entry.value for entry in effects if (entry.series_id, entry.month) == (series, JULY))
    assert added["june"] == 0.0
    assert added["pmi"] != 0.0
    assert added["korea"] != added["pmi"]
    for name in ("pmi", "korea"):
        # Draws are simulated again around the moved centre: the mean moves by about the effect.
        assert nowcasts[name] - nowcasts["june"] == pytest.approx(added[name], abs=3.0)


def test_the_change_of_a_nowcast_is_attributed_to_indicators(engine: Engine, outcomes: dict[str, Outcome]) -> None:
    with Session(engine) as session:
        series = observations.series_ids(session, "CN_TRADE")["CN_TRADE.X.WLD.TOTAL"]
        june, pmi, july = (outcomes[name].run_id for name in ("june", "pmi", "july"))
        assert june is not None
        assert pmi is not None
        assert july is not None
        (row, *_) = run_changes.page(session, pmi, june, [series], limit=3).rows
        effects = run_indicators.effects(session, pmi)
        added = sum(entry.value for entry in effects if (entry.series_id, entry.month) == (series, JULY))
        assert row.month == JULY
        assert (row.new_figures, row.revised_figures) == (0.0, 0.0)
        assert row.indicators == pytest.approx(added)
        assert row.indicators + row.reestimation == pytest.approx(row.after - row.before)
        assert abs(row.reestimation) < abs(row.indicators)
        korea = outcomes["korea"].run_id
        assert korea is not None
        (august, *_) = run_changes.page(session, july, korea, [series], limit=3).rows
        assert august.new_figures != 0.0


def test_every_run_keeps_the_worth_of_each_indicator(engine: Engine, outcomes: dict[str, Outcome]) -> None:
    with Session(engine) as session:
        run_id = outcomes["june"].run_id
        assert run_id is not None
        found = run_indicators.evidence(session, run_id)
    korea = next(row for row in found.rows if (row.flow, row.indicator_id) == ("M", "KR_EXPORTS"))
    assert korea.n > 20
    assert korea.mae_with is not None
    assert korea.mae_without is not None
    assert korea.mae_with < korea.mae_without
    assert {row.indicator_id for row in found.rows if row.flow == "X"} == {
        "*",
        "KR_EXPORTS",
        "CN_PMI",
        "CN_PMI_SERVICES",
        "CN_PMI_EXPORT_ORDERS",
    }


def test_answers_name_the_indicators_that_they_rest_on(engine: Engine, outcomes: dict[str, Outcome]) -> None:
    with TestClient(create_app(engine=engine, options=options())) as client:
        nowcast = client.get(f"/v1/runs/{outcomes['pmi'].run_id}/forecasts").json()
        assert [(entry["indicator"], entry["known_to"]) for entry in nowcast["indicators"]] == [
            ("CN_PMI", "2026-07"),
            ("CN_PMI_SERVICES", "2026-07"),
        ]
        validate(ForecastPage, nowcast)
        plain = client.get(f"/v1/runs/{outcomes['july'].run_id}/forecasts").json()
        assert "indicators" not in plain


def test_every_answer_of_a_nowcast_names_its_indicators(engine: Engine, outcomes: dict[str, Outcome]) -> None:
    run = outcomes["pmi"].run_id
    queries: dict[str, dict[str, Any]] = {
        "forecasts/probability": {"flow": "X", "period": "2026-07", "above": 300},
        "forecasts": {"flow": "X", "frequency": "Q"},
    }
    with TestClient(create_app(engine=engine, options=options())) as client:
        for path, query in queries.items():
            found = client.get(f"/v1/datasets/CN_TRADE/{path}", params={"run": run, **query}).json()
            assert [entry["indicator"] for entry in found["indicators"]] == ["CN_PMI", "CN_PMI_SERVICES"], path
        page = client.get("/series/CN_TRADE/X/WLD/TOTAL", params={"run": run}).text
        quiet = client.get("/series/CN_TRADE/X/WLD/TOTAL", params={"run": outcomes["july"].run_id}).text
    assert "manufacturing PMI to 2026-07, known on 2026-07-31" in page
    assert "known on 2026-07-31" not in quiet.split("<footer>")[1]


def test_the_worth_of_a_datasets_indicators_is_answered(engine: Engine, outcomes: dict[str, Outcome]) -> None:
    with TestClient(create_app(engine=engine, options=options())) as client:
        url = "/v1/datasets/CN_TRADE/indicators"
        found = client.get(url, params={"run": outcomes["korea"].run_id}).json()
        table = client.get(url, params={"format": "csv"})
    validate(IndicatorEvidencePage, found)
    korea = next(row for row in found["evidence"] if row["indicator"] == "KR_EXPORTS" and ".M." in row["unique_id"])
    assert korea["ratio"] < 1.0
    assert korea["unit"] == "USD bn"
    assert any(row["indicator"] == "KR_EXPORTS" and row["month"] == "2026-07" for row in found["effects"])
    assert len(table.text.splitlines()) == 11


def test_the_page_of_a_series_shows_how_its_nowcast_moved(engine: Engine, outcomes: dict[str, Outcome]) -> None:
    with TestClient(create_app(engine=engine, options=options())) as client:
        url = "/series/CN_TRADE/X/WLD/TOTAL"
        before = client.get(url, params={"run": outcomes["korea"].run_id}).text
        after = client.get(url, params={"run": outcomes["july"].run_id}).text
    assert "Nowcast of July 2026 by day" in before
    assert "the published value" not in before
    assert "Nowcast of July 2026 by day" in after
    assert "the published value" in after
    assert "CN_PMI, CN_PMI_SERVICES" in after


def test_a_nowcast_history_names_what_arrived_between_runs(engine: Engine, outcomes: dict[str, Outcome]) -> None:
    with Session(engine) as session:
        published = open_run(session, CatalogCache(), "CN_TRADE", outcomes["july"].run_id)
        found = nowcast_history(published, published.choose("X"))
        assert nowcast_history(published, published.choose("B")) is None
    assert found is not None
    assert (found.month, found.outcome) == (JULY, 397.9)
    assert [(row["as_of"], row["arrived"]) for row in found.rows] == [
        ("2026-07-09", ""),
        ("2026-07-31", "CN_PMI, CN_PMI_SERVICES"),
        ("2026-08-01", "KR_EXPORTS"),
    ]
    assert all(row["lo_80"] < row["median"] < row["hi_80"] for row in found.rows)


@pytest.mark.parametrize(
    ("unique_id", "expected"),
    [
        ("D.X.USA.TOTAL", ("A", "B", "C")),
        ("D.M.USA.TOTAL", ("A", "C")),
        ("D.X.DEU.EV", ("A", "B")),
    ],
)
def test_a_use_names_a_dataset_or_a_part_of_it(unique_id: str, expected: tuple[str, ...]) -> None:
    uses = [IndicatorUseRecord("A", "*", "*", "*"), IndicatorUseRecord("B", "X", "*", "*")]
    uses.append(IndicatorUseRecord("C", "*", "USA", "TOTAL"))
    assert informing(uses, unique_id) == expected
