"""A run in the layout of the hubverse: its files fit its tasks, the published rules, and our own import."""

import io
from datetime import date
from typing import Any

import httpx
import jsonschema
import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient
from numpy.testing import assert_allclose

from api.rest.schemas.hubverse import ModelOutputPage, TasksAnswer
from services.forecasts.hubverse import COLUMNS, SCHEMA
from store.queries.hubverse_format import check_hubverse
from tests.integration.api.conftest import World
from tests.support.answers import validate
from tests.support.hubverse import TASKS

TEXT = {"output_type_id": str, "location": str}


def address(world: World, name: str) -> str:
    return f"/v1/runs/{world.clean.run_id}/hubverse/{name}"


def rows_of(client: TestClient, world: World, **params: Any) -> pd.DataFrame:
    response = client.get(address(world, "model-output"), params={"format": "csv", "digits": 17, **params})
    assert response.status_code == 200, response.text
    return pd.read_csv(io.StringIO(response.text), dtype=TEXT)


def tasks_of(client: TestClient, world: World, **params: Any) -> dict[str, Any]:
    response = client.get(address(world, "tasks.json"), params=params)
    assert response.status_code == 200, response.text
    return dict(validate(TasksAnswer, response.json()))


@pytest.mark.parametrize("params", [{}, {"samples": 10}, {"target": "growth", "partner": "USA,EU27"}, {"flow": "X"}])
def test_tasks_follow_the_rules_of_the_schema(client: TestClient, world: World, params: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(TASKS).validate(tasks_of(client, world, **params))


def test_a_change_of_the_layout_breaks_the_rules(client: TestClient, world: World) -> None:
    tasks = tasks_of(client, world)
    tasks["rounds"][0]["model_tasks"][0]["output_type"]["mean"].pop("value")
    with pytest.raises(jsonschema.ValidationError, match="'value' is a required property"):
        jsonschema.Draft202012Validator(TASKS).validate(tasks)


def test_tasks_are_valid_by_the_published_schema(client: TestClient, world: World) -> None:
    try:
        published = httpx.get(SCHEMA, timeout=10).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        pytest.skip(f"the published schema cannot be fetched here: {type(error).__name__}")
    jsonschema.Draft202012Validator(published).validate(tasks_of(client, world, samples=10))


def test_every_row_of_model_output_is_one_of_the_tasks(client: TestClient, world: World) -> None:
    rows = rows_of(client, world, samples=3)
    assert tuple(rows) == COLUMNS
    (round_,) = tasks_of(client, world, samples=3)["rounds"]
    groups = {task["target_metadata"][0]["target_id"]: task for task in round_["model_tasks"]}
    assert set(rows["target"]) == set(groups)
    for target, mine in rows.groupby("target"):
        for name, allowed in groups[str(target)]["task_ids"].items():
            assert set(mine[name]) <= {*(allowed["required"] or ()), *(allowed["optional"] or ())}, name
        assert set(mine["output_type"]) == set(groups[str(target)]["output_type"])
    assert not rows.duplicated([name for name in COLUMNS if name != "value"]).any()
    assert rows[rows["output_type"].isin(["mean", "median"])]["output_type_id"].isna().all()


def values_of(rows: pd.DataFrame, output_type: str) -> Any:
    return rows[rows["output_type"] == output_type]["value"].to_numpy()


def test_values_are_those_of_the_run(client: TestClient, world: World) -> None:
    run, series = world.clean, "CN_CLEANTECH.X.USA.EV"
    rows = rows_of(client, world, partner="USA", sector="EV", samples=40)
    levels = rows[rows["target"] == "X EV"]
    assert_allclose(values_of(levels, "mean"), run.mean[run.row(series)])
    assert_allclose(values_of(levels, "quantile"), run.quantiles[run.row(series)].T.ravel(), rtol=1e-6)
    assert_allclose(values_of(levels, "sample").reshape(-1, 40).T, run.paths[run.row(series)])
    assert sorted(set(levels["horizon"])) == [0, 1, 2, 3, 4, 5]
    assert set(levels["reference_date"]) == {"2026-01-15"}
    assert levels["target_end_date"].min() == "2026-01-31"
    growth = rows[(rows["target"] == "X EV pc1") & (rows["output_type"] == "median")]["value"]
    params = {"partner": "USA", "sector": "EV", "units": "pc1"}
    months = client.get(f"/v1/runs/{run.run_id}/forecasts", params=params).json()["series"][0]["months"]
    assert_allclose(growth, [month["median"] for month in months])


def test_samples_of_one_number_are_one_future(client: TestClient, world: World) -> None:
    rows = rows_of(client, world, partner="DEU,FRA,EU27", sector="EV", target="month", samples=5)
    drawn = rows[rows["output_type"] == "sample"].pivot_table(
        index=["horizon", "output_type_id"], columns="location", values="value"
    )
    assert_allclose(drawn["DEU"] + drawn["FRA"], drawn["EU27"])
    assert len(drawn) == 6 * 5


def test_exported_forecasts_can_be_imported(client: TestClient, world: World) -> None:
    rows = rows_of(client, world, target="month", flow="X").assign(model_id="tradewind")
    clean = check_hubverse(rows.astype(object), today=date(2026, 1, 21))
    assert len(clean) == len(rows)
    assert np.array_equal(clean["value"], rows["value"])


def test_files_have_the_names_and_types_of_submissions(client: TestClient, world: World) -> None:
    for form in ("csv", "parquet"):
        response = client.get(address(world, "model-output"), params={"format": form, "samples": 2})
        assert f'filename="2026-01-15-tradewind-combination.{form}"' in response.headers["content-disposition"]
    frame = pd.read_parquet(io.BytesIO(response.content))
    assert {type(value) for value in frame["output_type_id"].dropna()} == {str}
    assert {type(value) for value in frame["reference_date"]} == {date}


def test_json_pages_count_series(client: TestClient, world: World) -> None:
    found = client.get(address(world, "model-output"), params={"limit": 2, "target": "month"}).json()
    validate(ModelOutputPage, found)
    assert (found["total"], len(found["model_output"])) == (12, 2 * 6 * (2 + 9))
