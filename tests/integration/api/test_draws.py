"""Draws over HTTP: the stored paths, long, as Parquet and CSV, and as samples of the hubverse."""

import io

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import Session

from store.queries import forecasts, observations
from tests.integration.api.test_contributions import client, engine  # noqa: F401

URL = "/v1/runs/1/draws"


def parquet(client: TestClient, **query: str) -> pd.DataFrame:  # noqa: F811
    response = client.get(URL, params=query)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/vnd.apache.parquet"
    return pd.read_parquet(io.BytesIO(response.content))


def test_draws_are_the_stored_paths(client: TestClient, engine: Engine) -> None:  # noqa: F811
    table = parquet(client, partner="USA")
    assert table.columns.tolist() == ["draw", "series", "month", "value"]
    with Session(engine) as session:
        number = observations.series_ids(session, "PARTNERS")["PARTNERS.X.USA.TOTAL"]
        (stored,) = forecasts.paths(session, 1, [number])
    wide = table.pivot(index="draw", columns="month", values="value")
    assert wide.shape == (200, 14)
    assert wide.columns[0] == "2026-01"
    np.testing.assert_array_equal(wide.to_numpy(), stored)


def test_in_every_draw_parts_add_up_to_their_whole(client: TestClient) -> None:  # noqa: F811
    table = parquet(client, flow="X", horizon="12")
    parts = table.pivot_table(index=["draw", "month"], columns="series", values="value")
    members = parts[[f"PARTNERS.X.{code}.TOTAL" for code in ("EU27", "USA", "RST")]].sum(axis=1)
    np.testing.assert_allclose(members, parts["PARTNERS.X.WLD.TOTAL"], rtol=4e-5)


def test_csv_and_parquet_hold_the_same_rows(client: TestClient) -> None:  # noqa: F811
    response = client.get(URL, params={"partner": "USA,WLD", "format": "csv"})
    assert response.headers["content-type"].startswith("text/csv")
    table = pd.read_csv(io.BytesIO(response.content))
    expected = parquet(client, partner="USA,WLD").astype({"draw": "int64", "value": "float64"})
    pd.testing.assert_frame_equal(table, expected, check_exact=False, rtol=1e-6)


def test_samples_of_the_hubverse_name_target_location_and_draw(client: TestClient) -> None:  # noqa: F811
    table = parquet(client, partner="USA", layout="hubverse")
    first = table.iloc[0].to_dict()
    assert first.pop("value") > 0
    assert first == {
        "model_id": "tradewind",
        "reference_date": "2026-01-15",
        "target": "X TOTAL",
        "horizon": 0,
        "location": "USA",
        "target_end_date": "2026-01-31",
        "output_type": "sample",
        "output_type_id": 1,
    }
    assert table["target_end_date"].iloc[13] == "2027-02-28"


@pytest.mark.parametrize(
    ("query", "status"),
    [({"format": "xlsx"}, 422), ({"partner": "XXX"}, 404), ({"horizon": "99"}, 422), ({"horizon": "0"}, 422)],
)
def test_a_bad_question_is_refused(client: TestClient, query: dict[str, str], status: int) -> None:  # noqa: F811
    assert client.get(URL, params=query).status_code == status
