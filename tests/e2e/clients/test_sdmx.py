"""sdmx1 and pysdmx, unmodified, against the SDMX service."""

import io
from typing import Any

import httpx
import pandas as pd
import pytest
import sdmx

# sdmx1 cannot load its reader of version 3 once it has read the structure-specific data of Eurostat.
import sdmx.reader.xml.v30
from numpy.testing import assert_allclose
from pysdmx.io import read_sdmx
from sqlmodel import Session

from store.queries import observations
from tests.integration.api.conftest import World

FLOWS = ["FORECASTS", "OBSERVATIONS", "VINTAGES"]


@pytest.fixture(scope="module")
def client(address: str) -> Any:
    source = {"id": "TRADEWIND", "url": f"{address}/sdmx/2.1", "name": "Tradewind", "supports": {"preview": True}}
    sdmx.add_source(source, override=True)
    return sdmx.Client("TRADEWIND")


@pytest.fixture(scope="module")
def stored(world: World) -> pd.Series:
    with Session(world.engine) as session:
        frame = observations.panel_frame(session, "CN_CLEANTECH")
    return frame[frame["unique_id"] == "CN_CLEANTECH.X.USA.EV"].set_index("ds")["y"]


def test_sdmx1_lists_and_describes_the_dataflows(client: Any) -> None:
    assert sorted(client.dataflow().dataflow) == FLOWS
    described = client.dataflow("FORECASTS")
    structure = described.structure["FORECASTS"]
    names = [dimension.id for dimension in structure.dimensions.components]
    assert names == ["FREQ", "DATASET", "FLOW", "PARTNER", "SECTOR", "STATISTIC", "TIME_PERIOD"]
    assert "P97_5" in described.codelist["CL_STATISTIC"]
    assert client.codelist("CL_FLOW").codelist["CL_FLOW"]["X"].name["en"] == "Exports"
    concepts = client.conceptscheme("CS_TRADEWIND").concept_scheme["CS_TRADEWIND"]
    assert {name for name in names if name not in concepts} == set()


def test_sdmx1_fetches_observations_into_pandas(client: Any, stored: pd.Series) -> None:
    key = {"DATASET": "CN_CLEANTECH", "PARTNER": "USA", "SECTOR": "EV"}
    message = client.data("OBSERVATIONS", key=key, params={"startPeriod": "2024-01"})
    found = sdmx.to_pandas(message)
    assert_allclose(found.to_numpy(), stored[stored.index >= "2024-01-01"].to_numpy(), rtol=1e-11)
    assert found.index.get_level_values("TIME_PERIOD")[0] == "2024-01"


def test_sdmx1_reads_structure_specific_data(client: Any, stored: pd.Series) -> None:
    structure = client.datastructure("OBSERVATIONS").structure["OBSERVATIONS"]
    key = {"DATASET": "CN_CLEANTECH", "PARTNER": "USA", "SECTOR": "EV"}
    message = client.data("OBSERVATIONS", key=key, dsd=structure)
    assert_allclose(sdmx.to_pandas(message).to_numpy(), stored.to_numpy(), rtol=1e-11)


def test_sdmx1_reads_json(address: str, stored: pd.Series) -> None:
    url = f"{address}/sdmx/2.1/data/OBSERVATIONS/M.CN_CLEANTECH.X.USA+DEU.EV"
    answer = httpx.get(url, headers={"Accept": "application/vnd.sdmx.data+json;version=1.0.0"})
    assert answer.headers["content-type"] == "application/vnd.sdmx.data+json;version=1.0.0"
    message = sdmx.read_sdmx(io.BytesIO(answer.content))
    found = sdmx.to_pandas(message)
    assert_allclose(found.xs("USA", level="PARTNER").to_numpy(), stored.to_numpy(), rtol=1e-12)
    assert set(found.index.get_level_values("PARTNER")) == {"USA", "DEU"}
    assert found.index.get_level_values("TIME_PERIOD")[0] == "2022-01"


def test_sdmx1_and_pysdmx_read_data_of_version_3(address: str, stored: pd.Series) -> None:
    url = f"{address}/sdmx/3.0/data/dataflow/TRADEWIND/OBSERVATIONS/+/M.CN_CLEANTECH.*.USA.EV"
    answer = httpx.get(url, params={"c[TIME_PERIOD]": "ge:2024-01+le:2024-06"})
    wanted = stored[(stored.index >= "2024-01-01") & (stored.index <= "2024-06-01")]
    assert answer.headers["content-type"] == "application/vnd.sdmx.data+xml;version=3.0.0"
    found = sdmx.to_pandas(sdmx.read_sdmx(io.BytesIO(answer.content)))
    assert_allclose(found.to_numpy(), wanted.to_numpy(), rtol=1e-11)
    for accept in ("*/*", "application/vnd.sdmx.data+csv;version=2.0.0"):
        answer = httpx.get(url, params={"c[TIME_PERIOD]": "ge:2024-01+le:2024-06"}, headers={"Accept": accept})
        message: Any = read_sdmx(answer.text, validate=False)
        values: Any = pd.to_numeric(message.data[0].data["OBS_VALUE"])
        assert_allclose(values.to_numpy(), wanted.to_numpy(), rtol=1e-11)


def test_sdmx1_and_pysdmx_read_structures_of_version_3(address: str) -> None:
    base = f"{address}/sdmx/3.0/structure"
    answer = httpx.get(f"{base}/dataflow/TRADEWIND/FORECASTS/+?references=all")
    assert answer.headers["content-type"] == "application/vnd.sdmx.structure+xml;version=3.0.0"
    message: Any = sdmx.read_sdmx(io.BytesIO(answer.content))
    structure = message.structure["FORECASTS"]
    names = ["FREQ", "DATASET", "FLOW", "PARTNER", "SECTOR", "STATISTIC", "TIME_PERIOD"]
    assert [dimension.id for dimension in structure.dimensions.components] == names
    assert [measure.id for measure in structure.measures.components] == ["OBS_VALUE"]
    assert message.dataflow["FORECASTS"].structure is structure
    assert "P97_5" in message.codelist["CL_STATISTIC"]
    # pysdmx validates against the schemas of 3.0.
    for path in (
        "dataflow/TRADEWIND/*/+?references=all",
        "datastructure/*/*/+?references=all",
        "codelist",
        "conceptscheme",
    ):
        found: Any = read_sdmx(httpx.get(f"{base}/{path}").text, validate=True)
        assert found.structures
    found = read_sdmx(httpx.get(f"{base}/datastructure/TRADEWIND/VINTAGES/1.0").text)
    (defined,) = found.structures
    assert [component.id for component in defined.components.dimensions] == [*names[:5], "VINTAGE", "TIME_PERIOD"]
    assert httpx.get(f"{base}/dataflow/TRADEWIND/NOTHING/+").status_code == 404


@pytest.mark.parametrize("times", ["gt:2024-01", "ge:lately"])
def test_a_period_in_another_form_is_a_400(address: str, times: str) -> None:
    url = f"{address}/sdmx/3.0/data/dataflow/TRADEWIND/OBSERVATIONS/+"
    answer = httpx.get(url, params={"c[TIME_PERIOD]": times})
    assert answer.status_code == 400
    assert "ge:2020-01+le:2020-12" in answer.text


def test_forecasts_have_a_series_for_each_statistic(client: Any, address: str) -> None:
    found = sdmx.to_pandas(client.data("FORECASTS", key="M.CN_CLEANTECH.X.USA.EV."))
    codes = set(found.index.get_level_values("STATISTIC"))
    assert codes >= {"MEAN", "MEDIAN", "P2_5", "P97_5"}
    query = "flow=X&partner=USA&sector=EV&level=95"
    rest = httpx.get(f"{address}/v1/datasets/CN_CLEANTECH/forecasts?{query}").json()["series"][0]["months"]
    upper = found.xs("P97_5", level="STATISTIC")
    assert_allclose(upper.to_numpy(), [month["intervals"][0]["hi"] for month in rest], rtol=1e-9)


def test_vintages_are_a_dimension_and_a_base_path(client: Any, address: str) -> None:
    found = sdmx.to_pandas(client.data("VINTAGES", key="M.CN_TRADE.X.WLD.TOTAL."))
    vintages = sorted(set(found.index.get_level_values("VINTAGE")))
    assert len(vintages) > 1
    early = httpx.get(f"{address}/sdmx/2.1/asof/{vintages[0]}/data/OBSERVATIONS/M.CN_TRADE.X.WLD.TOTAL")
    late = httpx.get(f"{address}/sdmx/2.1/data/OBSERVATIONS/M.CN_TRADE.X.WLD.TOTAL")
    assert 0 < early.text.count("ObsDimension") < late.text.count("ObsDimension")


def test_series_keys_and_available_codes(client: Any, address: str) -> None:
    keys = client.series_keys("OBSERVATIONS")
    assert len(keys) == 14
    answer = httpx.get(f"{address}/sdmx/2.1/availableconstraint/OBSERVATIONS/M.CN_CLEANTECH...")
    assert answer.status_code == 200
    assert ">EV<" in answer.text


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/vnd.sdmx.structurespecificdata+xml;version=2.1",
        "application/vnd.sdmx.data+csv;version=1.0.0",
        "application/vnd.sdmx.data+csv;version=2.0.0",
    ],
)
def test_pysdmx_reads_every_format(address: str, accept: str, stored: pd.Series) -> None:
    url = f"{address}/sdmx/2.1/data/OBSERVATIONS/M.CN_CLEANTECH.X.USA.EV"
    answer = httpx.get(url, headers={"Accept": accept})
    message: Any = read_sdmx(answer.text, validate=False)
    (data,) = message.data
    values: Any = pd.to_numeric(data.data["OBS_VALUE"])
    assert_allclose(values.to_numpy(), stored.to_numpy(), rtol=1e-11)


def test_what_is_not_there_is_a_404_and_a_bad_key_a_400(address: str) -> None:
    assert httpx.get(f"{address}/sdmx/2.1/dataflow/TRADEWIND/NOTHING").status_code == 404
    assert httpx.get(f"{address}/sdmx/2.1/data/OBSERVATIONS/M.CN_TRADE.X.XXX.TOTAL").status_code == 404
    assert httpx.get(f"{address}/sdmx/2.1/data/OBSERVATIONS/M.CN_TRADE").status_code == 400
    answer = httpx.get(f"{address}/sdmx/2.1/data/OBSERVATIONS?dimensionAtObservation=AllDimensions")
    assert answer.status_code == 501
