"""The benchmarks in brief: the combination beats what the usual libraries give, and its intervals hold."""

import pytest

from benchmarks import accuracy, intervals


def problem_of(make):
    try:
        return make()
    except FileNotFoundError as error:
        pytest.skip(f"the shared panel is absent: {error.filename}")


@pytest.mark.parametrize("name", accuracy.PROBLEMS)
def test_the_combination_beats_every_library_their_mean_and_their_median(name):
    problem = accuracy.quick(problem_of(accuracy.PROBLEMS[name]))
    errors = accuracy.losses(problem, peers=accuracy.STATSFORECAST, workers=1)
    assert accuracy.table_of(errors).index[0] == "Tradewind"


def test_intervals_hold_what_they_say_and_are_narrower_than_the_libraries():
    problem = intervals.quick(intervals.PROBLEMS["CN_TRADE"]())
    backtest, peers = intervals.measured(problem, peers=("AutoETS", "ARIMA (0,1,1)(0,1,1)"), workers=1)
    table = intervals.wis_beside_peers(problem, backtest, peers)
    assert table.index[0] == "Tradewind"
    assert table["ratio"].iloc[1] > 1.05
    months = intervals.coverage_by_kind(backtest.scores).loc["month"]
    # 39 cutoffs share most of their futures: a handful of independent years.
    assert months["50 %"] == pytest.approx(50, abs=8)
    assert months["80 %"] == pytest.approx(80, abs=6)
    assert months["95 %"] == pytest.approx(95, abs=4)
