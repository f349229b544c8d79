import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from numpy.testing import assert_allclose, assert_array_equal
from sqlmodel import Session, col

from api.rest.schemas.backtests import BacktestPage, FoldPage, MissPage
from forecasting.config import LEVELS
from store.models import Run
from tests.integration.api.conftest import World, client_of
from tests.support.answers import validate
from tests.support.factories import FIRST, FORECASTERS, LAST, Published, observed

TRADE = "/v1/datasets/CN_TRADE/backtests"
CLEAN = "/v1/datasets/CN_CLEANTECH/backtests"
GRID = 3e-5
"""Folds and scores are stored on grids of 65,535 values."""


def test_coverage_by_condition_is_in_the_answer_and_on_the_page(scratch: World) -> None:
    rows = [
        {"condition": "lateness", "group": group, "level": level, "coverage": coverage, "n": n}
        for level in LEVELS
        for group, coverage, n in (("on time", 0.8125, 160), ("late", 0.75, 20))
    ]
    with Session(scratch.engine) as session:
        session.execute(sa.update(Run).where(col(Run.id) == scratch.trade.run_id).values(conditional_coverage=rows))
        session.commit()
    with client_of(scratch) as client:
        assert answer(client, "/v1/datasets/CN_TRADE/backtests")["conditional_coverage"] == rows
        shown = client.get("/backtest?dataset=CN_TRADE").text
    assert "Coverage by condition at the cutoff" in shown
    assert "on time" in shown


def answer(client: TestClient, url: str, **params: Any) -> dict[str, Any]:
    response = client.get(url, params=params or None)
    assert response.status_code == 200, response.text
    validate(BacktestPage, response.json())
    return dict(response.json())


def slow_mean(run: Published, unique_ids: list[str], **wanted: Any) -> float:
    """A mean score by a plain loop over the rows written."""
    ids = [run.series_ids[run.row(unique_id)] for unique_id in unique_ids]
    found = [
        row["value"]
        for row in run.scores
        if row["series_id"] in ids and all(row[name] == value for name, value in wanted.items())
    ]
    return float(np.mean(found))


def test_scores_by_step_stand_beside_the_baseline_s(client: TestClient, world: World) -> None:
    found = answer(client, CLEAN, partner="USA,DEU", sector="EV")
    chosen = ["CN_CLEANTECH.X.USA.EV", "CN_CLEANTECH.X.DEU.EV"]
    assert {score["step"] for score in found["scores"]} == {1, 2, 3, 4, 5, 6}
    for score in found["scores"]:
        wanted = {"step": score["step"], "metric": score["metric"], "level": score["level"] or 0.0}
        assert_allclose(score["value"], slow_mean(world.clean, chosen, forecaster="combination", **wanted), rtol=GRID)
        assert_allclose(
            score["baseline"], slow_mean(world.clean, chosen, forecaster="seasonal_naive", **wanted), rtol=GRID
        )
        assert (score["n"], score["series"]) == (8, 2)


def test_the_folds_behind_the_scores_are_named(client: TestClient) -> None:
    found = answer(client, TRADE)
    assert found["folds"] == {"number": 4, "first_cutoff": "2025-08", "last_cutoff": "2025-11"}
    assert found["baseline"] == "seasonal_naive"


def test_every_metric_is_there_with_its_unit(client: TestClient) -> None:
    units = {score["metric"]: score["unit"] for score in answer(client, TRADE, flow="X", by="forecaster")["scores"]}
    assert units == {
        "mase": "ratio",
        "rmsse": "ratio",
        "smape": "per cent",
        "wis": "USD bn",
        "bias": "USD bn",
        "mae": "USD bn",
        "coverage": "share",
    }


def test_by_forecaster_and_by_series_pool_the_steps(client: TestClient) -> None:
    by_forecaster = answer(client, TRADE, by="forecaster")["scores"]
    assert {score["forecaster"] for score in by_forecaster} == set(FORECASTERS)
    by_series = answer(client, TRADE, by="series")["scores"]
    assert {score["unique_id"] for score in by_series} == {"CN_TRADE.X.WLD.TOTAL", "CN_TRADE.M.WLD.TOTAL"}
    assert {score["step"] for score in by_forecaster + by_series} == {None}


def test_coverage_comes_by_level(client: TestClient) -> None:
    scores = answer(client, TRADE, by="forecaster")["scores"]
    assert {score["level"] for score in scores if score["metric"] == "coverage"} == {50, 80, 90, 95}
    assert {score["level"] for score in scores if score["metric"] == "mase"} == {None}


def test_a_kind_of_period_nobody_scored_has_no_rows(client: TestClient) -> None:
    assert answer(client, TRADE, kind="year_growth")["scores"] == []


def test_csv_repeats_the_folds_in_each_row(client: TestClient) -> None:
    text = client.get(TRADE, params={"format": "csv"}).text
    rows = pd.read_csv(io.StringIO(text))
    assert len(rows) == 6 * 10
    assert set(rows["folds"]) == {4}
    assert set(rows["first_cutoff"]) == {"2025-08"}
    assert set(rows["kind"]) == {"month"}


def test_pages_join_to_the_whole(client: TestClient) -> None:
    whole = answer(client, TRADE, by="forecaster")["scores"]
    pages, url = [], f"{TRADE}?by=forecaster&limit=7"
    while url:
        page = answer(client, url)
        pages += page["scores"]
        url = page["next"]
    assert pages == whole


def test_a_run_and_an_as_of_are_chosen_as_for_forecasts(client: TestClient, world: World) -> None:
    assert answer(client, TRADE, run=world.earlier.run_id)["run"]["id"] == world.earlier.run_id
    assert answer(client, TRADE, as_of="2026-01-01")["run"]["id"] == world.earlier.run_id
    tag = client.get(TRADE).headers["etag"]
    assert client.get(TRADE, headers={"If-None-Match": tag}).status_code == 304


def folds(client: TestClient, **params: Any) -> dict[str, Any]:
    response = client.get(f"{CLEAN}/folds", params=params)
    assert response.status_code == 200, response.text
    validate(FoldPage, response.json())
    return dict(response.json())


def test_folds_show_forecasts_and_actuals(client: TestClient, world: World) -> None:
    found = folds(client, flow="X", partner="USA", sector="EV", level="80")
    run, row = world.clean, world.clean.row("CN_CLEANTECH.X.USA.EV")
    assert [fold["cutoff"] for fold in found["folds"]] == ["2025-11", "2025-10", "2025-09", "2025-08"]
    first = found["folds"][-1]["months"]
    place = FORECASTERS.index("combination")
    assert [month["month"] for month in first] == [f"2025-{m:02}" for m in (9, 10, 11, 12)] + ["2026-01", "2026-02"]
    assert_allclose([month["mean"] for month in first], run.folds["means"][row, place, 0], rtol=GRID)
    actual = np.array([month["actual"] for month in first], dtype=float)
    assert_array_equal(actual, run.folds["actuals"][row, 0])
    lows = [month["intervals"][0]["lo"] for month in first]
    assert_allclose(lows, run.folds["quantiles"][row, place, 0, 2], rtol=GRID)


def test_folds_of_quarters_are_reported_by_the_quarter(client: TestClient, world: World) -> None:
    found = folds(client, flow="X", partner="USA", sector="EV", level="80", kind="quarter")
    assert (found["kind"], found["unit"]) == ("quarter", "USD m")
    assert [fold["months"][0]["period"] for fold in found["folds"]] == ["2025-Q4", "2025-Q4", "2025-Q4", "2025-Q3"]
    (newest,) = (entry for entry in world.clean.periods if (entry["kind"], entry["cutoff"]) == ("quarter", LAST - 1))
    row = world.clean.row("CN_CLEANTECH.X.USA.EV")
    assert_allclose([month["mean"] for month in found["folds"][0]["months"]], newest["means"][row], rtol=GRID)


@pytest.mark.parametrize(("kind", "months"), [("month", 1), ("quarter", 3)])
def test_growth_of_a_fold_is_on_what_was_observed_a_year_before(client: TestClient, kind: str, months: int) -> None:
    parameters = {"flow": "X", "partner": "USA", "sector": "EV", "level": "80"}
    levels, grown = (folds(client, **parameters, kind=name)["folds"] for name in (kind, f"{kind}_growth"))
    seen = observed("CN_CLEANTECH.X.USA.EV")
    for level, growth in zip(levels, grown, strict=True):
        for entry, other in zip(level["months"], growth["months"], strict=True):
            end = np.arange(FIRST, np.datetime64(entry["month"])).size - 12
            base = seen[end - months + 1 : end + 1].sum()
            assert other["period"] == entry["period"]
            assert_allclose(other["mean"], 100 * (entry["mean"] / base - 1))
            assert_allclose(other["intervals"][0]["hi"], 100 * (entry["intervals"][0]["hi"] / base - 1))
            if entry["actual"] is not None:
                assert_allclose(other["actual"], 100 * (entry["actual"] / base - 1))


def misses(client: TestClient, **params: Any) -> dict[str, Any]:
    response = client.get(f"{CLEAN}/misses", params=params)
    assert response.status_code == 200, response.text
    validate(MissPage, response.json())
    return dict(response.json())


def test_misses_are_those_of_the_folds(client: TestClient) -> None:
    found = misses(client, partner="USA,DEU", sector="EV", level=50)
    assert found["total"] == len(found["misses"]) > 2
    for miss in found["misses"]:
        partner = miss["unique_id"].split(".")[2]
        track = folds(client, flow="X", partner=partner, sector="EV", level="50")["folds"]
        (month,) = (fold["months"][0] for fold in track if fold["cutoff"] == miss["cutoff"])
        assert (month["month"], month["mean"], month["actual"]) == (miss["month"], miss["mean"], miss["actual"])
        assert month["intervals"] == [{"level": 50, "lo": miss["lo"], "hi": miss["hi"]}]
    widths = [miss["interval_widths"] for miss in found["misses"]]
    assert widths == sorted(widths, reverse=True)


def test_misses_in_growth_are_those_of_the_level(client: TestClient) -> None:
    level, growth = (misses(client, kind=kind, sector="EV") for kind in ("quarter", "quarter_growth"))
    assert (level["unit"], growth["unit"]) == ("USD m", "%")
    assert [(entry["unique_id"], entry["period"]) for entry in level["misses"]] == [
        (entry["unique_id"], entry["period"]) for entry in growth["misses"]
    ]
    for entry in growth["misses"]:
        outside = max(entry["lo"] - entry["actual"], entry["actual"] - entry["hi"])
        assert_allclose(entry["interval_widths"], outside / (entry["hi"] - entry["lo"]))


def test_misses_are_paged_and_come_as_csv(client: TestClient) -> None:
    every = misses(client, limit=1000)
    page = misses(client, limit=2, offset=1)
    assert (page["total"], page["misses"]) == (every["total"], every["misses"][1:3])
    table = pd.read_csv(io.StringIO(client.get(f"{CLEAN}/misses?limit=2&offset=1&format=csv").text))
    pd.testing.assert_frame_equal(table, pd.DataFrame(page["misses"]))
    assert client.get(f"{CLEAN}/misses?level=66").status_code == 422


def test_a_forecaster_without_intervals_has_none(client: TestClient) -> None:
    found = folds(client, flow="X", partner="USA", sector="EV", forecaster="theta")
    assert all(month["intervals"] == [] for fold in found["folds"] for month in fold["months"])
    text = client.get(
        f"{CLEAN}/folds", params={"partner": "USA", "sector": "EV", "forecaster": "theta", "format": "csv"}
    ).text
    rows = pd.read_csv(io.StringIO(text))
    assert rows["lo"].isna().all()
    assert len(rows) == 4 * 6


def test_folds_are_paged(client: TestClient) -> None:
    page = folds(client, partner="USA", sector="EV", limit=3, offset=2)
    assert (page["total"], [fold["cutoff"] for fold in page["folds"]]) == (4, ["2025-09", "2025-08"])


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"partner": "USA"}, "about one series"),
        ({"partner": "USA", "sector": "EV", "level": "66"}, "folds have the levels 50, 80, 90, 95"),
        ({"flow": "Z", "partner": "USA", "sector": "EV"}, "flow"),
        ({"partner": "USA", "sector": "EV", "kind": "year", "forecaster": "theta"}, "kept for forecaster=combination"),
    ],
)
def test_folds_are_of_one_stored_series_at_kept_levels(client: TestClient, params: dict[str, str], words: str) -> None:
    response = client.get(f"{CLEAN}/folds", params=params)
    assert response.status_code == 422
    assert words in response.json()["detail"]


@pytest.mark.parametrize("path", [f"{TRADE}?flow=X", f"{TRADE}?by=forecaster", f"{TRADE}/folds?flow=X"])
def test_a_forecaster_that_the_run_has_not_scored_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(f"{path}&forecaster=theta").status_code == 200
    response = client.get(f"{path}&forecaster=oracle")
    assert response.status_code == 404
    assert response.json()["known"] == ["combination", "seasonal_naive", "theta"]


@pytest.mark.parametrize("params", [{"by": "colour"}, {"kind": "decade"}, {"forecaster": "a b"}, {"flow": "Z"}])
def test_bad_questions_are_refused(client: TestClient, params: dict[str, str]) -> None:
    response = client.get(TRADE, params=params)
    assert response.status_code == 422
    assert next(iter(params)) in response.json()["detail"]
