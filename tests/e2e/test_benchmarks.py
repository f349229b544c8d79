"""The benchmarks in brief: the combination beats the usual libraries, and its intervals hold."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import accuracy, intervals, panels
from benchmarks.peers import backtest_beside_peers
from benchmarks.sampling import blocks_of, marked, standard_errors
from jobs.execution.executors import process_pool

AIRLINE = "ARIMA (0,1,1)(0,1,1)"


@pytest.fixture(scope="module")
def executor():
    with process_pool(1) as pool:
        yield pool


@pytest.fixture(scope="module")
def trade(executor):
    """CN_TRADE in brief, our backtest, and the libraries' forecasts."""
    problem = intervals.quick(intervals.PROBLEMS["CN_TRADE"]())
    peers = (*accuracy.STATSFORECAST, AIRLINE)
    return problem, *backtest_beside_peers(problem, horizon=accuracy.HORIZON, peers=peers, executor=executor)


def test_the_combination_beats_every_library_their_mean_and_their_median(trade):
    problem, backtest, peers = trade
    assert accuracy.table_of(problem, accuracy.losses(problem, backtest, peers)).index[0] == "Tradewind"


@pytest.mark.parametrize("name", ["CN_CLEANTECH", "CN_PARTNERS", "us_imports"])
def test_the_combination_beats_them_on_panels(name, executor):
    try:
        problem = accuracy.quick(accuracy.PROBLEMS[name]())
    except FileNotFoundError as error:
        pytest.skip(f"the shared panel is absent: {error.filename}")
    peers = accuracy.STATSFORECAST
    measured = backtest_beside_peers(problem, horizon=accuracy.HORIZON, peers=peers, executor=executor)
    assert accuracy.table_of(problem, accuracy.losses(problem, *measured)).index[0] == "Tradewind"


def test_intervals_hold_what_they_say_and_are_narrower_than_the_libraries(trade):
    problem, backtest, peers = trade
    table = intervals.wis_beside_peers(problem, backtest, peers)
    assert table.index[0] == "Tradewind"
    assert table["ratio"].iloc[1] > 1.05
    months = intervals.coverage_by_kind(backtest.scores).loc["month"]
    # 39 cutoffs share most of their futures: a handful of independent years.
    assert months["50 %"] == pytest.approx(50, abs=8)
    assert months["80 %"] == pytest.approx(80, abs=6)
    assert months["95 %"] == pytest.approx(95, abs=4)
    text = intervals.report(problem, backtest, peers)
    assert f"| month | {months['50 %']:.1f} ± " in text
    assert "| 12 | " in text


def test_a_coverage_is_the_less_sure_the_more_its_cutoffs_share():
    apart = np.random.default_rng(1).random((1, 240, 1, 1)) < 0.8
    known = standard_errors(apart.astype(float), block=1)
    np.testing.assert_allclose(known, 100 * np.sqrt(0.8 * 0.2 / 240), rtol=0.15)
    together = np.repeat(apart[:, ::12], 12, axis=1).astype(float)
    assert standard_errors(together, block=12)[0] > 2.5 * known[0]
    assert blocks_of(panels.months("2020-01", "2022-01", 4), 12) == 3


def test_a_miss_is_marked_and_twice_where_chance_does_not_explain_it():
    table = pd.DataFrame({"80 %": [82.9, 84.0, 90.0], "forecasts": [1, 2, 3]}, index=["near", "far", "beyond"])
    errors = {row: np.array([3.0]) for row in table.index}
    written = marked(table, errors, {"80 %": 80.0})
    assert written["80 %"].tolist() == ["82.9 ± 3.0", "84.0 ± 3.0 *", "90.0 ± 3.0 **"]
    assert written["forecasts"].tolist() == [1, 2, 3]
