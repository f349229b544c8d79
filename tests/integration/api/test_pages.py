"""Pages without a browser: their figures are those of the API, and every table and chart can be downloaded."""

import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from numpy.testing import assert_allclose
from sqlmodel import Session

from api import app as application
from api.rest.schemas.forecasts import ForecastHistoryPage
from presentation import formatting
from services.series.catalog_cache import RecentValues
from store.database import make_engine
from store.queries import catalog, releases, run_changes
from tests.conftest import new_database
from tests.integration.api.conftest import client_of
from tests.support.answers import validate
from tests.support.factories import NOW, add_observations, observed, publish_run
from tests.support.pages_world import PagesWorld, copy_of_pages, pages_world

SERIES = "/series/CN_CLEANTECH/X/USA/EV"
LATER = datetime(2026, 4, 15, 12, tzinfo=UTC)
PAGES = (
    *("/", "/series", SERIES, "/series/CN_TRADE/B/WLD/TOTAL", f"{SERIES}?units=pc1&frequency=Q&forecasters=show"),
    *("/series/CN_CLEANTECH/X/EU27/EV?units=share&frequency=A", "/heatmap", "/heatmap?measure=contribution&which=all"),
    *("/backtest", "/backtest?dataset=CN_CLEANTECH&partner=ALL&sector=ALL", "/backtest?kind=quarter_growth"),
    *(
        "/ask",
        "/ask?flow=B&period=2026&above=100",
        "/ask?dataset=CN_CLEANTECH&partner=EU27&sector=EV&units=pc1&below=5",
    ),
    *("/compare", "/compare?dataset=CN_CLEANTECH&partner=EU27&sector=EV"),
    *("/runs", "/runs/1", "/runs/3", "/runs/5", "/events", "/consensus"),
)


@pytest.fixture(scope="module")
def original(server_url: str, template: str) -> PagesWorld:
    """A world that nobody is connected to, so that it can be copied."""
    with pages_world(server_url, template, "pages_original") as world:
        pass
    return world


@pytest.fixture(scope="module")
def pages(original: PagesWorld, server_url: str) -> Iterator[PagesWorld]:
    """A world that is only read."""
    with copy_of_pages(original, server_url) as world:
        yield world


@pytest.fixture(scope="module")
def client(pages: PagesWorld) -> Iterator[TestClient]:
    with client_of(pages) as client:  # type: ignore[arg-type]
        yield client


@pytest.fixture
def own_pages(original: PagesWorld, server_url: str) -> Iterator[PagesWorld]:
    """A world of its own for a test that writes."""
    with copy_of_pages(original, server_url) as world:
        yield world


@pytest.fixture(scope="module")
def released(original: PagesWorld, server_url: str) -> Iterator[PagesWorld]:
    """A world that knows the day on which December 2025 was released, and is only read."""
    with copy_of_pages(original, server_url) as world:
        with Session(world.engine) as session:
            for dataset in ("CN_TRADE", "CN_CLEANTECH"):
                releases.record(session, dataset, {date(2025, 12, 1): date(2026, 1, 9)})
            session.commit()
        yield world


@pytest.fixture(scope="module")
def punctual(released: PagesWorld) -> Iterator[TestClient]:
    """The application before the next release is due."""
    with client_of(released) as client:  # type: ignore[arg-type]
        yield client


@pytest.fixture(scope="module")
def overdue(released: PagesWorld) -> Iterator[TestClient]:
    """The application when three releases are overdue."""
    with client_of(released, now=lambda: LATER) as client:  # type: ignore[arg-type]
        yield client


def page(client: TestClient, url: str, **params: Any) -> str:
    answer = client.get(url, params=params or None)
    assert answer.status_code == 200, answer.text
    return str(answer.text).replace(formatting.NBSP, " ")


def saved(client: TestClient, url: str, section: str, form: str, **params: Any) -> bytes:
    answer = client.get(url, params=params | {"section": section, "save": form})
    assert answer.status_code == 200, answer.text
    assert f"-{section}.{form}" in answer.headers["content-disposition"]
    return bytes(answer.content)


def forecasts(client: TestClient, run: int, **params: Any) -> list[dict[str, Any]]:
    answer = client.get(f"/v1/runs/{run}/forecasts", params=params)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["series"][0]["months"])


@pytest.mark.parametrize("url", PAGES)
def test_a_page_allows_no_script_or_style_but_its_own_files(client: TestClient, url: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 200, answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert re.findall(r"<script(?! defer src=\"/static/| type=\"application/json\")", answer.text) == []
    assert re.findall(r"\sstyle=|\son\w+=\"|<style", answer.text) == []
    assert "//cdn" not in answer.text


@pytest.fixture(scope="module")
def statuses() -> dict[str, int]:
    """The status of every address that a link has led to: pages share most of their links."""
    return {}


@pytest.mark.parametrize("url", PAGES)
def test_every_link_on_a_page_resolves(client: TestClient, statuses: dict[str, int], url: str) -> None:
    html = client.get(url).text
    addresses = {found.replace("&amp;", "&") for found in re.findall(r"(?:href|src)=\"(/[^\"#]*)\"", html)}
    # The documentation site is built apart from these pages; its own tests follow its links.
    skipped = ("report.", "memo.", "save=", "/docs/")
    kept = {address for address in addresses if not any(part in address for part in skipped)}
    statuses.update({address: client.get(address).status_code for address in kept - statuses.keys()})
    assert {address: statuses[address] for address in kept if statuses[address] != 200} == {}


def api_calls(html: str) -> list[str]:
    """API calls that the buttons of a page copy, without the host."""
    return [call.replace("&amp;", "&") for call in re.findall(r"data-copy=\"curl '(?:http://testserver)(.*?)'\"", html)]


@pytest.mark.parametrize("url", PAGES)
def test_every_api_call_on_a_page_is_answered(client: TestClient, url: str) -> None:
    calls = set(api_calls(client.get(url).text))
    # Every download has its API call.
    assert len(api_calls(client.get(url).text)) == client.get(url).text.count('<p class="downloads"')
    wrong = {call: answer.text for call in calls if (answer := client.get(call)).status_code != 200}
    assert wrong == {}


def test_the_overview_shows_the_figures_of_the_api(client: TestClient, pages: PagesWorld) -> None:
    html = page(client, "/")
    (august, *_) = forecasts(client, pages.trade.run_id, flow="X", level=80)
    shown = [august["median"], *(august["intervals"][0][side] for side in ("lo", "hi"))]
    for value in shown:
        assert formatting.money(value, "USD bn").replace(formatting.NBSP, " ") in html
    assert "January 2026: <strong>exports forecast at" in html


def test_the_latest_balance_has_an_interval(client: TestClient, pages: PagesWorld, own_pages: PagesWorld) -> None:
    (_, earlier, *_) = forecasts(client, pages.earlier, flow="B", level=80)
    bounds = [
        formatting.money(earlier["intervals"][0][side], "USD bn").replace(formatting.NBSP, " ") for side in ("lo", "hi")
    ]
    assert f"(80 %: {bounds[0]} to {bounds[1]})" in page(client, "/")
    with client_of(own_pages) as alone:  # type: ignore[arg-type]
        with Session(own_pages.engine) as session:
            session.execute(sa.text("DELETE FROM run WHERE cutoff < '2025-12-01'"))
            session.commit()
        (shown,) = re.findall(r"<li>Balance, December 2025.*?</li>", page(alone, "/"), re.DOTALL)
        assert "by the backtest 1 month earlier (80 %:" in shown
        url, query = "/v1/datasets/CN_TRADE/backtests/folds", {"flow": "B", "level": 80, "limit": 1}
        (fold,) = alone.get(url, params=query).json()["folds"]
        assert formatting.money(fold["months"][0]["mean"], "USD bn").replace(formatting.NBSP, " ") in shown


def test_the_overview_compares_the_latest_actual_with_the_previous_run(client: TestClient, pages: PagesWorld) -> None:
    html = page(client, "/")
    shown = forecasts(client, pages.earlier, flow="X", level=80)[1]
    assert shown["month"] == "2025-12"
    forecast = formatting.money(shown["median"], "USD bn").replace(formatting.NBSP, " ")
    assert f"forecast {forecast} by run {pages.earlier} of 20 November 2025 (data to October 2025)" in html


@pytest.mark.parametrize(
    ("units", "frequency"), [("lin", "M"), ("lin", "Q"), ("pc1", "A"), ("pc1", "M"), ("share", "Q")]
)
def test_a_series_shows_the_figures_of_the_api(
    client: TestClient, pages: PagesWorld, units: str, frequency: str
) -> None:
    table = pd.read_csv(io.BytesIO(saved(client, SERIES, "forecast", "csv", units=units, frequency=frequency)))
    query = {"flow": "X", "partner": "USA", "sector": "EV", "units": units, "level": "50,80,95"}
    query |= {"of": "sector"} if units == "share" else {}
    url = f"/v1/runs/{pages.clean.run_id}/forecasts"
    answer = client.get(url, params={**query, "frequency": frequency, "format": "csv"})
    assert answer.status_code == 200, answer.text
    api = pd.read_csv(io.StringIO(answer.text))
    for level in (50, 80, 95):
        rows = api[(api["level"] == level) & api["median"].notna()]
        assert_allclose(table["median"], rows["median"], rtol=1e-6)
        assert_allclose(table[f"lo_{level}"], rows["lo"], rtol=1e-6)
        assert_allclose(table[f"hi_{level}"], rows["hi"], rtol=1e-6)


def test_every_file_format_of_a_table_has_the_same_figures(client: TestClient) -> None:
    csv = pd.read_csv(io.BytesIO(saved(client, SERIES, "forecast", "csv")))
    xlsx = pd.read_excel(io.BytesIO(saved(client, SERIES, "forecast", "xlsx")))
    parquet = pd.read_parquet(io.BytesIO(saved(client, SERIES, "forecast", "parquet")))
    assert list(parquet.columns) == list(csv.columns)
    assert_allclose(parquet.drop(columns="period"), csv.drop(columns="period"))
    assert_allclose(xlsx.iloc[:, 1:].astype(float), csv.drop(columns="period"))
    assert "Forecast (USD m)" in xlsx.columns


# No external forecast is stored here, so that the page on them has no table.
@pytest.mark.parametrize("url", [page for page in PAGES if page != "/consensus"])
def test_every_table_downloads_in_every_format(client: TestClient, url: str) -> None:
    saved_as = re.findall(r"href=\"(/[^\"]*save=(?:csv|xlsx|parquet))\"", client.get(url).text)
    assert saved_as
    addresses = [address.replace("&amp;", "&") for address in saved_as]
    wrong = {address: status for address in addresses if (status := client.get(address).status_code) != 200}
    assert wrong == {}


def test_times_in_a_workbook_are_in_utc(client: TestClient) -> None:
    rows = pd.read_excel(io.BytesIO(saved(client, "/runs", "runs", "xlsx")))
    assert set(rows["Requested"]) == {NOW.replace(tzinfo=None)}


def test_a_chart_downloads_as_svg_and_png(client: TestClient) -> None:
    assert saved(client, SERIES, "forecast", "svg").startswith(b"<svg")
    assert saved(client, "/heatmap", "heat", "png").startswith(b"\x89PNG")


def test_an_unknown_section_is_not_found(client: TestClient) -> None:
    answer = client.get(SERIES, params={"section": "observed", "save": "svg"})
    assert answer.status_code == 404
    assert "its sections: forecast, earlier, then, components, observed" in answer.text


def test_a_permalink_shows_the_same_run_after_a_newer_one(own_pages: PagesWorld) -> None:
    with client_of(own_pages) as client:  # type: ignore[arg-type]
        link = f"/series/CN_TRADE/X/WLD/TOTAL?run={own_pages.trade.run_id}"
        before = client.get(link).text
        with Session(own_pages.engine) as session:
            newer = publish_run(session, "CN_TRADE", horizon=14, seed=99, data_hash="f" * 64)
            session.commit()
        assert client.get(link).text == before
        assert f"run {newer.run_id}" in client.get("/series/CN_TRADE/X/WLD/TOTAL").text


def test_a_share_is_offered_only_where_the_whole_exists(own_pages: PagesWorld) -> None:
    with client_of(own_pages) as client:  # type: ignore[arg-type]
        with Session(own_pages.engine) as session:
            about = ("title", "publisher", "licence", "citation")
            described = {"currency": "USD", "unit": "USD m", "release_day": 15, **dict.fromkeys(about, "steel")}
            catalog.add_dataset(session, id="KR_STEEL", reporter="CHN", **described)
            catalog.ensure_series(
                session, "KR_STEEL", [("X", "WLD", "EV"), ("X", "USA", "EV"), ("X", "DEU", "BATTERIES")]
            )
            publish_run(session, "KR_STEEL")
            session.commit()
        for place, offered in (("WLD/EV", False), ("USA/EV", True), ("DEU/BATTERIES", False)):
            page = f"/series/KR_STEEL/X/{place}"
            assert ("units=share" in client.get(page).text) == offered
            assert client.get(page, params={"units": "share"}).status_code == (200 if offered else 422)
        refused = client.get("/series/CN_TRADE/B/WLD/TOTAL", params={"units": "share"})
        assert (refused.status_code, "a balance may be zero or below" in refused.text) == (422, True)


def test_a_series_lists_the_forecasts_of_each_forecaster(client: TestClient, pages: PagesWorld) -> None:
    table = pd.read_csv(io.BytesIO(saved(client, SERIES, "forecasters", "csv", forecasters="show")))
    folds, row = pages.clean.folds, pages.clean.row("CN_CLEANTECH.X.USA.EV")
    live = folds["means"][row, folds["forecasters"].index("theta"), -1]
    assert_allclose(table[table["forecaster"] == "theta"]["value"], live, rtol=3e-5)
    assert set(table["forecaster"]) == {"theta", "seasonal naive"}


def test_a_series_lists_earlier_forecasts(client: TestClient, pages: PagesWorld) -> None:
    table = pd.read_csv(io.BytesIO(saved(client, SERIES, "earlier", "csv")))
    shown = forecasts(client, pages.clean.run_id - 2, flow="X", partner="USA", sector="EV")
    october = table[table["made"] == "2025-10"].set_index("period")["value"]
    assert_allclose(october, [month["mean"] for month in shown])
    assert october.index.tolist() == [month["month"] for month in shown]


@pytest.mark.parametrize("frequency", ["M", "Q"])
@pytest.mark.parametrize("place", ["CN_CLEANTECH/X/USA/EV", "CN_CLEANTECH/X/EU27/EV", "CN_TRADE/B/WLD/TOTAL"])
def test_forecast_history_matches_the_api(client: TestClient, frequency: str, place: str) -> None:
    query = {"forecasters": "show", "frequency": frequency}
    calls = api_calls(client.get(f"/series/{place}", params=query).text)
    for section in ("forecasters", "earlier"):
        table = pd.read_csv(io.BytesIO(saved(client, f"/series/{place}", section, "csv", **query)))
        (call,) = (call for call in calls if "/forecast-history?" in call and f"of={section}" in call)
        answer = client.get(call)
        assert_allclose(
            table["value"], [row["value"] for row in validate(ForecastHistoryPage, answer.json())["forecasts"]]
        )
        rows = pd.read_csv(io.StringIO(client.get(f"{call}&format=csv&limit=2&offset=1").text))
        assert_allclose(rows["value"], table["value"][1:3])


def test_forecast_history_needs_one_series_of_a_published_run(client: TestClient, pages: PagesWorld) -> None:
    assert client.get(f"/v1/runs/{pages.clean.run_id}/forecast-history").status_code == 422
    assert client.get(f"/v1/runs/{pages.queued}/forecast-history").status_code == 409
    assert client.get("/v1/runs/999/forecast-history").status_code == 404


def test_decomposition_multiplies_to_the_observations(client: TestClient, pages: PagesWorld) -> None:
    table = pd.read_csv(io.BytesIO(saved(client, SERIES, "components", "csv"))).set_index("month")
    past = table.dropna()
    product = past["trend"] * (1 + past["season"] / 100) * (1 + past["calendar"] / 100) * (1 + past["rest"] / 100)
    assert_allclose(product[::-1], observed("CN_CLEANTECH.X.USA.EV"))
    assert len(table) - len(past) == 14
    query = {"flow": "X", "partner": "USA", "sector": "EV", "format": "csv"}
    answer = client.get(f"/v1/runs/{pages.clean.run_id}/components", params=query)
    assert_allclose(pd.read_csv(io.StringIO(answer.text))["trend"][::-1], table["trend"])
    # A balance may be below zero, where there is no logarithm.
    assert 'id="components"' not in client.get("/series/CN_TRADE/B/WLD/TOTAL").text


def test_errors_are_html_pages(client: TestClient) -> None:
    answer = client.get("/series/CN_TRADE/X/XXX/TOTAL")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "has no series" in answer.text
    assert client.get("/series/CN_TRADE/X/WLD/TOTAL?units=pounds").status_code == 422
    assert client.get("/heatmap?colour=red").status_code == 422
    assert client.get("/runs/999").status_code == 404


def heat(client: TestClient, **params: Any) -> Any:
    return pd.read_csv(io.BytesIO(saved(client, "/heatmap", "heat", "csv", dataset="CN_CLEANTECH", **params)))


def test_the_heat_map_shows_growth_of_the_year(client: TestClient, pages: PagesWorld) -> None:
    table = heat(client, period="2026").set_index("code")
    query = {"flow": "X", "partner": "DEU", "sector": "EV", "frequency": "A", "units": "pc1", "level": 80}
    (year,) = client.get(f"/v1/runs/{pages.clean.run_id}/forecasts", params=query).json()["series"][0]["months"]
    assert_allclose(table.loc["DEU", "EV"], year["median"])
    assert_allclose(table.loc["DEU", "EV_lo"], year["intervals"][0]["lo"])


@pytest.mark.parametrize("measure", ["pc1", "contribution"])
def test_the_heat_map_matches_its_api_call(client: TestClient, measure: str) -> None:
    query = {"dataset": "CN_CLEANTECH", "measure": measure, "which": "all"}
    table = pd.read_csv(io.BytesIO(saved(client, "/heatmap", "heat", "csv", **query))).set_index("code")
    heat_call, small_call = api_calls(client.get("/heatmap", params=query).text)
    (period,) = re.findall("period=([^&]*)", heat_call)
    found = client.get(heat_call).json()["series"]
    assert len(found) == table.size // len(table.columns) * 3
    for series in found:
        (row,) = series["months"]
        assert row["period"] == period
        assert_allclose(table.loc[series["partner"], series["sector"]], row["median"])
    small = pd.read_csv(io.BytesIO(saved(client, "/heatmap", "multiples", "csv", **query)))
    first = client.get(small_call).json()["series"][0]
    name = first["partner_name"]
    assert_allclose(small[small["partner"] == name]["median"].tail(14), [month["median"] for month in first["months"]])


def test_the_heat_map_is_sorted_filtered_and_searched(client: TestClient) -> None:
    codes = heat(client)["code"].tolist()
    assert codes[0] == "WLD"
    assert set(codes) == {"WLD", "USA", "DEU", "FRA"}
    assert heat(client, which="groups")["code"].tolist() == ["WLD", "EU27"]
    assert heat(client, q="germ")["code"].tolist() == ["DEU"]
    assert heat(client, q="nobody").empty
    down = heat(client, sort="EV")["EV"].iloc[1:]
    assert down.is_monotonic_decreasing
    assert heat(client, sort="EV", order="up")["EV"].iloc[1:].tolist() == down.tolist()[::-1]
    assert heat(client, sort="partner", order="up")["partner"].tolist()[1:] == ["France", "Germany", "United States"]


def test_contribution_of_the_total_is_its_growth(client: TestClient, pages: PagesWorld) -> None:
    table = heat(client, measure="contribution", period="2026").set_index("code")
    growth = heat(client, period="2026").set_index("code")
    assert_allclose(table.loc["WLD", "TOTAL"], growth.loc["WLD", "TOTAL"])


def test_the_backtest_shows_the_scores_of_the_api(client: TestClient, pages: PagesWorld) -> None:
    table = pd.read_csv(io.BytesIO(saved(client, "/backtest", "errors", "csv", dataset="CN_TRADE")))
    url = f"/v1/datasets/CN_TRADE/backtests?run={pages.trade.run_id}&flow=X&partner=WLD&sector=TOTAL&format=csv"
    api = pd.read_csv(io.StringIO(client.get(url).text))
    assert_allclose(table["combination"], api[api["metric"] == "mase"]["value"])
    assert list(table.columns) == ["step", "combination", "seasonal naive", "theta", "n"]


def test_coverage_has_its_sampling_error(client: TestClient) -> None:
    table = pd.read_csv(io.BytesIO(saved(client, "/backtest", "coverage", "csv", dataset="CN_TRADE")))
    assert table["nominal"].tolist() == [0.5, 0.8, 0.9, 0.95]
    # Four cutoffs, two cases added to each side.
    centre = (table["value"] * 4 + 2) / 8
    assert_allclose(table["error"], 2 * np.sqrt(centre * (1 - centre) / 8))


def test_the_pit_histogram_counts_every_forecast(client: TestClient) -> None:
    table = pd.read_csv(io.BytesIO(saved(client, "/backtest", "pit", "csv", dataset="CN_TRADE")))
    assert table["n"].tolist() == [3, 4] * 5
    assert_allclose(table["share"].sum(), 1)


def test_a_fold_shows_forecasts_and_outcomes(client: TestClient, pages: PagesWorld) -> None:
    fold = saved(client, "/backtest", "fold", "csv", dataset="CN_TRADE", fold="2025-10")
    table = pd.read_csv(io.BytesIO(fold))
    folds, row = pages.trade.folds, pages.trade.row("CN_TRADE.X.WLD.TOTAL")
    place = folds["cutoffs"].tolist().index(np.datetime64("2025-10").item())
    assert_allclose(table["median"], folds["means"][row, folds["forecasters"].index("combination"), place], rtol=3e-5)
    assert_allclose(table["actual"], folds["actuals"][row, place])
    assert table["period"].iloc[0] == "2025-11"


@pytest.mark.parametrize("kind", ["quarter", "year", "month_growth", "quarter_growth", "year_growth"])
def test_folds_and_misses_of_every_kind_match_the_api(client: TestClient, kind: str) -> None:
    query = {"dataset": "CN_CLEANTECH", "flow": "X", "partner": "USA", "sector": "EV", "kind": kind}
    calls = api_calls(client.get("/backtest", params=query).text)
    for section, column in (("fold", "median"), ("misses", "mean")):
        table = pd.read_csv(io.BytesIO(saved(client, "/backtest", section, "csv", **query)))
        (call,) = (call for call in calls if f"/backtests/{section}" in call)
        answer = client.get(call).json()
        rows = answer["misses"] if section == "misses" else answer["folds"][0]["months"]
        assert_allclose(table[column], [row["mean"] for row in rows])
        assert table["period"].astype(str).tolist() == [row["period"] for row in rows]


def test_the_largest_misses_are_outside_their_interval_and_ordered(client: TestClient) -> None:
    misses = saved(client, "/backtest", "misses", "csv", dataset="CN_CLEANTECH", partner="ALL", sector="ALL")
    table = pd.read_csv(io.BytesIO(misses))
    assert len(table) > 3
    assert ((table["actual"] < table["lo"]) | (table["actual"] > table["hi"])).all()
    beyond = np.maximum(table["lo"] - table["actual"], table["actual"] - table["hi"]) / (table["hi"] - table["lo"])
    assert_allclose(table["widths"], beyond)
    assert table["widths"].is_monotonic_decreasing


def test_runs_are_listed_with_the_progress_of_a_queued_run(client: TestClient, pages: PagesWorld) -> None:
    html = page(client, "/runs")
    assert f'data-run="{pages.queued}"' in html
    assert html.index(f'href="/runs/{pages.queued}"') < html.index(f'href="/runs/{pages.trade.run_id}"')


def test_a_run_shows_changes_since_the_previous_run(client: TestClient, pages: PagesWorld) -> None:
    url = f"/runs/{pages.trade.run_id}"
    assert "data to December 2025 instead of October 2025" in page(client, url)
    table = pd.read_csv(io.BytesIO(saved(client, url, "changes", "csv")))
    assert_allclose(table["change"], 100 * (table["after"] / table["before"] - 1))
    assert set(table["series"]) == {"Exports", "Imports"}


def test_a_run_attributes_the_changes_of_its_totals(own_pages: PagesWorld) -> None:
    with client_of(own_pages) as client:  # type: ignore[arg-type]
        url = f"/runs/{own_pages.trade.run_id}"
        assert 'id="moves"' not in client.get(url).text
        shared = np.arange(np.datetime64("2026-01"), np.datetime64("2027-01"))
        with Session(own_pages.engine) as session:
            names = ("new_figures", "revised_figures", "indicators", "published_total", "reestimation")
            named = dict(zip(names, np.random.default_rng(2).normal(size=(5, 2, len(shared))), strict=True))
            ids = own_pages.trade.series_ids.tolist()
            run_changes.write(
                session, own_pages.trade.run_id, own_pages.earlier, series_ids=ids, months=shared, **named
            )
            session.commit()
        table = pd.read_csv(io.BytesIO(saved(client, url, "moves", "csv")))
        (call,) = (call for call in api_calls(client.get(url).text) if "/changes" in call)
        answer = client.get(call).json()["changes"]
        assert_allclose(sorted(table["change"]), sorted(row["change"] for row in answer))
        assert_allclose(sorted(table["new_figures"]), sorted(row["new_observations"] for row in answer))
        assert set(table["series"]) == {"Exports", "Imports"}


def test_pages_require_a_key_where_reading_does(pages: PagesWorld) -> None:
    with client_of(pages, require_key_to_read=True) as client:  # type: ignore[arg-type]
        assert {client.get(url).status_code for url in ("/", SERIES, "/heatmap", "/backtest", "/runs")} == {401}


def test_an_empty_service_has_an_overview(server_url: str, template: str) -> None:
    engine = make_engine(new_database(server_url, "pages_empty", template=template), pool_size=2)
    with client_of(PagesWorld(engine, None, None, 0, 0)) as client:  # type: ignore[arg-type]
        assert "No data has been stored yet" in page(client, "/")
        assert client.get("/backtest").status_code == 404
    engine.dispose()


def test_the_first_page_weighs_less_than_a_megabyte(client: TestClient) -> None:
    html = client.get("/").text
    files = re.findall(r"(?:href|src)=\"(/static/[^\"]+)\"", html)
    assert len(files) == 6
    # Raw bytes, because the client decompresses responses.
    assert sum(wire_size(client, url) for url in ["/", *files]) < 1_000_000


def wire_size(client: TestClient, url: str) -> int:
    with client.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as answer:
        return sum(len(part) for part in answer.iter_raw())


def test_a_workbook_has_numbers_months_and_frozen_headings(client: TestClient) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(saved(client, SERIES, "forecast", "xlsx"))).active
    assert sheet is not None
    assert sheet.freeze_panes == "B2"
    assert sheet["A2"].is_date
    assert isinstance(sheet["B2"].value, float)


def test_a_workbook_names_its_licence_citation_and_run(client: TestClient) -> None:
    book = openpyxl.load_workbook(io.BytesIO(saved(client, SERIES, "forecast", "xlsx")))
    facts = dict(book["About"].iter_rows(values_only=True))
    dataset = client.get(f"/v1/datasets/{facts['dataset']}").json()
    assert (facts["licence"], facts["citation"]) == (dataset["licence"], dataset["citation"])
    run = client.get(f"/v1/runs/{facts['run']}").json()
    assert (facts["as_of"], facts["cutoff"]) == (run["as_of"], run["cutoff"])
    assert str(facts["address"]).endswith("save=xlsx")


OVERDUE_PAGES = ("/", SERIES, "/heatmap", "/backtest", "/series/CN_TRADE/B/WLD/TOTAL", "/series", "/runs", "/runs/3")


@pytest.mark.parametrize("url", OVERDUE_PAGES)
def test_a_page_names_every_overdue_release(overdue: TestClient, punctual: TestClient, url: str) -> None:
    html = page(overdue, url)
    assert "data end in december 2025; 3 releases overdue" in html.lower()
    assert "January, February and March 2026" in html
    assert "overdue" not in page(punctual, url)


def test_the_overview_leads_with_the_current_month(pages: PagesWorld) -> None:
    with client_of(pages, now=lambda: LATER) as client:  # type: ignore[arg-type]
        html = page(client, "/")
        april = forecasts(client, pages.trade.run_id, flow="X", level=80)[3]
        assert april["month"] == "2026-04"
        value = formatting.money(april["median"], "USD bn").replace(formatting.NBSP, " ")
        assert f"April 2026: <strong>exports forecast at {value}" in html


def test_annual_values_are_bars_at_their_year(client: TestClient) -> None:
    html = client.get(SERIES, params={"frequency": "A"}).text
    (found,) = re.findall(r'id="forecast-spec">(.*?)</script>', html)
    spec = json.loads(found)
    observed, forecast = spec["datasets"]["observed"], spec["datasets"]["forecast"]
    assert [row["name"] for row in observed] == ["2022", "2023", "2024", "2025"]
    assert [row["name"] for row in forecast] == ["2026"]
    assert [layer["mark"]["type"] for layer in spec["layer"][:2]] == ["bar", "bar"]
    assert {layer["encoding"]["x"]["type"] for layer in spec["layer"]} == {"nominal"}


def test_no_fold_lies_inside_a_combined_release(own_pages: PagesWorld) -> None:
    with client_of(own_pages) as client:  # type: ignore[arg-type]
        url, query = "/v1/datasets/CN_TRADE/backtests/folds", {"flow": "X", "kind": "month", "limit": 100}
        with Session(own_pages.engine) as session:
            moved = "array_replace(cutoffs, date '2025-08-01', date '2025-01-01')"
            session.execute(sa.text(f"UPDATE backtest_forecast SET cutoffs = {moved}"))
            session.commit()
        before = {fold["cutoff"] for fold in client.get(url, params=query).json()["folds"]}
        assert (len(before), "2025-01" in before) == (4, True)
        with Session(own_pages.engine) as session:
            releases.record(session, "CN_TRADE", dict.fromkeys((date(2025, 1, 1), date(2025, 2, 1)), date(2025, 3, 9)))
            session.commit()
        after = {fold["cutoff"] for fold in client.get(url, params=query).json()["folds"]}
        assert after == before - {"2025-01"}


def test_a_dataset_without_a_total_leads_with_its_largest_series(own_pages: PagesWorld) -> None:
    with client_of(own_pages) as client:  # type: ignore[arg-type]
        with Session(own_pages.engine) as session:
            about = ("title", "publisher", "licence", "citation")
            described = {"currency": "USD", "unit": "USD m", "release_day": 15, **dict.fromkeys(about, "steel")}
            catalog.add_dataset(session, id="KR_STEEL", reporter="CHN", **described)
            keys = [("X", partner, "EV") for partner in ("DEU", "USA", "FRA")]
            catalog.ensure_series(session, "KR_STEEL", keys)
            add_observations(session, "KR_STEEL")
            run = publish_run(session, "KR_STEEL")
            session.commit()
        sizes = {name: observed(name)[-12:].sum() for name in run.unique_ids}
        largest = max(sizes, key=sizes.__getitem__)
        (card,) = re.findall(
            r'<article class="card" aria-labelledby="KR_STEEL">(.*?)</article>', page(client, "/"), re.DOTALL
        )
        assert f'href="/series/{largest.replace(".", "/")}"' in card
        assert "no world total" in card


def test_a_balance_has_its_own_backtest(client: TestClient, pages: PagesWorld) -> None:
    html = page(client, "/backtest", dataset="CN_TRADE", flow="B")
    assert "Balance: backtest of" in html
    assert '<option value="B" selected>' in html
    fold = saved(client, "/backtest", "fold", "csv", dataset="CN_TRADE", flow="B", fold="2025-10")
    table = pd.read_csv(io.BytesIO(fold))
    folds = pages.trade.folds
    place = folds["cutoffs"].tolist().index(np.datetime64("2025-10").item())
    combination = folds["forecasters"].index("combination")
    exports, imports = (pages.trade.row(f"CN_TRADE.{flow}.WLD.TOTAL") for flow in "XM")
    means = folds["means"][:, combination, place]
    assert_allclose(table["median"], means[exports] - means[imports], atol=0.01)
    assert_allclose(table["actual"], folds["actuals"][exports, place] - folds["actuals"][imports, place])
    assert (table["lo_80"] < table["hi_80"]).all()


@pytest.mark.parametrize(
    "url", ["/backtest?flow=B", "/backtest?dataset=CN_CLEANTECH&partner=EU27&sector=EV&kind=quarter"]
)
def test_the_backtest_of_a_sum_matches_its_api_calls(client: TestClient, url: str) -> None:
    calls = api_calls(client.get(url).text)
    assert len(calls) == client.get(url).text.count('<p class="downloads"') >= 5
    wrong = {call: answer.text for call in set(calls) if (answer := client.get(call)).status_code != 200}
    assert wrong == {}
    (call,) = {call for call in calls if "by=forecaster" in call}
    scores = client.get(call).json()["scores"]
    assert {score["series"] for score in scores} == {1}
    section = pd.read_csv(io.BytesIO(client.get(f"{url}&section=methods&save=csv").content))
    mae = {row["forecaster"].replace("_", " "): row["value"] for row in scores if row["metric"] == "mae"}
    assert_allclose(section.set_index("forecaster")["mae"].to_dict()["combination"], mae["combination"])


def test_a_group_selected_in_the_backtest_is_shown_as_selected(client: TestClient) -> None:
    html = page(client, "/backtest", dataset="CN_CLEANTECH", partner="EU27", sector="EV")
    assert "Exports to European Union, electric vehicles: backtest of" in html
    assert '<option value="EU27" selected>European Union (27)</option>' in html


def test_the_page_of_a_group_has_its_label(client: TestClient) -> None:
    html = client.get("/series/CN_CLEANTECH/X/EU27/EV").text
    # The label has the number of members where the data hold the group in part (test_catalog.py).
    assert "European Union (27). Computed from the simulated paths of 2 series" in html


def test_a_question_on_the_balance_reads_as_a_sentence(client: TestClient) -> None:
    html = page(client, "/ask", dataset="CN_TRADE", flow="B", period="2026-03", above=10)
    assert "Probability that the balance in March 2026 is above USD 10.0bn" in html


def test_a_question_is_answered_with_the_probability_of_the_api(client: TestClient, pages: PagesWorld) -> None:
    html = page(client, "/ask", dataset="CN_TRADE", flow="X", period="2026-03", above=100, below=110)
    query = {"flow": "X", "period": "2026-03", "above": 100, "below": 110}
    answer = client.get("/v1/datasets/CN_TRADE/forecasts/probability", params=query).json()
    probability = formatting.share(answer["probability"]).replace(formatting.NBSP, " ")
    assert f"exports in March 2026 is above USD 100bn and at most USD 110bn: {probability}." in html
    table = pd.read_csv(io.BytesIO(saved(client, "/ask", "distribution", "csv", **query)))
    assert_allclose(table["share"].sum(), 1)


def test_offered_thresholds_have_an_uncertain_outcome(client: TestClient) -> None:
    query = {"dataset": "CN_TRADE", "flow": "X", "period": "2026"}
    table = pd.read_csv(io.BytesIO(saved(client, "/ask", "thresholds", "csv", **query)))
    assert table["above"].between(0.1, 0.9).all()
    for threshold, above in zip(table["value"].tolist(), table["above"].tolist(), strict=True):
        event = {"flow": "X", "period": "2026", "above": threshold}
        answer = client.get("/v1/datasets/CN_TRADE/forecasts/probability", params=event).json()
        assert_allclose(answer["probability"], above)


def test_an_observed_period_cannot_be_asked_about(client: TestClient) -> None:
    answer = client.get("/ask", params={"period": "2025-06"})
    assert (answer.status_code, "observed" in answer.text) == (422, True)


@pytest.mark.parametrize("flow", ["X", "B"])
def test_a_verdict_summarises_the_scores(client: TestClient, flow: str) -> None:
    (text,) = re.findall(r'id="verdict">(.*?)</p>', page(client, "/backtest", dataset="CN_TRADE", flow=flow))
    url = f"/v1/datasets/CN_TRADE/backtests?flow={flow}&partner=WLD&sector=TOTAL"
    scores = client.get(url).json()["scores"]
    first = {(row["metric"], row["level"]): row for row in scores if row["step"] == 1}
    smape, coverage = first["smape", None]["value"], first["coverage", 80.0]
    assert f"the typical error is {formatting.per_cent(smape)}".replace(formatting.NBSP, " ") in text
    inside = round(coverage["value"] * coverage["n"])
    assert f"the 80 % interval contained {inside} of {coverage['n']} outcomes" in text


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("/backtest?flow=Z", "Choose for flow: exports (X), imports (M) or the balance (B)."),
        ("/heatmap?measur=pc1", "Unknown parameter measur: did you mean measure?"),
        ("/series/CN_TRADE/X/WLD/TOTAL?frequency=D", "months (M), quarters (Q) or years (A)"),
        ("/ask?above=much", "above: input should be a valid number"),
    ],
)
def test_an_invalid_request_is_explained(client: TestClient, url: str, message: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 422
    assert "This request cannot be answered" in answer.text
    assert message.lower() in answer.text.lower()


def test_a_downloaded_chart_carries_its_title_source_and_run(client: TestClient, pages: PagesWorld) -> None:
    drawn = saved(client, SERIES, "forecast", "svg").decode()
    texts = " ".join(" ".join(re.findall(r"<(?:text|tspan)[^>]*>([^<]*)(?=<)", drawn)).split())
    assert "Exports to United States, electric vehicles: Forecast" in texts
    assert "80 and 95 % prediction intervals" in texts
    assert f"Tradewind run {pages.clean.run_id} as of 15 January 2026" in texts
    assert "Unit: USD m." in texts


def test_two_runs_are_compared_by_the_figures_of_the_api(client: TestClient, pages: PagesWorld) -> None:
    query = {"runs": f"{pages.earlier},{pages.trade.run_id}", "flow": "B"}
    html = page(client, "/compare", **query)
    assert f"Balance: run {pages.earlier} of 20 November 2025 (data to October 2025)" in html
    table = pd.read_csv(io.BytesIO(saved(client, "/compare", "differences", "csv", **query)))
    by_run = [
        {row["month"]: row["median"] for row in forecasts(client, run, flow="B")}
        for run in (pages.earlier, pages.trade.run_id)
    ]
    months = table[table["period"].astype(str).str.len() == len("2026-01")]
    assert months["period"].tolist() == sorted(by_run[0].keys() & by_run[1].keys())
    for column, found in zip(("before", "after"), by_run, strict=True):
        assert_allclose(months[column], [found[period] for period in months["period"]])
    assert_allclose(table["difference"], table["after"] - table["before"])


def test_runs_of_different_datasets_are_not_compared(client: TestClient, pages: PagesWorld) -> None:
    answer = client.get("/compare", params={"runs": f"{pages.trade.run_id},{pages.clean.run_id}"})
    assert answer.status_code == 404


def test_comparing_needs_two_runs(own_pages: PagesWorld) -> None:
    with client_of(own_pages) as client:  # type: ignore[arg-type]
        with Session(own_pages.engine) as session:
            session.execute(sa.text("DELETE FROM run WHERE cutoff < '2025-12-01'"))
            session.commit()
        assert "Two published runs of a dataset are needed" in page(client, "/compare")


def test_datasets_list_their_overdue_releases(overdue: TestClient) -> None:
    dataset = overdue.get("/v1/datasets/CN_TRADE").json()
    assert (dataset["last_month"], dataset["overdue"]) == ("2025-12", ["2026-01", "2026-02", "2026-03"])


ANSWERS = (
    "forecasts?flow=X",
    "forecasts?flow=B&frequency=A",
    "forecasts/probability?flow=B&period=2026&above=100",
    "forecasts/concentration?over=partner&flow=X",
)


@pytest.mark.parametrize("query", ANSWERS)
def test_every_forecast_answer_has_the_end_of_data_and_overdue_releases(
    released: PagesWorld, punctual: TestClient, overdue: TestClient, query: str
) -> None:
    dataset = "CN_CLEANTECH" if "concentration" in query else "CN_TRADE"
    latest = f"/v1/datasets/{dataset}/{query}"
    run = released.clean.run_id if dataset == "CN_CLEANTECH" else released.trade.run_id
    fresh = punctual.get(latest)
    assert (fresh.json()["data_end"], fresh.json()["overdue"]) == ("2025-12", [])
    stale = overdue.get(latest, headers={"If-None-Match": fresh.headers["etag"]})
    assert stale.status_code == 200
    assert stale.json()["overdue"] == ["2026-01", "2026-02", "2026-03"]
    # Another run is not expected to know later releases, and an answer with its number never changes.
    assert overdue.get(f"{latest}&run={run}").json()["overdue"] is None
    fixed = overdue.get(f"/v1/runs/{run}/forecasts").json()
    assert (fixed["data_end"], fixed["overdue"]) == ("2025-12", None)


EARLIER_PRINTS = """
    INSERT INTO observation (series_id, month, months, vintage, value, status, backfilled)
    SELECT series_id, month, months, vintage - 1, 0.9 * value, status, false
    FROM observation o JOIN series s ON s.id = o.series_id
    WHERE s.dataset_id = 'CN_TRADE' AND month >= '2025-01-01'
"""


def test_first_prints_stand_beside_revised_values(own_pages: PagesWorld) -> None:
    with client_of(own_pages) as client:  # type: ignore[arg-type]
        url = "/series/CN_TRADE/B/WLD/TOTAL"
        assert "first_print" not in saved(client, url, "observed", "csv", frequency="A").decode()
        with Session(own_pages.engine) as session:
            session.execute(sa.text(EARLIER_PRINTS))
            session.commit()
        years = pd.read_csv(io.BytesIO(saved(client, url, "observed", "csv", frequency="A")))
        known = years["first_print"].notna()
        assert years["period"][known].tolist() == [2025]
        assert_allclose(years["first_print"][known], 0.9 * years["value"][known])
        months = pd.read_csv(io.BytesIO(saved(client, url, "observed", "csv"))).head(12)
        assert_allclose(months["first_print"], 0.9 * months["value"])


def test_past_forecasts_are_those_of_folds_and_runs(client: TestClient, pages: PagesWorld) -> None:
    table = pd.read_csv(io.BytesIO(saved(client, SERIES, "then", "csv")))
    earlier = forecasts(client, pages.clean.run_id - 2, flow="X", partner="USA", sector="EV", level=80)
    of_run = table[table["made"] == "2025-10"].sort_values("period")
    assert set(of_run["source"]) == {f"run {pages.clean.run_id - 2}"}
    assert_allclose(of_run["mean"], [month["median"] for month in earlier[:12]], rtol=1e-6)
    assert_allclose(of_run["lo"], [month["intervals"][0]["lo"] for month in earlier[:12]], rtol=1e-6)
    url = "/v1/datasets/CN_CLEANTECH/backtests/folds"
    query = {"flow": "X", "partner": "USA", "sector": "EV", "level": 80, "run": pages.clean.run_id}
    folds = client.get(url, params=query).json()["folds"]
    assert len(folds) > 1
    observed = pd.read_csv(io.BytesIO(saved(client, SERIES, "observed", "csv"))).set_index("period")["value"]
    for fold in folds:
        if fold["cutoff"] == "2025-10":
            continue
        rows = table[table["made"] == fold["cutoff"]].sort_values("period")
        months = fold["months"][:12]
        assert_allclose(rows["mean"], [month["mean"] for month in months], rtol=1e-6)
        seen = [month["month"] for month in months if month["month"] in observed.index]
        assert_allclose(rows["actual"].dropna(), observed[seen])


def test_the_slider_starts_at_the_requested_forecast(client: TestClient) -> None:
    html = page(client, SERIES, made="2025-10")
    (cutoffs,) = re.findall(r'data-cutoffs="([^"]*)"', html)
    (place,) = re.findall(r'value="([0-9]+)"\s+data-slides', html)
    assert cutoffs.split()[int(place)] == "2025-10"
    assert '"params":[{"name":"made","value":"2025-10"}]' in html
    assert "data-slides" not in page(client, SERIES, units="pc1")


def test_headlines_are_ready_before_the_first_request(pages: PagesWorld) -> None:
    computed: list[Any] = []

    class Recorded(RecentValues[Any, Any]):
        def get(self, key: Any, compute: Callable[[], Any]) -> Any:
            def recorded() -> Any:
                computed.append(key)
                return compute()

            return super().get(key, recorded)

    fresh = client_of(pages)  # type: ignore[arg-type]
    fresh.app.state.catalogs.answers = Recorded()  # type: ignore[attr-defined]
    application._prepare(fresh.app)  # type: ignore[arg-type]
    headlines = [key for key in computed if key[0] == "overview"]
    assert len(headlines) == 2
    assert "exports" in page(fresh, "/")
    assert [key for key in computed if key[0] == "overview"] == headlines
