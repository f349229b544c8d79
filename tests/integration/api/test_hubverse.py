"""A run in the layout of the hubverse: its files fit its tasks, the published rules, and our own import."""

import io
from collections.abc import Callable
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
from tests.support.hubverse import PUBLISHED, check_tasks, published_schema
from tests.support.hubverse_rules import config_faults, submission_faults

TEXT = {"output_type_id": str, "location": str}
NAME = "2026-01-15-tradewind-combination.csv"
QUERIES = [{}, {"samples": 10}, {"target": "growth", "partner": "USA,EU27"}, {"flow": "X", "samples": 2}]


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


@pytest.mark.parametrize("params", QUERIES)
def test_tasks_follow_the_rules_of_the_schema(client: TestClient, world: World, params: dict[str, Any]) -> None:
    tasks = tasks_of(client, world, **params)
    check_tasks(tasks)
    assert config_faults(tasks) == []


def test_a_change_of_the_layout_breaks_the_rules(client: TestClient, world: World) -> None:
    tasks = tasks_of(client, world)
    tasks["rounds"][0]["model_tasks"][0]["output_type"]["mean"].pop("value")
    with pytest.raises(jsonschema.ValidationError, match="'value' is a required property"):
        check_tasks(tasks)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda group: group["target_metadata"].pop(), "targets and their metadata differ"),
        (lambda group: group["task_ids"]["location"]["optional"].append("USA"), "location has no value, or one twice"),
        (lambda group: group["task_ids"].update(value=group["task_ids"]["horizon"]), "a task id has a reserved name"),
        (lambda group: group["task_ids"].pop("target_end_date"), "a derived task id is no task id"),
        (lambda group: params_of(group).update(min_samples_per_task=9), "fewer samples are allowed than required"),
        (lambda group: params_of(group).update(compound_taskid_set=["day"]), "compound_taskid_set has a name"),
    ],
)
def test_a_contradiction_within_tasks_breaks_the_rules(
    client: TestClient, world: World, change: Callable[[Any], Any], fault: str
) -> None:
    tasks = tasks_of(client, world, samples=3)
    change(tasks["rounds"][0]["model_tasks"][0])
    (found,) = config_faults(tasks)
    assert fault in found


def params_of(group: dict[str, Any]) -> dict[str, Any]:
    params: dict[str, Any] = group["output_type"]["sample"]["output_type_id_params"]
    return params


def test_two_groups_of_tasks_may_not_share_a_task(client: TestClient, world: World) -> None:
    tasks = tasks_of(client, world)
    tasks["rounds"][0]["model_tasks"] *= 2
    assert config_faults(tasks) == ["two groups of tasks share a task"]


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    try:
        return published_schema()
    except (httpx.HTTPError, ValueError) as error:
        pytest.skip(f"the published schema cannot be fetched here, nor is {PUBLISHED} set: {type(error).__name__}")


@pytest.mark.parametrize("params", QUERIES)
def test_tasks_are_valid_by_the_published_schema(
    client: TestClient, world: World, published: dict[str, Any], params: dict[str, Any]
) -> None:
    assert published["$id"] == SCHEMA
    check_tasks(tasks_of(client, world, **params), published)


@pytest.mark.parametrize("params", QUERIES)
def test_model_output_is_a_submission_to_the_hub_of_its_tasks(
    client: TestClient, world: World, params: dict[str, Any]
) -> None:
    rows = rows_of(client, world, **params)
    assert tuple(rows) == COLUMNS
    assert submission_faults(NAME, rows, tasks_of(client, world, **params)) == []


def replaced(column: str, old: Any, new: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda rows: rows.assign(**{column: rows[column].replace(old, new)})


def of_type(kind: str, name: str, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda rows: rows.assign(**{name: rows[name].mask(rows["output_type"] == kind, value)})


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda rows: rows.assign(model_id="a-b"), "columns are not"),
        (lambda rows: pd.concat([rows, rows[:1]]), "a row appears twice"),
        (lambda rows: rows[rows["output_type_id"] != "0.5"], "quantiles are not those required"),
        (lambda rows: rows[:-1], "samples are of different tasks"),
        (replaced("reference_date", "2026-01-15", "2026-01-16"), "the round is not that of the name"),
        (replaced("location", "USA", "MARS"), "not of exactly one group"),
        (replaced("output_type_id", "0.025", "0.999"), "quantiles are not those required"),
        (replaced("output_type_id", "1", "0"), "a sample has no positive number"),
        (of_type("mean", "value", np.nan), "a value is no number"),
        (of_type("mean", "output_type_id", "mean"), "a mean or a median has an output_type_id"),
        (lambda rows: rows.assign(value=rows["value"].where(rows["output_type_id"] != "0.975", -1e9)), "descend"),
        (lambda rows: rows[~rows["output_type_id"].isin(["2", "3"])], None),
    ],
)
def test_a_change_of_the_file_breaks_the_rules(
    client: TestClient, world: World, change: Callable[[pd.DataFrame], pd.DataFrame], fault: str | None
) -> None:
    """Fewer samples than the tasks allow are no fault."""
    rows, tasks = change(rows_of(client, world, samples=3)), tasks_of(client, world, samples=3)
    faults = submission_faults(NAME, rows, tasks)
    assert (faults == []) if fault is None else any(fault in found for found in faults)


def test_samples_of_several_groups_of_tasks_break_the_rules(client: TestClient, world: World) -> None:
    rows, tasks = rows_of(client, world, samples=3), tasks_of(client, world, samples=3)
    (group,) = tasks["rounds"][0]["model_tasks"]
    targets = group["task_ids"]["target"]["optional"]
    tasks["rounds"][0]["model_tasks"] = [
        group
        | {"task_ids": group["task_ids"] | {"target": {"required": None, "optional": [target["target_id"]]}}}
        | {"target_metadata": [target]}
        for target in group["target_metadata"]
    ]
    assert len(targets) > 1
    assert config_faults(tasks) == []
    assert submission_faults(NAME, rows, tasks) == ["a sample spans groups of tasks"]


def values_of(rows: pd.DataFrame, output_type: str) -> Any:
    return rows[rows["output_type"] == output_type]["value"].to_numpy()


def test_values_are_those_of_the_run(client: TestClient, world: World) -> None:
    run, series = world.clean, "CN_CLEANTECH.X.USA.EV"
    rows = rows_of(client, world, partner="USA", sector="EV", samples=40)
    levels = rows[rows["target"] == "X EV"]
    assert_allclose(values_of(levels, "mean"), run.mean[run.row(series)])
    assert_allclose(values_of(levels, "quantile"), run.quantiles[run.row(series)].T.ravel(), rtol=1e-6)
    assert_allclose(values_of(levels, "sample").reshape(-1, 40).T, run.paths[run.row(series)], rtol=1e-6)
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
