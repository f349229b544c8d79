"""The door without a database: files in, files out."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from forecasting.config import ForecastConfig
from forecasting.data.panel import Panel
from forecasting.errors import BadCutoff
from jobs import file_forecasts
from jobs.file_forecasts import BadCutoffs
from tables import BadRows, UnreadableTable
from tests.support.panels import gaps_of_sums, grid_panel

TODAY = date(2026, 1, 1)
QUICK = ForecastConfig(
    horizon=6, folds=3, burn_in=6, draws=200, levels=(50.0, 80.0, 99.0), forecasters=("naive", "seasonal_naive")
)


def panel_file(path, panel, *, keys=True):
    series, month = np.nonzero(np.isfinite(panel.values))
    frame = pd.DataFrame(
        {
            "unique_id": np.array(panel.unique_ids)[series],
            "ds": panel.months[month].astype("datetime64[s]"),
            "y": panel.values[series, month],
        }
    )
    if keys:
        frame[["partner", "sector"]] = panel.keys[["partner", "sector"]].to_numpy()[series]
    if path.suffix == ".csv":
        frame.assign(ds=frame["ds"].dt.strftime("%Y-%m")).to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    return path


def forecast(panel, config=QUICK):
    return file_forecasts.forecast_file(
        panel, config=config, reporter="CHN", executor=None, on_progress=lambda *_: None
    )[0]


def evaluate(panel, cutoffs, config=QUICK):
    return file_forecasts.evaluate_file(
        panel, cutoffs=cutoffs, config=config, reporter="CHN", executor=None, on_progress=lambda *_: None
    )


def test_an_evaluation_of_one_month_says_how_many_it_has_and_needs(tmp_path):
    (tmp_path / "one.csv").write_text("unique_id,ds,y\nNEW,2025-07,105.0\n")
    panel = file_forecasts.read_panel(tmp_path / "one.csv", today=TODAY, limit_bytes=1000)
    for words in ({"span": None, "folds": None}, {"span": "2025-07:2025-07", "folds": None}):
        with pytest.raises(BadCutoffs, match=r"has 1 month of history .*needs 2 at least"):
            file_forecasts.choose_cutoffs(panel, every=1, **words)


def test_an_output_that_cannot_be_written_is_refused_before_work(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    for path, reason in (
        (tmp_path / "folder.csv", "this is a folder"),
        (tmp_path / "no" / "o.csv", "there is no folder"),
    ):
        with pytest.raises(UnreadableTable, match=reason):
            file_forecasts.check_output(path)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_reads_what_is_in_the_file(tmp_path, ending):
    panel = grid_panel(48)
    read = file_forecasts.read_panel(
        panel_file(tmp_path / f"panel{ending}", panel), today=TODAY, limit_bytes=10_000_000
    )
    assert read.unique_ids == panel.unique_ids
    assert_allclose(read.values, panel.values)
    assert read.keys["partner"].tolist() == panel.keys["partner"].tolist()


def test_a_bad_row_is_named(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("unique_id,ds,y\na,2024-01,1\na,2024-02,oops\n")
    with pytest.raises(BadRows, match="row 3, y"):
        file_forecasts.read_panel(path, today=TODAY, limit_bytes=1000)


def test_every_series_month_forecaster_and_level_has_a_row():
    panel = grid_panel(48)
    table = forecast(panel)
    assert table.columns.tolist() == ["unique_id", "month", "step", "forecaster", "mean", "level", "lo", "hi", "status"]
    assert len(table) == 12 * 6 * 3 * 3
    assert sorted(table["level"].unique()) == [50.0, 80.0, 99.0]
    assert table["month"].min() == pd.Timestamp("2019-01-01")
    assert table.notna().all().all()


def test_bounds_nest_and_hold_the_centre_of_the_combination():
    table = forecast(grid_panel(48))
    wide = table.pivot(index=["unique_id", "forecaster", "step"], columns="level", values=["lo", "hi"])
    assert (wide["lo"][99.0] <= wide["lo"][80.0]).all()
    assert (wide["lo"][80.0] <= wide["lo"][50.0]).all()
    assert (wide["hi"][99.0] >= wide["hi"][80.0]).all()


def test_parts_and_wholes_are_coherent_where_the_file_says_what_they_are():
    panel = grid_panel(48)
    combined = forecast(panel).query("forecaster == 'combination' and level == 80")
    means = combined.pivot(index="unique_id", columns="step", values="mean").loc[list(panel.unique_ids)].to_numpy()
    assert gaps_of_sums(panel, means) < 1e-6 * means.max()


def test_evaluation_and_forecast_at_a_cutoff_agree():
    panel = grid_panel(60)
    table, _, _ = evaluate(panel, [np.datetime64("2018-11")])
    made = forecast(
        panel.until(np.datetime64("2018-11")), ForecastConfig(**(QUICK.as_dict() | {"folds": 6, "burn_in": 0}))
    )
    for frame in (table, made):
        frame.set_index(["unique_id", "forecaster", "step", "level"], inplace=True)
    evaluated, forecasts = table["mean"], made.reindex(table.index)["mean"]
    # A fold has the centre of its draws, a forecast their mean.
    combined = table.index.get_level_values("forecaster") == "combination"
    assert_allclose(evaluated[~combined], forecasts[~combined])
    assert_allclose(evaluated[combined], forecasts[combined], rtol=0.05, atol=0.02 * evaluated.max())


def test_a_late_fold_is_scored_on_the_steps_it_has():
    table, backtest, _ = evaluate(grid_panel(48), [np.datetime64("2018-10")])
    assert table["actual"].notna().groupby(table["step"]).all().tolist() == [True, True, False, False, False, False]
    monthly = backtest.scores.query("kind == 'month' and forecaster == 'naive' and metric == 'mae' and step == 0")
    assert (monthly["n"] == 2).all()


def test_a_change_after_a_cutoff_changes_no_forecast_made_at_it():
    panel, cutoff = grid_panel(60), np.datetime64("2018-12")
    changed = grid_panel(60)
    changed.values[:, panel.position(cutoff) + 1 :] *= 5
    before, after = evaluate(panel, [cutoff])[0], evaluate(changed, [cutoff])[0]
    pd.testing.assert_frame_equal(before.drop(columns="actual"), after.drop(columns="actual"))


def test_cutoffs_are_counted_back_from_the_last_month_but_one_or_taken_as_stated():
    panel = grid_panel(60)
    counted = file_forecasts.choose_cutoffs(panel, span=None, folds=3, every=2)
    assert [str(month) for month in counted] == ["2019-07", "2019-09", "2019-11"]
    expected = file_forecasts.choose_cutoffs(panel, span="2018-12:2019-06", folds=None, every=3)
    assert [str(month) for month in expected] == ["2018-12", "2019-03", "2019-06"]
    assert len(file_forecasts.choose_cutoffs(panel, span=None, folds=None, every=1)) == file_forecasts.DEFAULT_FOLDS


@pytest.mark.parametrize("span", ["2018", "2018-13:2019-01", "2019-06:2019-01", "x:y"])
def test_a_span_that_is_none_is_an_error(span):
    with pytest.raises(BadCutoffs):
        file_forecasts.choose_cutoffs(grid_panel(60), span=span, folds=None, every=1)


@pytest.mark.parametrize("cutoff", ["2019-12", "2014-12", "2030-01"])
def test_a_cutoff_without_a_month_after_it_or_outside_the_panel_is_an_error(cutoff):
    with pytest.raises(BadCutoff):
        evaluate(grid_panel(60), [np.datetime64(cutoff)])


def test_a_panel_of_one_short_series_is_forecast_all_the_same():
    frame = pd.DataFrame(
        {"unique_id": "a", "ds": pd.date_range("2025-01-01", periods=3, freq="MS"), "y": [1.0, 2.0, 4.0]}
    )
    table = forecast(Panel.from_long(frame), ForecastConfig(horizon=3, draws=100, levels=(80.0,)))
    combined = table.query("forecaster == 'combination'")
    assert len(combined) == 3
    assert np.isfinite(combined[["mean", "lo", "hi"]]).all().all()
    assert (combined["lo"] < combined["hi"]).all()


def test_the_score_table_begins_with_the_combination_and_the_baseline():
    _, backtest, _ = evaluate(grid_panel(60), list(np.arange(np.datetime64("2018-06"), np.datetime64("2019-06"), 3)))
    summary = file_forecasts.score_summary(backtest)
    assert summary.index[:2].tolist() == ["combination", "seasonal_naive"]
    assert summary[["mase", "wis", "coverage 80"]].notna().all().all()


def test_a_panel_of_months_has_a_score_table_without_scaled_errors():
    frame = pd.DataFrame(
        {"unique_id": "a", "ds": pd.date_range("2025-01-01", periods=5, freq="MS"), "y": [1.0, 2.0, 4.0, 3.0, 5.0]}
    )
    panel = Panel.from_long(frame)
    _, backtest, _ = evaluate(panel, file_forecasts.choose_cutoffs(panel, span=None, folds=None, every=1))
    summary = file_forecasts.score_summary(backtest)
    assert summary.index.tolist() == ["combination", "seasonal_naive", "naive"]
    assert summary["mase"].isna().all()
    assert summary["mae"].notna().all()


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_table_is_written_whole(tmp_path, ending):
    table = pd.DataFrame({"a": [1, 2]})
    path = tmp_path / f"out{ending}"
    file_forecasts.write_table(table, path)
    read = pd.read_csv(path) if ending == ".csv" else pd.read_parquet(path)
    pd.testing.assert_frame_equal(read, table)
    assert list(tmp_path.iterdir()) == [path]


def test_an_output_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    with pytest.raises(UnreadableTable, match="the ending must be one of"):
        file_forecasts.check_output(tmp_path / "out.xls")
    with pytest.raises(UnreadableTable, match="no folder"):
        file_forecasts.check_output(tmp_path / "nowhere" / "out.csv")
