"""Polls on growth and on balances, scored against first prints beside Tradewind's forecasts."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import Session

from api.app import create_app
from api.rest.schemas.external_forecasts import ExternalForecastPage, ExternalModelPage
from forecasting.config import COMBINATION, ForecastConfig
from jobs.ingestion.ingest import ingest_bundled
from jobs.runs.external_scoring import ingest_external_forecasts, score_external_forecasts
from jobs.runs.forecast_run import run_forecast
from services.history.nowcast_history import nowcast_history
from services.runs.published_run import open_run
from services.series.catalog_cache import CatalogCache
from sources import bundled
from store.database import make_engine
from store.queries import backtest_folds, external_forecasts, forecasts, observations, runs
from store.queries.external_forecasts import Comparison
from store.queries.hubverse_format import COLUMNS
from tables import BadRows
from tests.conftest import BUNDLED_ON, new_database
from tests.integration.api.conftest import options
from tests.support.answers import validate
from tests.support.scheduler_world import TickingClock, here

CONFIG = ForecastConfig(horizon=3, folds=40, burn_in=2, draws=200, forecasters=("seasonal_naive", "naive"))
OWN = [
    ("mine", "2025-11-20", "X TOTAL pc1", 0, "WLD", "2025-11-30", "quantile", 0.1, 1.0),
    ("mine", "2025-11-20", "X TOTAL pc1", 0, "WLD", "2025-11-30", "quantile", 0.9, 9.0),
    ("mine", "2025-11-20", "B TOTAL", 0, "WLD", "2025-11-30", "median", "NA", 100.0),
    ("mine", "2025-11-20", "X TOTAL", 0, "WLD", "2025-11-30", "median", "NA", 320.0),
]


@pytest.fixture(scope="module")
def engine(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The bundled dataset with its polls, forecasts of another model, runs of late 2025, and the latest."""
    engine = make_engine(new_database(server_url, "polls", template=template))
    with Session(engine) as session:
        ingest_bundled(session, today=BUNDLED_ON)
        session.commit()
    file = tmp_path_factory.mktemp("polls") / "own.csv"
    file.write_text("\n".join([",".join(COLUMNS), *(",".join(map(str, row)) for row in OWN)]), encoding="utf-8")
    with Session(engine) as session:
        ingest_external_forecasts(session, file, dataset="CN_TRADE", today=BUNDLED_ON, limit_bytes=10_000)
        session.commit()
    for day in (date(2025, 11, 10), date(2025, 11, 30), date(2025, 12, 10), BUNDLED_ON):
        clock = TickingClock(day)
        run_forecast(dataset="CN_TRADE", as_of=day, config=CONFIG, engine=engine, make_executor=here, clock=clock)
    yield engine
    engine.dispose()


def rows(engine: Engine, flow: str, *, balance: bool = False, **wanted: Any) -> dict[tuple[str, date, str], Comparison]:
    with Session(engine) as session:
        number = observations.series_ids(session, "CN_TRADE")[f"CN_TRADE.{flow}.WLD.TOTAL"]
        chosen, balances = ([], [number]) if balance else ([number], [])
        found = external_forecasts.page(session, chosen, balances=balances, limit=1000, **wanted)
    return {(row.model_id, row.month, row.measure): row for row in found.rows}


def polled(what: str) -> pd.DataFrame:
    table = bundled.polls("CN_TRADE")
    assert table is not None
    return table[table["what"] == what]


def test_every_poll_is_stored_as_of_the_day_before_its_release(engine: Engine) -> None:
    exports = [row for row in rows(engine, "X", growth=True).values() if row.model_id == "poll"]
    assert len(exports) == len(polled("exports_growth")) == 28
    november = rows(engine, "X")["poll", date(2025, 11, 1), "pc1"]
    assert november.reference_date == date(2025, 12, 7)


def test_growth_is_scored_on_the_first_print_of_growth(engine: Engine) -> None:
    found = rows(engine, "X")
    polls = polled("exports_growth")[["month", "poll_median", "first_print"]].to_numpy(dtype=str).tolist()
    for month, poll, first in polls:
        scored = found["poll", date.fromisoformat(f"{month}-01"), "pc1"]
        assert (scored.point, scored.first_value) == (float(poll), float(first))
        assert scored.first_wis == pytest.approx(abs(float(poll) - float(first)))


def test_ours_is_the_run_that_knew_no_more_or_else_the_backtest(engine: Engine) -> None:
    found = rows(engine, "X")
    november, october = (found["poll", date(2025, month, 1), "pc1"] for month in (11, 10))
    assert (november.backtest, november.step) == (False, 1)
    assert (october.backtest, october.step) == (True, 1)
    with Session(engine) as session:
        number = observations.series_ids(session, "CN_TRADE")["CN_TRADE.X.WLD.TOTAL"]
        values = observations.panel_frame(session, "CN_TRADE").set_index(["unique_id", "ds"])["y"][
            "CN_TRADE.X.WLD.TOTAL"
        ]
        assert november.run_id is not None
        (draws,) = forecasts.paths(session, november.run_id, [number])
        folds = backtest_folds.by_cutoff(session, int(october.run_id or 0), [number], forecaster=COMBINATION)
    ours = 100 * (np.median(draws[:, 0].astype(float)) / values[pd.Timestamp("2024-11-01")] - 1)
    assert november.our_point == pytest.approx(ours)
    mean = folds[date(2025, 9, 1)][number].means[0]
    assert mean is not None
    assert october.our_point == pytest.approx(100 * (mean / values[pd.Timestamp("2024-10-01")] - 1))


def test_january_with_february_is_one_target(engine: Engine) -> None:
    scored = rows(engine, "X")["poll", date(2025, 2, 1), "pc1"]
    assert (scored.months, scored.step) == (2, 2)
    with Session(engine) as session:
        values = observations.panel_frame(session, "CN_TRADE").set_index(["unique_id", "ds"])["y"][
            "CN_TRADE.X.WLD.TOTAL"
        ]
    now, before = (values[f"{year}-01-01" : f"{year}-02-01"].sum() for year in (2025, 2024))
    assert scored.latest_value == pytest.approx(100 * (now / before - 1))


def test_a_balance_is_scored_beside_exports_less_imports(engine: Engine) -> None:
    balances = rows(engine, "X", balance=True)
    november = balances["poll", date(2025, 11, 1), "balance"]
    printed = polled("balance").set_index("month")["first_print"].astype(float).to_dict()
    assert november.first_value == printed["2025-11"]
    with Session(engine) as session:
        ids = observations.series_ids(session, "CN_TRADE")
        assert november.run_id is not None
        numbers = [ids[f"CN_TRADE.{flow}.WLD.TOTAL"] for flow in "XM"]
        exports, imports = forecasts.paths(session, november.run_id, numbers)
    assert november.our_point == pytest.approx(np.median(exports[:, 0].astype(float) - imports[:, 0]), rel=1e-6)
    assert balances["mine", date(2025, 11, 1), "balance"].first_value == printed["2025-11"]


def test_a_revised_value_is_no_first_print(engine: Engine) -> None:
    level = rows(engine, "X")["mine", date(2025, 11, 1), "level"]
    assert level.latest_value == pytest.approx(330.0, abs=0.5)
    assert (level.first_value, level.first_wis, level.our_first_wis) == (None, None, None)
    assert level.latest_value is not None
    assert level.latest_wis == pytest.approx(abs(level.latest_value - 320.0))


def test_scoring_again_changes_nothing(engine: Engine) -> None:
    with Session(engine) as session:
        assert score_external_forecasts(session, "CN_TRADE") == 0


def test_a_target_in_growth_of_a_balance_is_refused(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    row = ("mine", "2025-11-20", "B TOTAL pc1", 0, "WLD", "2025-11-30", "median", "NA", 3.0)
    file.write_text(",".join(COLUMNS) + "\n" + ",".join(map(str, row)), encoding="utf-8")
    with Session(engine) as session, pytest.raises(BadRows, match="no flow and sector"):
        ingest_external_forecasts(session, file, dataset="CN_TRADE", today=BUNDLED_ON, limit_bytes=10_000)


def test_the_history_of_a_nowcast_has_the_poll_and_the_first_print(engine: Engine) -> None:
    with Session(engine) as session:
        found = runs.page(session, dataset_id="CN_TRADE", status="published", limit=10).rows
        number = next(run.id for run in found if run.as_of == date(2025, 12, 10))
        published = open_run(session, CatalogCache(), "CN_TRADE", number)
        history = nowcast_history(published, published.choose("X"))
        values = observations.panel_frame(session, "CN_TRADE").set_index(["unique_id", "ds"])["y"]
    before = values["CN_TRADE.X.WLD.TOTAL"][pd.Timestamp("2024-11-01")]
    assert history is not None
    assert history.month == date(2025, 11, 1)
    (poll,) = [entry for entry in history.polls if entry.model == "poll"]
    assert poll.day == date(2025, 12, 7)
    assert poll.value == pytest.approx(before * 1.038)
    assert history.first_print == pytest.approx(before * 1.059)


def test_the_api_tells_units_and_balances_apart(engine: Engine) -> None:
    with TestClient(create_app(engine=engine, options=options())) as client:
        url = "/v1/datasets/CN_TRADE/external-forecasts"
        everything = client.get(url, params={"model": "poll", "limit": 1000}).json()
        balances = client.get(url, params={"model": "poll", "flow": "B"}).json()
        growth = client.get(url, params={"flow": "X", "units": "pc1", "start": "2025-11", "model": "poll"}).json()
        models = client.get(f"{url}/models").json()
    validate(ExternalForecastPage, everything)
    validate(ExternalModelPage, models)
    assert (everything["total"], balances["total"]) == (84, 28)
    assert {row["unique_id"] for row in balances["external_forecasts"]} == {"CN_TRADE.B.WLD.TOTAL"}
    assert {row["unit"] for row in balances["external_forecasts"]} == {"USD bn"}
    first = growth["external_forecasts"][0]
    assert (first["units"], first["unit"], first["first_print"]) == ("pc1", "% on a year ago", 5.9)
    poll = next(row for row in models["models"] if (row["model_id"], row["measure"]) == ("poll", "balance"))
    assert poll["n"] == poll["points"] <= 28


def test_the_page_says_who_was_closer(engine: Engine) -> None:
    with TestClient(create_app(engine=engine, options=options())) as client:
        page = client.get("/consensus", params={"flow": "X"})
        balance = client.get("/consensus", params={"flow": "B"})
        level = client.get("/consensus", params={"flow": "X", "units": "lin"})
    assert (page.status_code, balance.status_code, level.status_code) == (200, 200, 200)
    assert "the poll missed by" in page.text
    assert "First print" in page.text
    assert "November 2025" in page.text
    assert "Balance" in balance.text
