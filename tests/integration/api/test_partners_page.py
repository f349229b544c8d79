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
    assert "In the 12 months to December 2025 exports rose by" in page
    assert "contributed most" in page
    assert "In the 12 months to December 2026 they are expected to have" in page


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
