"""Answers of the API as lines at the command line."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from api.app import create_app
from cli.ask_output import answer_lines, figure
from cli.in_process import InProcessTransport
from cli.read_output import backtest_lines, comparison_lines, run_lines
from services.errors import NothingToCompare, QueryError
from tests.integration.api.conftest import World, options
from tests.support.half_year_world import Halves, halves_of
from tradewind.client import Client, ServiceError


@pytest.fixture(scope="module")
def halves(original: World, server_url: str) -> Iterator[Halves]:
    with halves_of(original, server_url) as halves:
        yield halves


def lines(halves: Halves, dataset: str = "CN_TRADE", **parameters: Any) -> list[str]:
    half = halves.trade if dataset == "CN_TRADE" else halves.clean
    with service_of(halves) as service:
        return list(answer_lines(service, dataset, {"run": half.run.run_id, **parameters}))


def service_of(halves: Halves) -> Client:
    app = create_app(engine=halves.engine, options=options())
    return Client("http://tradewind.invalid", transport=InProcessTransport(app))


def test_a_table_has_a_row_a_period_with_its_months_observed(halves: Halves) -> None:
    head, columns, first, second = lines(halves, flow="X", frequency="A", level=[80], quantile=[0.3])
    assert head == f"CN_TRADE.X.WLD.TOTAL, USD bn, run {halves.trade.run.run_id}, data to 2025-07"
    assert columns.split() == ["period", "observed", "median", "80", "%", "lo", "80", "%", "hi", "q0.3"]
    draws = halves.trade.draws("CN_TRADE.X.WLD.TOTAL", "2025")
    expected = np.quantile(draws, [0.5, 0.1, 0.9, 0.3])
    assert first.split() == ["2025", "7", "of", "12", *(f"{value:,.1f}" for value in expected)]
    assert second.split()[:4] == ["2026", "0", "of", "12"]


def test_plain_months_are_a_table_too(halves: Halves) -> None:
    found = lines(halves, flow="X", horizon=2)
    assert [line.split()[0] for line in found[2:]] == ["2025-08", "2025-09"]


def test_a_period_is_forecast_where_no_number_is_to_be_passed(halves: Halves) -> None:
    head, _, row = lines(halves, flow="X", period="2026-Q1", level=[80])
    assert head.startswith("CN_TRADE.X.WLD.TOTAL, USD bn, run ")
    median = float(np.median(halves.trade.draws("CN_TRADE.X.WLD.TOTAL", "2026-Q1")))
    assert row.split()[:5] == ["2026-Q1", "0", "of", "3", f"{median:,.1f}"]


def test_a_chance_is_reported_with_its_error_and_interval(halves: Halves) -> None:
    found = lines(halves, flow="B", period="2026", above=0, below=1e6, level=[80], coverage=True)
    draws = halves.trade.draws("CN_TRADE.X.WLD.TOTAL", "2026") - halves.trade.draws("CN_TRADE.M.WLD.TOTAL", "2026")
    assert found[0].startswith("CN_TRADE.B.WLD.TOTAL, 2026 above 0 USD bn and below 1,000,000 USD bn, run ")
    assert found[1].startswith(f"probability {100 * (draws > 0).mean():.1f} % (standard error ")
    assert found[1].endswith(", 40 draws)")
    assert found[3].startswith("80 % interval: ")
    assert found[4] == "0 of 12 months observed"
    assert found[5].startswith("coverage: on 4 folds, 80 % intervals covered ")


def test_concentration_is_reported_as_the_api_has_it(halves: Halves) -> None:
    head, columns, *rows = lines(halves, "CN_CLEANTECH", over="partner", sector="EV", frequency="A", level=[80])
    assert head.startswith("CN_CLEANTECH.X.*.EV, HHI points over ")
    assert columns.split() == ["period", "observed", "mean", "80", "%", "lo", "80", "%", "hi"]
    path = "/v1/datasets/CN_CLEANTECH/forecasts/concentration"
    parameters = {"over": "partner", "sector": "EV", "frequency": "A", "level": 80, "run": halves.clean.run.run_id}
    reported = halves.client.get(path, params=parameters).json()["months"]
    assert [row.split()[0] for row in rows] == [entry["period"] for entry in reported]
    assert [float(row.split()[4].replace(",", "")) for row in rows] == [round(entry["mean"], 1) for entry in reported]


def test_what_has_no_answer_says_why(halves: Halves) -> None:
    assert "no answer: 2026-Q1 is zero or below" in lines(halves, flow="B", period="2026-Q1", units="log", above=1)[1]
    assert "2025-Q3 is zero or below" in lines(halves, flow="B", frequency="Q", units="log")[2]
    assert lines(halves, flow="X", units="pch", coverage=True)[-1].startswith("coverage: answers of this kind")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"above": 1.0}, "period is required"),
        ({"period": "2026", "above": 1.0, "frequency": "A"}, "frequency does not go with above"),
        ({"period": "2026", "below": 1.0, "horizon": 3}, "horizon does not go with below"),
        ({"period": "2026", "horizon": 3}, "a period or a horizon, not both"),
        ({"frequency": "W"}, "frequency: "),
        ({"over": "partner", "above": 1.0}, "above does not go with over"),
        ({"over": "market"}, "over: "),
        ({"units": "share", "flow": "B"}, "units=share is not defined for flow B"),
        ({"flow": "X", "period": "2030", "above": 1.0}, "2030 ends after 2027-07"),
        ({"flow": "X", "horizon": 30}, "beyond the 24 months"),
    ],
)
def test_a_question_that_cannot_be_is_refused_in_one_line(
    halves: Halves, parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises((QueryError, ServiceError)) as refused:
        lines(halves, **parameters)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unknown_dataset_is_refused(halves: Halves) -> None:
    with service_of(halves) as service, pytest.raises(ServiceError, match="NOWHERE"):
        list(answer_lines(service, "NOWHERE", {}))


def test_runs_are_listed_newest_first(halves: Halves) -> None:
    with service_of(halves) as service:
        head, *rows = run_lines(service, "CN_TRADE", 20)
    assert head.split() == ["run", "dataset", "status", "as", "of", "data", "to", "horizon"]
    numbers = [int(row.split()[0]) for row in rows]
    assert numbers == sorted(numbers, reverse=True)
    assert f"{halves.trade.run.run_id:>6}  CN_TRADE        published  2025-08-20  2025-07       24" in rows


def test_a_backtest_has_a_row_a_forecaster_and_coverage(halves: Halves) -> None:
    run = halves.trade.run.run_id
    with service_of(halves) as service:
        head, columns, *rows = backtest_lines(service, "CN_TRADE", {"flow": "X", "run": run})
    assert head.startswith(f"CN_TRADE, run {run}, 4 folds from ")
    assert columns.split() == ["forecaster", "mase", "rmsse", "smape", "wis", "bias"]
    scores = halves.client.get(f"/v1/datasets/CN_TRADE/backtests?flow=X&run={run}&by=forecaster").json()["scores"]
    pooled = {score["forecaster"]: score["value"] for score in scores if score["metric"] == "mase"}
    shown = {row.split()[0]: row.split()[1] for row in rows if not row.split()[0].endswith(":")}
    assert shown == {name: figure(value) for name, value in pooled.items()}
    assert any("% intervals covered" in row for row in rows)


def test_two_runs_are_compared_period_by_period(halves: Halves) -> None:
    run, other = halves.trade.run, halves.clean.run
    with service_of(halves) as service:
        latest = service.json("/v1/datasets/CN_TRADE/forecasts", {})["run"]["id"]
        head, columns, *rows = comparison_lines(service, run.run_id, latest, {"flow": "X", "frequency": "M"})
        with pytest.raises(NothingToCompare, match="CN_CLEANTECH"):
            list(comparison_lines(service, run.run_id, other.run_id, {}))
    assert head == "CN_TRADE.X.WLD.TOTAL, USD bn, medians"
    assert columns.split()[:3] == ["period", "run", str(run.run_id)]
    row = run.row("CN_TRADE.X.WLD.TOTAL")
    before = dict(zip(run.months.astype(str), run.median[row], strict=True))
    for line in rows:
        period, old, new, change, _ = (cell.replace(",", "") for cell in line.split())
        assert float(old) == pytest.approx(before[period], abs=0.06)
        assert float(change) == pytest.approx(float(new) - float(old), abs=0.11)
    assert rows
