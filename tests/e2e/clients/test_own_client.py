"""`tradewind.client` against a served instance."""

import subprocess
import sys

import httpx
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from api.app import create_app
from tests.integration.api.conftest import World, options
from tests.support.factories import observed
from tests.support.web_service import served
from tradewind.client import Client, NoAnswer, ServiceError

HEAVY = ("prophet", "statsforecast", "scipy", "sqlalchemy", "fastapi", "pydantic", "forecasting", "store", "services")


@pytest.fixture(scope="module")
def service(address: str) -> Client:
    return Client(address)


def test_a_forecast_is_a_frame_with_dates_and_units(service: Client, world: World) -> None:
    found = service.forecast("CN_CLEANTECH", partner="USA", sector=["EV", "TOTAL"], level=[80], horizon=3)
    assert found["date"].dtype == "datetime64[ns]"
    assert set(found["unique_id"]) == {"CN_CLEANTECH.X.USA.EV", "CN_CLEANTECH.X.USA.TOTAL"}
    row = world.clean.row("CN_CLEANTECH.X.USA.EV")
    mine = found[found["sector"] == "EV"]
    assert_allclose(mine["mean"], world.clean.mean[row, :3], rtol=1e-15)
    assert set(mine["unit"]) == {"USD m"}
    assert (mine["lo"] < mine["hi"]).all()


def test_growth_with_history_is_one_call(service: Client) -> None:
    found = service.forecast("CN_TRADE", flow="X", units="pc1", history=True)
    history = found[found["step"] <= 0].set_index("date")["value"]
    expected = 100 * pd.Series(observed("CN_TRADE.X.WLD.TOTAL"), index=history.index).pct_change(12)
    assert_allclose(history, expected, rtol=1e-9)
    assert found["date"].is_monotonic_increasing
    assert set(found["unit"]) == {"%"}


def test_observations_are_exact(service: Client) -> None:
    found = service.observations("CN_TRADE", flow="X")
    assert found["value"].tolist() == observed("CN_TRADE.X.WLD.TOTAL").tolist()
    assert found["vintage"].dtype == "datetime64[ns]"
    adjusted = service.observations("CN_CLEANTECH", partner="USA", sector="EV", adjusted=["seasonal", "calendar"])
    assert set(adjusted["adjusted"]) == {"calendar+seasonal"}


def test_a_probability_has_its_error_and_intervals(service: Client, world: World) -> None:
    found = service.probability("CN_TRADE", flow="X", period="2026-03", above=100, level=[50, 80])
    draws = world.trade.paths[world.trade.row("CN_TRADE.X.WLD.TOTAL"), :, 2]
    assert found.probability == np.mean(draws > 100)
    assert (found.run, found.cutoff, found.unit) == (world.trade.run_id, "2025-12", "USD bn")
    lo, hi = found.intervals[80]
    assert lo is not None
    assert hi is not None
    assert lo < hi


def test_datasets_series_runs_and_scores_are_frames(service: Client) -> None:
    assert set(service.datasets()["id"]) == {"CN_TRADE", "CN_CLEANTECH"}
    assert service.series("CN_CLEANTECH", search="germany")["partner"].tolist() == ["DEU"] * 3
    assert len(service.runs("CN_TRADE")) == 2
    assert {"mase", "wis"} <= set(service.backtest("CN_TRADE", flow="X")["metric"])


def test_an_error_has_the_reason_of_the_service(service: Client) -> None:
    with pytest.raises(ServiceError) as refused:
        service.forecast("CN_TRADE", partner="MARS")
    assert refused.value.status == 404
    assert "MARS" in refused.value.detail
    with pytest.raises(ServiceError, match="give above, below, or both"):
        service.probability("CN_TRADE", period="2026")


def test_no_service_is_an_error_with_the_address() -> None:
    with pytest.raises(NoAnswer, match="no answer"), Client("http://127.0.0.1:9") as nobody:
        nobody.runs()


def test_another_service_is_not_taken_for_tradewind() -> None:
    def page(_: httpx.Request) -> httpx.Response:
        return httpx.Response(404, text="<html>not here</html>")

    with pytest.raises(ServiceError, match="is this a Tradewind service"):
        Client("http://elsewhere.example", transport=httpx.MockTransport(page)).runs()


def test_a_key_is_sent(world: World) -> None:
    with served(create_app(engine=world.engine, options=options(require_key_to_read=True))) as url:
        assert len(Client(url, key=world.keys["read"]).datasets()) == 2
        with pytest.raises(ServiceError, match="401"):
            Client(url).datasets()


def test_the_client_loads_neither_forecasters_nor_the_server() -> None:
    script = f"import sys, tradewind.client; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
