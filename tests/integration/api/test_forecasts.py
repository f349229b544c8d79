import asyncio
import io
import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from numpy.testing import assert_allclose, assert_array_equal
from sqlmodel import Session

from api.mcp.server import make_server
from api.rest.schemas.forecasts import ForecastPage
from api.rest.serializers.forecasts import FORECAST_COLUMNS
from api.rest.serializers.series import SERIES_COLUMNS
from forecasting.config import PROBABILITIES
from services.series.series_catalog import SeriesCatalog
from store.database import make_engine
from store.errors import UnknownSeries
from store.queries import forecasts
from store.queries.catalog import SeriesRecord
from tests.integration.api.conftest import TODAY, World, client_of
from tests.support.answers import validate
from tests.support.factories import Published

TRADE = "/v1/datasets/CN_TRADE/forecasts"
CLEAN = "/v1/datasets/CN_CLEANTECH/forecasts"


def answer(client: TestClient, url: str, **params: Any) -> dict[str, Any]:
    response = client.get(url, params=params or None)
    assert response.status_code == 200, response.text
    validate(ForecastPage, response.json())
    return dict(response.json())


def table(client: TestClient, url: str, **params: Any) -> pd.DataFrame:
    response = client.get(url, params=params | {"format": "csv"})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    return pd.read_csv(io.StringIO(response.text), float_precision="round_trip")


def slow_quantiles(run: Published, signs: dict[str, int], probabilities: list[float]) -> list[list[float]]:
    """Quantiles of a signed sum of series by a plain loop over months and draws; a list a probability."""
    rows = [(run.row(unique_id), sign) for unique_id, sign in signs.items()]
    months = []
    for step in range(run.paths.shape[2]):
        draws = [sum(sign * float(run.paths[row, draw, step]) for row, sign in rows) for draw in range(40)]
        months.append([float(np.quantile(draws, probability)) for probability in probabilities])
    return [list(column) for column in zip(*months, strict=True)]


def test_a_series_has_its_published_mean_median_and_intervals(client: TestClient, world: World) -> None:
    found = answer(client, TRADE, flow="X", level=[80, 95])
    run, row = world.trade, world.trade.row("CN_TRADE.X.WLD.TOTAL")
    (series,) = found["series"]
    assert [month["month"] for month in series["months"]] == [f"2026-{month:02}" for month in range(1, 7)]
    assert [month["step"] for month in series["months"]] == [1, 2, 3, 4, 5, 6]
    assert [month["mean"] for month in series["months"]] == run.mean[row].tolist()
    assert [month["median"] for month in series["months"]] == run.median[row].tolist()
    for place, level in enumerate((80, 95)):
        lo, hi = PROBABILITIES.index((100 - level) / 200), PROBABILITIES.index((100 + level) / 200)
        intervals = [month["intervals"][place] for month in series["months"]]
        assert {interval["level"] for interval in intervals} == {level}
        assert [interval["lo"] for interval in intervals] == run.quantiles[row, lo].tolist()
        assert [interval["hi"] for interval in intervals] == run.quantiles[row, hi].tolist()


def test_a_series_that_ended_says_so_in_the_answer_and_on_its_page(scratch: World) -> None:
    with Session(scratch.engine) as session:
        ended = int(scratch.trade.series_ids[scratch.trade.row("CN_TRADE.X.WLD.TOTAL")])
        forecasts.write_statuses(session, scratch.trade.run_id, {ended: "ended since 2019-12"})
        session.commit()
    with client_of(scratch) as client:
        found = answer(client, TRADE)["series"]
        pages = [client.get(f"/series/CN_TRADE/{flow}/WLD/TOTAL").text for flow in "XM"]
        rows = table(client, TRADE, level="80", horizon=1)
        message = client.get("/sdmx/2.1/data/FORECASTS/M.CN_TRADE.X+M...MEAN", headers={"Accept": "text/csv"})
    assistant = make_server(engine=scratch.engine, now=lambda: TODAY, base_url="http://desk.example/")
    answered: Any = asyncio.run(assistant.call_tool("forecast", {"dataset": "CN_TRADE"}))
    sdmx = pd.read_csv(io.StringIO(message.text)).drop_duplicates("FLOW").set_index("FLOW")
    assert {series["unique_id"]: series["status"] for series in found} == {
        "CN_TRADE.M.WLD.TOTAL": None,
        "CN_TRADE.X.WLD.TOTAL": "ended since 2019-12",
    }
    assert ["Status: ended since 2019-12." in page for page in pages] == [True, False]
    assert rows.set_index("flow")["status"].fillna("").to_dict() == {"X": "ended since 2019-12", "M": ""}
    assert sdmx["FORECAST_STATUS"].fillna("").to_dict() == {"X": "ended since 2019-12", "M": ""}
    assert json.loads(answered[0][0].text)["status"] == "ended since 2019-12"


def test_every_number_has_a_unit_and_the_run_is_named(client: TestClient, world: World) -> None:
    found = answer(client, TRADE)
    assert found["unit"] == "USD bn"
    assert {series["unit"] for series in found["series"]} == {"USD bn"}
    assert (found["run"]["id"], found["run"]["cutoff"]) == (world.trade.run_id, "2025-12")
    assert found["run"]["published_at"] is not None
    assert found["revised_data"]


def test_bounds_are_nested_and_ordered_at_any_levels(client: TestClient) -> None:
    found = answer(client, TRADE, level="1,50,33.3,80,95,99.9")
    for series in found["series"]:
        for month in series["months"]:
            bounds = [(interval["lo"], interval["hi"]) for interval in month["intervals"]]
            assert [interval["level"] for interval in month["intervals"]] == [1, 33.3, 50, 80, 95, 99.9]
            assert all(outer[0] <= inner[0] <= inner[1] <= outer[1] for inner, outer in pairwise(bounds))


def test_a_level_that_is_not_stored_comes_from_the_paths(client: TestClient, world: World) -> None:
    unique_id = "CN_TRADE.M.WLD.TOTAL"
    rows = table(client, TRADE, flow="M", level=66.6, digits=17)
    lo, hi = slow_quantiles(world.trade, {unique_id: 1}, [0.167, 0.833])
    assert_allclose(rows["lo"], lo)
    assert_allclose(rows["hi"], hi)
    assert_array_equal(rows["mean"], world.trade.mean[world.trade.row(unique_id)])


def test_another_level_changes_no_mean_or_median_of_a_page(client: TestClient) -> None:
    published, other = (table(client, CLEAN, partner="USA,EU27,DEU", level=level, digits=17) for level in (80, 66.6))
    assert published["unique_id"].nunique() > 3
    for column in ("unique_id", "mean", "median"):
        assert_array_equal(other[column], published[column])


def test_the_balance_is_exports_less_imports_draw_by_draw(client: TestClient, world: World) -> None:
    rows = table(client, TRADE, flow="B", level=80)
    signs = {"CN_TRADE.X.WLD.TOTAL": 1, "CN_TRADE.M.WLD.TOTAL": -1}
    lo, median, hi = slow_quantiles(world.trade, signs, [0.1, 0.5, 0.9])
    assert set(rows["unique_id"]) == {"CN_TRADE.B.WLD.TOTAL"}
    assert_allclose(rows["lo"], lo)
    assert_allclose(rows["median"], median)
    assert_allclose(rows["hi"], hi)
    x, m = (table(client, TRADE, flow=flow, level=80) for flow in "XM")
    assert_allclose(rows["mean"], x["mean"] - m["mean"], rtol=1e-6)


def test_a_group_is_the_sum_of_its_members_draw_by_draw(client: TestClient, world: World) -> None:
    rows = table(client, CLEAN, partner="EU27", sector="EV", level=90)
    signs = {"CN_CLEANTECH.X.DEU.EV": 1, "CN_CLEANTECH.X.FRA.EV": 1}
    lo, hi = slow_quantiles(world.clean, signs, [0.05, 0.95])
    assert_allclose(rows["lo"], lo)
    assert_allclose(rows["hi"], hi)


def test_a_derived_series_says_what_it_is_made_of(client: TestClient) -> None:
    (series,) = answer(client, TRADE, flow="B")["series"]
    assert series["parts"] == [
        {"unique_id": "CN_TRADE.X.WLD.TOTAL", "sign": 1},
        {"unique_id": "CN_TRADE.M.WLD.TOTAL", "sign": -1},
    ]
    (group,) = answer(client, CLEAN, partner="EU27", sector="EV")["series"]
    assert group["partner_name"].startswith("European Union")
    (stored,) = answer(client, TRADE, flow="X")["series"]
    assert stored["parts"] is None


@pytest.mark.parametrize(
    "parameters", [{"partner": ["USA", "EU27"]}, {"partner": "USA,EU27"}, {"partner": ["EU27,USA", "USA"]}]
)
def test_several_codes_come_by_comma_or_by_repeating(client: TestClient, parameters: dict[str, Any]) -> None:
    found = answer(client, CLEAN, sector="EV,BATTERIES", **parameters)
    assert [series["unique_id"] for series in found["series"]] == [
        f"CN_CLEANTECH.X.{partner}.{sector}" for partner in ("EU27", "USA") for sector in ("BATTERIES", "EV")
    ]
    names = {series["partner"]: series["partner_name"] for series in found["series"]}
    assert names["USA"] == "United States"


def test_mixing_stored_and_derived_series_changes_no_figure(client: TestClient) -> None:
    mixed = answer(client, CLEAN, partner="EU27,USA", sector="EV")["series"]
    alone = answer(client, CLEAN, partner="USA", sector="EV")["series"]
    (usa,) = [series for series in mixed if series["partner"] == "USA"]
    for entry, other in zip(usa["months"], alone[0]["months"], strict=True):
        assert (entry["mean"], entry["median"]) == (other["mean"], other["median"])
        bounds = [[interval["lo"], interval["hi"]] for interval in entry["intervals"]]
        assert_allclose(bounds, [[interval["lo"], interval["hi"]] for interval in other["intervals"]], rtol=1e-6)


def test_a_horizon_cuts_the_months(client: TestClient) -> None:
    full, short = answer(client, TRADE), answer(client, TRADE, horizon=2)
    for entry, other in zip(full["series"], short["series"], strict=True):
        assert entry["months"][:2] == other["months"]
    derived = answer(client, TRADE, horizon=2, flow="B")["series"][0]
    assert len(derived["months"]) == 2


def test_as_of_gives_what_was_published_then(client: TestClient, world: World) -> None:
    assert answer(client, TRADE, as_of="2026-01-10")["run"]["id"] == world.earlier.run_id
    assert answer(client, TRADE, as_of="2026-01-15")["run"]["id"] == world.trade.run_id
    assert answer(client, TRADE, run=world.earlier.run_id)["run"]["id"] == world.earlier.run_id
    assert client.get(TRADE, params={"as_of": "2025-12-19"}).status_code == 404


def test_csv_is_one_row_a_series_month_and_level(client: TestClient) -> None:
    rows = table(client, CLEAN, level="50,80,95")
    assert list(rows) == [*FORECAST_COLUMNS, *SERIES_COLUMNS, "status"]
    assert len(rows) == 12 * 6 * 3
    assert not rows.duplicated(["unique_id", "month", "level"]).any()
    assert set(rows["unit"]) == {"USD m"}


def test_csv_and_json_hold_the_same_figures(client: TestClient) -> None:
    rows = table(client, CLEAN, partner="USA,EU27", level=[80, 95], digits=17)
    flat = [
        (series["unique_id"], month["month"], month["mean"], interval["level"], interval["lo"], interval["hi"])
        for series in answer(client, CLEAN, partner="USA,EU27", level=[80, 95])["series"]
        for month in series["months"]
        for interval in month["intervals"]
    ]
    columns = ["unique_id", "month", "mean", "level", "lo", "hi"]
    assert [tuple(row) for row in rows[columns].itertuples(index=False)] == flat


def test_pages_join_to_the_whole(client: TestClient) -> None:
    whole = answer(client, CLEAN, level=80)
    pages, url = [], f"{CLEAN}?level=80&limit=5"
    while url:
        page = answer(client, url)
        assert page["total"] == 12
        pages += page["series"]
        url = page["next"]
    assert pages == whole["series"]


def test_a_csv_page_links_to_the_next(client: TestClient) -> None:
    first = client.get(CLEAN, params={"format": "csv", "limit": 10})
    assert first.headers["x-total-count"] == "12"
    following = client.get(first.links["next"]["url"])
    assert "next" not in following.links
    ids = set(pd.read_csv(io.StringIO(following.text))["unique_id"])
    assert len(ids) == 2


def test_a_page_after_the_last_is_empty(client: TestClient) -> None:
    assert answer(client, CLEAN, offset=12)["series"] == []
    assert len(table(client, CLEAN, offset=999_999_999)) == 0


def test_an_answer_the_client_has_is_not_sent_again(client: TestClient) -> None:
    first = client.get(TRADE, params={"flow": "X"})
    again = client.get(TRADE, params={"flow": "X"}, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert "no-cache" in first.headers["cache-control"]


def test_another_question_format_or_run_has_another_etag(client: TestClient, world: World) -> None:
    questions: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        (TRADE, {"flow": "X"}, {}),
        (TRADE, {"flow": "M"}, {}),
        (TRADE, {"flow": "X", "format": "csv"}, {}),
        (TRADE, {"flow": "X"}, {"Accept": "text/csv"}),
        (TRADE, {"flow": "X", "run": world.earlier.run_id}, {}),
        (CLEAN, {"flow": "X"}, {}),
    ]
    tags = [client.get(url, params=params, headers=headers).headers["etag"] for url, params, headers in questions]
    assert len(set(tags)) == len(tags)


def test_a_304_comes_before_the_forecasts_are_read(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    tag = client.get(TRADE).headers["etag"]
    monkeypatch.setattr("store.queries.forecasts.months", None)
    monkeypatch.setattr("store.queries.forecasts.paths", None)
    assert client.get(TRADE, headers={"If-None-Match": tag}).status_code == 304


def test_forecasts_of_a_run_may_be_kept_for_ever(client: TestClient, world: World) -> None:
    response = client.get(f"/v1/runs/{world.earlier.run_id}/forecasts", params={"flow": "X"})
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert len(response.json()["series"][0]["months"]) == 3
    latest = answer(client, TRADE, flow="X", run=world.earlier.run_id)
    assert response.json()["series"] == latest["series"]


def test_accept_chooses_the_format_and_the_parameter_overrides_it(client: TestClient) -> None:
    def kind(accept: str, **params: str) -> str:
        response = client.get(TRADE, params=params, headers={"Accept": accept})
        return str(response.headers["content-type"]).split(";")[0]

    assert kind("text/csv") == "text/csv"
    assert kind("text/csv;q=0.5, application/json") == "application/json"
    assert kind("text/html,application/xhtml+xml,*/*;q=0.8") == "application/json"
    assert kind("text/csv", format="json") == "application/json"
    assert kind("image/png") == "application/problem+json"


def test_answers_are_compressed_for_who_wants_it(client: TestClient) -> None:
    response = client.get(CLEAN, headers={"Accept-Encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["vary"] == "Accept, Accept-Encoding"
    assert response.json()["total"] == 12


def test_an_answer_says_that_it_may_be_compressed_where_it_would_be(client: TestClient) -> None:
    plain = {"Accept-Encoding": "identity"}
    large, streamed = client.get(CLEAN, headers=plain), client.get(CLEAN, headers=plain, params={"format": "csv"})
    assert "content-encoding" not in large.headers
    assert large.headers["vary"] == streamed.headers["vary"] == "Accept, Accept-Encoding"
    assert "vary" not in client.get("/v1/datasets/NONE/forecasts", headers=plain).headers


@pytest.mark.parametrize("params", [{}, {"frequency": "Q"}, {"format": "csv"}])
def test_a_request_never_waits_for_a_second_connection(world: World, params: dict[str, str]) -> None:
    engine = make_engine(world.engine.url, pool_size=1, autocommit=True)
    # The run's coverage is not known yet: it is read in the same request.
    with client_of(replace(world, engine=engine)) as client:
        assert client.get(CLEAN, params=params).status_code == 200


@pytest.mark.parametrize(
    ("params", "status", "words"),
    [
        ({"level": 0}, 422, "greater than 0"),
        ({"level": 100}, 422, "less than 100"),
        ({"level": "nan"}, 422, "level"),
        ({"level": "eighty"}, 422, "level"),
        ({"horizon": 7}, 422, "beyond the 6 months"),
        ({"horizon": 0}, 422, "horizon"),
        ({"flow": "Z"}, 422, "flow"),
        ({"as_of": "2026-13-01"}, 422, "as_of"),
        ({"as_of": "20260101"}, 422, "YYYY-MM-DD"),
        ({"as_of": "2026-01-15", "run": 1}, 422, "not both"),
        ({"partner": "XXX"}, 404, "no series of partner XXX"),
        ({"partner": "USA"}, 404, "no series of partner USA"),
        ({"flow": "X", "partner": "USA"}, 404, "no series of partner USA"),
        ({"flow": "B", "sector": "EVS"}, 404, "no series of sector EVS"),
        ({"as_of": "2025-12-19"}, 404, "of CN_TRADE is as of 2025-12-19 or earlier; the latest is as of 2026-01-15"),
        ({"sector": "a\x00b"}, 422, "sector"),
        ({"run": 999_999}, 404, "no run 999999"),
        ({"run": 2**31}, 422, "run"),
        ({"offset": 2**64}, 422, "offset"),
        ({"limit": 1001}, 422, "limit"),
        ({"partners": "USA"}, 422, "partners"),
        ({"format": "pdf"}, 422, "format"),
    ],
)
def test_bad_questions_are_refused_with_their_reason(
    client: TestClient, params: dict[str, Any], status: int, words: str
) -> None:
    response = client.get(TRADE, params=params)
    assert response.status_code == status, response.text
    assert words in response.json()["detail"]


@pytest.mark.parametrize(
    ("params", "keys"),
    [
        ({"flow": "X", "partner": "DEU", "sector": "EVS"}, {"sector": "EVS"}),
        ({"flow": "X", "partner": "ASEAN", "sector": "EV"}, {"partner": "ASEAN"}),
        ({"flow": "B", "partner": "DEU", "sector": "EV"}, {"flow": "B"}),
        ({"partner": "DEU,ZZZ", "sector": "EV"}, {"partner": "ZZZ"}),
    ],
)
def test_the_code_that_is_not_there_is_the_one_named(
    client: TestClient, params: dict[str, str], keys: dict[str, str]
) -> None:
    response = client.get(CLEAN, params=params)
    assert (response.status_code, response.json()["keys"]) == (404, keys)


def test_codes_that_are_there_but_not_together_are_named_together() -> None:
    series = [
        SeriesRecord(number, "D", flow, partner, partner, sector, sector)
        for number, (flow, partner, sector) in enumerate(
            [("X", "USA", "EV"), ("X", "DEU", "SOLAR"), ("M", "USA", "EV")]
        )
    ]
    catalog = SeriesCatalog("D", "USD m", series, {}, {}, {"EU27": ("DEU",)})
    for given, named in (
        (("M", ["DEU"], ["SOLAR"]), {"flow": "M", "partner": "DEU", "sector": "SOLAR"}),
        (("X", ["DEU", "USA"], ["EV"]), {"flow": "X", "partner": "DEU", "sector": "EV"}),
        (("B", ["EU27"], None), {"flow": "B", "partner": "EU27"}),
    ):
        with pytest.raises(UnknownSeries) as refused:
            catalog.choose(flows=[given[0]], partners=given[1], sectors=given[2])
        assert refused.value.keys == named
    assert [entry.unique_id for entry in catalog.choose(flows=["B"], partners=None, sectors=None)] == ["D.B.USA.EV"]


def test_a_run_of_another_dataset_or_one_not_published_does_not_answer(client: TestClient, world: World) -> None:
    other = client.get(TRADE, params={"run": world.clean.run_id})
    assert (other.status_code, other.json()["dataset"]) == (404, "CN_CLEANTECH")
    assert other.json()["detail"] == f"run {world.clean.run_id} is of CN_CLEANTECH, not of CN_TRADE"
    for path in ("/series/CN_TRADE/X/WLD/TOTAL", "/v1/datasets/CN_TRADE/tracking"):
        again = client.get(path, params={"run": world.clean.run_id}, headers={"Accept": "application/json"})
        assert again.status_code == 404
    waiting = client.get(CLEAN, params={"run": world.queued})
    assert waiting.status_code == 409
    assert (waiting.json()["run"], waiting.json()["run_status"]) == (world.queued, "queued")
    assert client.get(f"/v1/runs/{world.queued}/forecasts").status_code == 409


def test_an_unknown_dataset_is_not_found(client: TestClient) -> None:
    response = client.get("/v1/datasets/NOWHERE/forecasts")
    assert response.status_code == 404
    assert response.json()["dataset"] == "NOWHERE"
