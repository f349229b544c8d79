"""The pipeline: coherent, reproducible, without look-ahead, and robust to short and odd series."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from forecasting.combination.combined_forecasts import combine_panel
from forecasting.config import COMBINATION, PROBABILITIES, ForecastConfig
from forecasting.data.panel import Panel
from forecasting.errors import BadCutoff
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.pipeline import evaluate_panel, forecast_panel
from tests.support.panels import gaps_of_sums, grid_panel, long_frame, trade_series

QUICK = ForecastConfig(
    horizon=14, folds=4, burn_in=4, every=2, draws=300, forecasters=("naive", "seasonal_naive", "seasonal_mean")
)
# Enough folds for the cross-sectional correction and the calibration to have an effect.
LONG = replace(QUICK, horizon=4, burn_in=28, every=1)
JANUARY = date(2020, 1, 1)


def forecast(panel, config=QUICK):
    return forecast_panel(panel, config=config, reporter="CHN")


def evaluate(panel, cutoffs, config=QUICK):
    return evaluate_panel(panel, cutoffs=cutoffs, config=config, reporter="CHN")[0]


@pytest.fixture(scope="module")
def made():
    return forecast(grid_panel(72))


def test_draws_means_and_medians_have_their_shapes_and_order(made):
    assert made.paths.shape == (12, 300, 14)
    assert made.paths.dtype == np.float32
    assert [str(month) for month in made.months[:2]] == ["2021-01", "2021-02"]
    assert (np.diff(made.quantiles, axis=1) >= 0).all()
    assert_allclose(made.median, np.median(made.paths, axis=1), rtol=1e-5)
    assert_allclose(made.mean, made.paths.mean(axis=1, dtype=float), rtol=1e-6)
    assert_allclose(made.weights.sum(axis=1), 1.0)


def test_distant_cutoffs_are_scored_like_adjacent_ones():
    panel = grid_panel(72)
    every = evaluate(panel, panel.months[40:65:2])
    some = evaluate(panel, panel.months[40:65:8])
    assert some.cutoffs.tolist() == every.cutoffs[::4].tolist()
    assert_allclose(some.combined, every.combined[:, ::4])
    assert_allclose(some.quantiles[COMBINATION][:, 0], every.quantiles[COMBINATION][:, 0])


def test_a_fold_that_could_not_have_been_made_is_not_scored():
    config = replace(QUICK, every=1)
    panel = grid_panel(64)
    every, some = forecast(panel, config), forecast_panel(panel, config=config, reporter="CHN", unscored={JANUARY})
    january = np.datetime64(JANUARY, "M")
    assert january in every.backtest.cutoffs
    assert some.backtest.cutoffs.tolist() == [cutoff for cutoff in every.backtest.cutoffs.tolist() if cutoff != JANUARY]
    assert_array_equal(some.paths, every.paths)

    def scored(of):
        scores = of.backtest.scores
        first = scores[(scores["kind"] == "month") & (scores["metric"] == "mae") & (scores["step"] == 1)]
        return first.set_index(["unique_id", "forecaster"])["n"]

    assert_array_equal(scored(some), scored(every) - 1)


def test_draws_centres_and_means_are_coherent(made):
    panel = grid_panel(72)
    assert made.paths.min() >= 0
    for values in (made.paths.astype(float), made.mean, made.centre):
        assert gaps_of_sums(panel, values) < 2e-6 * np.abs(values).max()


def test_period_forecasts_are_kept_as_scored(made):
    panel = grid_panel(72)
    tracks = made.backtest.periods
    assert {track.kind for track in tracks} == {"quarter", "year", "jan_feb"}
    scores = made.backtest.scores.query(f"kind == 'quarter' and forecaster == '{COMBINATION}' and metric == 'mae'")
    quarters = [track for track in tracks if track.kind == "quarter"]
    assert [track.cutoff for track in quarters] == made.backtest.cutoffs.tolist()
    for row, unique_id in enumerate(panel.unique_ids):
        errors = np.concatenate([np.abs(track.mean - track.actual)[row] for track in quarters])
        pooled = scores[(scores["unique_id"] == unique_id) & (scores["step"] == 0)]["value"].item()
        assert_allclose(np.nanmean(errors), pooled)
    last = quarters[-1]
    first_month = panel.position(last.cutoff) + last.step - 2
    assert_allclose(last.actual[:, 0], panel.values[:, first_month : first_month + 3].sum(axis=1))
    assert (np.diff(last.quantiles, axis=1) >= 0).all()
    some = made.backtest.of(slice(2, 4))
    np.testing.assert_array_equal(some.periods[0].quantiles, tracks[0].quantiles[2:4])


def test_draws_are_centred_on_the_combination(made):
    big = made.centre[:, 0] > 5
    assert_allclose(made.median[big], made.centre[big], rtol=0.15)


def test_the_order_of_rows_does_not_change_a_byte(made):
    again = forecast(grid_panel(72))
    assert_array_equal(again.paths, made.paths)
    assert_array_equal(again.quantiles, made.quantiles)
    pd.testing.assert_frame_equal(again.backtest.scores, made.backtest.scores)


def test_another_seed_changes_draws_but_not_the_centre(made):
    other = forecast(grid_panel(72), replace(QUICK, seed=5))
    assert_array_equal(other.centre, made.centre)
    assert not np.array_equal(other.paths, made.paths)


@pytest.mark.parametrize("config", [QUICK, LONG])
def test_a_fold_never_sees_the_future(config):
    panel, changed = grid_panel(72), grid_panel(72)
    cutoffs = [np.datetime64("2019-03"), np.datetime64("2019-09")]
    after = panel.position(cutoffs[-1]) + 1
    changed.values[:, after:] = changed.values[:, after:][:, ::-1] * 9
    # The same holds if sums break and values turn negative after the cutoff.
    changed.values[::5, after:] *= -1
    before, planted = evaluate(panel, cutoffs, config), evaluate(changed, cutoffs, config)
    assert_array_equal(before.means, planted.means)
    for name, quantiles in before.quantiles.items():
        assert_array_equal(quantiles, planted.quantiles[name], err_msg=name)
    assert not np.array_equal(before.actual, planted.actual)


@pytest.mark.parametrize("config", [QUICK, LONG])
def test_a_fold_equals_the_forecast_from_its_cutoff(config):
    panel, cutoff = grid_panel(72), np.datetime64("2019-09")
    fold = evaluate(panel, [cutoff], config)
    vintage_values = forecast(panel.until(cutoff), replace(config, folds=config.burn_in, burn_in=0))
    assert_allclose(fold.means[:, fold.names.index(COMBINATION), 0], vintage_values.centre)


def test_the_backtest_scores_every_kind_of_period(made):
    assert [str(month) for month in made.backtest.cutoffs] == ["2020-04", "2020-06", "2020-08", "2020-10"]
    scores = made.backtest.scores
    assert set(scores["kind"]) >= {"month", "month_growth", "quarter", "quarter_growth", "year"}
    combined = scores[(scores["forecaster"] == COMBINATION) & (scores["step"] == 0) & (scores["kind"] == "month")]
    assert set(combined["metric"]) >= {"mase", "rmsse", "smape", "wis", "coverage", "bias", "pit"}
    pit = combined[combined["metric"] == "pit"].groupby("unique_id")[["value", "n"]].sum()
    assert_allclose(pit["value"], 1.0)
    mae = combined[combined["metric"] == "mae"].set_index("unique_id")
    assert (pit["n"] == mae["n"]).all()


@pytest.mark.parametrize("months", [1, 2, 5, 13, 30])
def test_a_panel_too_short_for_a_backtest_is_forecast(months):
    panel = Panel.from_long(long_frame({"a": trade_series(months, seed=1), "b": np.zeros(months)}))
    made = forecast(panel, replace(QUICK, forecasters=()))
    assert np.isfinite(made.paths).all()
    assert np.isfinite(made.mean).all()
    assert (made.quantiles[0, PROBABILITIES.index(0.975)] > made.quantiles[0, PROBABILITIES.index(0.025)]).all()


def test_late_short_and_empty_series_are_forecast():
    delayed = long_frame({"late": trade_series(8, seed=2)}, start="2020-05")
    early = long_frame({"early": trade_series(60, seed=3), "zero": np.zeros(60), "usual": trade_series(60, seed=4)})
    discontinued = long_frame({"gone": trade_series(40, seed=5)}, start="2015-01")
    panel = Panel.from_long(pd.concat([delayed, early.assign(ds=early["ds"] + pd.DateOffset(months=12)), discontinued]))
    made = forecast(panel)
    assert np.isfinite(made.paths).all()
    assert (made.quantiles[panel.unique_ids.index("zero")] == 0).all()


def test_a_late_partner_costs_the_others_no_fold():
    whole = grid_panel(72)
    delayed = (whole.keys["partner"] == "VNM").to_numpy()
    before = np.arange(72) < 66
    values = whole.values.copy()
    for rows in whole.keys.groupby("sector").groups.values():
        ours = np.isin(np.arange(len(values)), rows)
        world = ours & (whole.keys["partner"] == "WLD").to_numpy()
        values[np.ix_(world, before)] -= values[np.ix_(ours & delayed, before)]
    values[np.ix_(delayed, before)] = np.nan
    made = forecast(replace(whole, values=values))
    begun = made.backtest.cutoffs >= whole.months[66]
    assert np.isfinite(made.backtest.combined[~delayed]).all()
    assert np.isfinite(made.backtest.quantiles[COMBINATION][~delayed]).all()
    assert np.isfinite(made.backtest.combined[delayed][:, begun]).all()
    assert np.isnan(made.backtest.combined[delayed][:, ~begun]).all()
    assert np.isfinite(made.paths).all()


def test_series_with_negative_values_may_have_negative_forecasts():
    balance = trade_series(60, seed=6) - 130
    made = forecast(Panel.from_long(long_frame({"balance": balance})))
    assert made.paths.min() < 0


@pytest.mark.parametrize("cutoffs", [[], ["2020-12"], ["2014-12"], ["2021-01"]])
def test_cutoffs_that_cannot_be_scored_are_refused(cutoffs):
    with pytest.raises(BadCutoff):
        evaluate(grid_panel(72), [np.datetime64(cutoff) for cutoff in cutoffs])


def test_fresh_weights_use_the_last_year_only():
    panel = grid_panel(72)
    # A forecaster that was accurate for years and failed in the last one.
    names = ("naive", "seasonal_naive")
    base = forecast_at_cutoffs(panel, cutoffs=range(40, 72), horizon=3, reporter="CHN", forecasters=names)
    actual = panel.ahead(base.cutoffs.tolist(), 3)
    right = base.cutoffs < 60
    base.means[:, 0, right] = np.nan_to_num(actual[:, right], nan=1.0)
    base.means[:, 0, ~right] *= 1.5
    usual, fresh = (combine_panel(panel, base, recent=recent).weights[:, -1, 0].mean() for recent in (None, 11))
    assert fresh < 0.5 * usual
    everything = combine_panel(panel, base, recent=1000)
    assert_allclose(everything.weights, combine_panel(panel, base).weights, rtol=1e-12, atol=1e-12)
    assert_allclose(everything.centre, combine_panel(panel, base).centre, rtol=1e-12)


def lively_and(others, *, months=96, count=6):
    """Active series, alone and with others, without a hierarchy."""
    lively = {f"L{i}": trade_series(months, seed=i) for i in range(count)}
    return Panel.from_long(long_frame({**lively, **others}))


WIDE = replace(QUICK, horizon=6, folds=24, burn_in=24, every=1)


def test_inactive_series_stay_so_and_narrow_no_other():
    alone = forecast(lively_and({}), WIDE)
    dead = {f"dead{i}": np.zeros(96) for i in range(4)} | {"constant": np.full(96, 5.0)}
    among = forecast(lively_and(dead), WIDE)
    rows = {uid: row for row, uid in enumerate(among.unique_ids)}
    assert_array_equal(among.paths[[rows[f"dead{i}"] for i in range(4)]], 0.0)
    assert_allclose(among.paths[rows["constant"]], 5.0, rtol=1e-6)
    lively = [rows[uid] for uid in alone.unique_ids]
    width = [value[:, -2] - value[:, 1] for value in (alone.quantiles, among.quantiles[lively])]
    assert abs(np.log(width[1] / width[0]).mean()) < 0.1


def test_a_forecast_is_equivariant_to_the_unit():
    idle = np.concatenate([trade_series(30, seed=8), np.zeros(50), trade_series(16, seed=9)])
    panel = lively_and({"idle": idle, "dead": np.zeros(96)})
    small, large = forecast(panel, WIDE), forecast(replace(panel, values=1e9 * panel.values), WIDE)
    assert_allclose(large.quantiles, 1e9 * small.quantiles, rtol=1e-6)
    assert_allclose(large.weights, small.weights)


def test_a_negative_month_affects_no_other_series_or_earlier_fold():
    panel = lively_and({"small": np.where(np.arange(96) % 3, trade_series(96, seed=7, noise=0.6), 0.0)})
    later = panel.values.copy()
    row = panel.unique_ids.index("L0")
    later[row, 80] = -1.0
    cutoffs = panel.months[[60, 85]]
    before, after = (evaluate(replace(panel, values=value), cutoffs, WIDE) for value in (panel.values, later))
    quantiles = after.quantiles[COMBINATION]
    assert_array_equal(quantiles[:, 0], before.quantiles[COMBINATION][:, 0])
    assert (np.delete(quantiles, row, axis=0) >= 0).all()


def test_imputed_and_missing_months_are_not_scored():
    values = {"a": trade_series(72, seed=1), "b": trade_series(72, seed=2)}
    frame = long_frame(values)
    frame["imputed"] = frame["ds"].dt.month.isin([1, 2]) & (frame["ds"].dt.year == 2019)
    frame = frame[(frame["unique_id"] == "a") | (frame["ds"] >= "2019-06")]
    scores = evaluate(Panel.from_long(frame), np.arange("2019-01", "2020-12", dtype="datetime64[M]")).scores
    ours = scores[(scores["forecaster"] == COMBINATION) & (scores["step"] == 0)]
    found = {
        (kind, uid): (group[group["metric"] == "pit"]["n"].sum(), group[group["level"] == 80.0]["n"].max())
        for (kind, uid), group in ours[ours["metric"].isin(["pit", "coverage"])].groupby(["kind", "unique_id"])
    }
    for kind in ("month", "month_growth", "quarter", "quarter_growth"):
        for uid in ("a", "b"):
            assert found[kind, uid][0] == found[kind, uid][1], (kind, uid)
    assert 0 < found["month_growth", "b"][0] < found["month_growth", "a"][0] < found["month", "a"][0]


def test_a_combined_february_is_unknown_in_january():
    def folds(joined):
        frame = long_frame({"a": trade_series(72, seed=1), "b": trade_series(72, seed=2)})
        both = frame["ds"].isin([pd.Timestamp("2020-01-01"), pd.Timestamp("2020-02-01")])
        frame.loc[both, "y"] *= joined
        panel = Panel.from_long(frame.assign(imputed=both))
        return evaluate(panel, np.arange("2019-12", "2020-03", dtype="datetime64[M]"))

    usual, large = folds(1.0), folds(3.0)
    assert_array_equal(large.means[:, :, :2], usual.means[:, :, :2])
    assert_array_equal(large.quantiles[COMBINATION][:, :2], usual.quantiles[COMBINATION][:, :2])
    assert not np.array_equal(large.means[:, :, 2], usual.means[:, :, 2])
    # At the end of January the quarter is not partly known.
    quarters = {track.cutoff: track for track in usual.periods if track.kind == "quarter"}
    assert np.isnan(quarters[np.datetime64("2020-01")].mean[:, 0]).all()
    assert np.isfinite(quarters[np.datetime64("2020-02")].mean[:, 0]).all()


def test_a_vintage_fold_sees_no_later_revision():
    panel, cutoff = grid_panel(72), 60
    vintage_values = {cutoff: panel.values[:, : cutoff + 1].copy()}
    revised = panel.values.copy()
    revised[:, cutoff] *= 2
    base = forecast_at_cutoffs(
        panel,
        cutoffs=range(24, 71),
        horizon=4,
        reporter="CHN",
        forecasters=QUICK.forecasters,
        vintage_values=vintage_values,
    )
    pools = [
        combine_panel(replace(panel, values=values), base, vintage_values=vintage_values)
        for values in (panel.values, revised)
    ]
    fold = base.cutoffs.tolist().index(cutoff)
    for name in ("transform_unit", "prior"):
        first, second = (getattr(pool.data, name)[:, fold] for pool in pools)
        assert_array_equal(first, second)
    # Only errors of earlier folds use revised values.
    moved = np.abs(pools[1].centre[:, fold] / pools[0].centre[:, fold] - 1)
    assert np.nanmedian(moved) < 0.02


def test_a_late_part_is_forecast_and_a_discontinued_one_is_zero():
    panel = grid_panel(72)
    of_usa = panel.keys["partner"].to_numpy() == "USA"
    delayed = panel.values.copy()
    delayed[of_usa, -1:] = np.nan
    made = forecast(replace(panel, values=delayed))
    assert made.centre[of_usa].min() > 0
    assert gaps_of_sums(panel, made.paths.astype(float)) < 2e-6 * made.paths.max()
    ended = panel.values.copy()
    for sector in ("EV", "SOLAR", "TOTAL"):
        row = panel.unique_ids.index(f"T.X.USA.{sector}")
        ended[panel.unique_ids.index(f"T.X.WLD.{sector}"), -12:] -= ended[row, -12:]
        ended[row, -12:] = np.nan
    made = forecast(replace(panel, values=ended))
    assert_array_equal(made.paths[of_usa], 0.0)
    assert gaps_of_sums(panel, made.paths.astype(float)) < 2e-6 * made.paths.max()
