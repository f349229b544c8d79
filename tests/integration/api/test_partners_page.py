"""The page of partners, from the run of a small hierarchy with a published group and remainders."""

import io

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from tests.integration.api.test_contributions import client, engine  # noqa: F401


@pytest.fixture
def page(client: TestClient) -> str:  # noqa: F811
    response = client.get("/partners?dataset=PARTNERS")
    assert response.status_code == 200, response.text
    return str(response.text)


def test_a_sentence_names_growth_contributors_and_expectation(page: str) -> None:
    assert "In 2025 exports rose by" in page
    assert "contributed most" in page
    assert "In 2026 they are expected to have" in page


def test_the_table_nests_members_under_their_group(client: TestClient) -> None:  # noqa: F811
    answer = client.get("/partners?dataset=PARTNERS&section=contributions&save=csv")
    table = pd.read_csv(io.BytesIO(answer.content))
    labels = table["label"].str.strip().tolist()
    place = labels.index("European Union")
    assert set(labels[place + 1 : place + 4]) == {"Germany", "France", "Other members of the European Union"}


def test_the_page_shows_the_figures_of_the_api(client: TestClient) -> None:  # noqa: F811
    saved = client.get("/partners?dataset=PARTNERS&section=contributions&save=csv")
    table = pd.read_csv(io.BytesIO(saved.content)).set_index("label")
    answer = client.get("/v1/datasets/PARTNERS/forecasts/contributions?level=80").json()
    usa = next(row for row in answer["contributions"] if row["code"] == "USA")
    assert table.loc["United States", "expected_points"] == pytest.approx(usa["contribution"]["mean"], rel=1e-6)


@pytest.mark.parametrize("spans", ["month", "quarter", "year", "rolling"])
@pytest.mark.parametrize("flow", ["X"])
def test_windows_of_every_length_are_compared(client: TestClient, spans: str, flow: str) -> None:  # noqa: F811
    page = client.get(f"/partners?dataset=PARTNERS&spans={spans}&flow={flow}")
    assert page.status_code == 200
    assert "exports rose by" in page.text


def test_a_selected_partner_shows_what_took_its_place(client: TestClient) -> None:  # noqa: F811
    page = client.get("/partners?dataset=PARTNERS&partner=DEU").text
    assert "What took the place of Germany" in page
    saved = client.get("/partners?dataset=PARTNERS&partner=DEU&section=substitution&save=csv")
    table = pd.read_csv(io.BytesIO(saved.content))
    answer = client.get("/v1/datasets/PARTNERS/forecasts/substitution?partner=DEU&period=2025&level=80").json()
    assert table["change"][0] == pytest.approx(answer["windows"][0]["lost"]["change"]["mean"], rel=1e-6)


def test_shares_are_those_of_the_first_year_of_now_and_of_the_year_ahead(client: TestClient) -> None:  # noqa: F811
    saved = client.get("/partners?dataset=PARTNERS&section=shares&save=csv")
    table = pd.read_csv(io.BytesIO(saved.content)).set_index("name")
    assert table["first"].sum() == pytest.approx(100, abs=1e-6)
    assert table["now"].sum() == pytest.approx(100, abs=1e-6)
    assert table["first"]["United States"] > table["now"]["United States"]


def test_the_page_of_concentration_has_history_and_what_is_ahead(client: TestClient) -> None:  # noqa: F811
    page = client.get("/concentration?dataset=PARTNERS&frequency=Q")
    assert page.status_code == 200
    assert "In Q4 2025 the index over partners was" in page.text
    saved = client.get("/concentration?dataset=PARTNERS&section=index&frequency=Q&save=csv")
    table = pd.read_csv(io.BytesIO(saved.content)).set_index("period")
    answer = client.get("/v1/datasets/PARTNERS/forecasts/concentration?over=partner&frequency=Q&level=80").json()
    assert table.loc["2025-Q4", "value"] == pytest.approx(answer["history"][-1]["index"], rel=1e-6)
    assert table.loc["2026-Q1", "median"] == pytest.approx(answer["months"][0]["mean"], rel=1e-6)


def test_a_dimension_without_parts_is_explained_and_no_error(client: TestClient) -> None:  # noqa: F811
    page = client.get("/concentration?dataset=PARTNERS&over=sector")
    assert page.status_code == 200
    assert "no single sectors" in page.text
