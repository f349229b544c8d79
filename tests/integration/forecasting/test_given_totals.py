"""Totals published before their parts: the parts meet them, and no fold sees more than its own."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from forecasting.combination.combined_forecasts import combine_panel
from forecasting.config import ForecastConfig
from forecasting.data.borrowed_history import Donor
from forecasting.data.given_totals import GivenTotals, given_totals
from forecasting.data.panel import Panel
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.pipeline import PanelForecast, fold_positions, forecast_panel
from tests.support.panels import long_frame

MONTHS, RATE = 72, 7.0
CONFIG = ForecastConfig(horizon=3, folds=18, burn_in=12, draws=60, forecasters=("seasonal_naive", "theta"))


def parts() -> dict[str, np.ndarray]:
    """Three partners with a shared shock each month and noise of their own, one month longer than the panel."""
    draw = np.random.default_rng(5)
    shared = draw.normal(0, 0.06, MONTHS + 1)
    season = 0.1 * np.sin(2 * np.pi * np.arange(MONTHS + 1) / 12)
    sizes = {"USA": 30.0, "DEU": 20.0, "RST": 50.0}
    return {name: size * np.exp(season + shared + draw.normal(0, 0.02, MONTHS + 1)) for name, size in sizes.items()}


def panel() -> Panel:
    values = parts()
    values["WLD"] = np.sum(list(values.values()), axis=0)
    frame = long_frame({f"T.X.{name}.TOTAL": series[:MONTHS] for name, series in values.items()})
    codes = frame["unique_id"].str.split(".", expand=True)
    return Panel.from_long(frame.assign(flow=codes[1], partner=codes[2], sector=codes[3]))


def published(last: int, *, rate: float = RATE) -> dict[str, Donor]:
    """The total in another currency up to a position, at a rate that moves by about 0.1 % a month."""
    moving = rate * np.exp(np.cumsum(np.random.default_rng(2).normal(0, 0.001, MONTHS + 1)))
    total = np.sum(list(parts().values()), axis=0) / moving
    months = panel().months[0] + np.arange(last + 1)
    return {"X": Donor(months, total[: last + 1])}


def totals(known: Panel, *, months: int = 1) -> dict[int, GivenTotals]:
    positions = [*fold_positions(known, CONFIG), MONTHS - 1]
    return {
        position: given_totals(known, known.values[:, : position + 1], published(position + months), months=months)
        for position in positions
    }


@pytest.fixture(scope="module")
def plain() -> PanelForecast:
    return forecast_panel(panel(), config=CONFIG, reporter="DEU")


@pytest.fixture(scope="module")
def informed() -> PanelForecast:
    return forecast_panel(panel(), config=CONFIG, reporter="DEU", given=totals(panel()))


def test_a_total_is_brought_to_the_unit_of_the_panel() -> None:
    found = totals(panel())[MONTHS - 1]
    world = panel().unique_ids.index("T.X.WLD.TOTAL")
    assert found.known(1).tolist() == [row == world for row in range(4)]
    assert found.values[world, 0] == pytest.approx(sum(series[-1] for series in parts().values()), rel=0.005)
    assert 0.001 <= found.error[world] < 0.002
    assert found.months == 1


def test_parts_meet_the_total_in_the_centre_and_in_every_draw(informed: PanelForecast) -> None:
    known = panel()
    given, forecast = totals(known), informed
    world = known.unique_ids.index("T.X.WLD.TOTAL")
    others = [row for row in range(4) if row != world]
    total = given[MONTHS - 1].values[world, 0]
    assert forecast.centre[others, 0].sum() == pytest.approx(total, rel=1e-3)
    sums = forecast.paths[others, :, 0].sum(axis=0)
    assert_allclose(sums, forecast.paths[world, :, 0], rtol=1e-5)
    assert_allclose(sums, total, rtol=0.01)
    assert forecast.paths[others[0], :, 0].std() > 0


def test_parts_are_forecast_better_given_the_total(plain: PanelForecast, informed: PanelForecast) -> None:
    others = [row for row, name in enumerate(panel().unique_ids) if "WLD" not in name]
    before, after = (
        np.abs(found.backtest.combined - found.backtest.actual)[others, :, 0] for found in (plain, informed)
    )
    assert np.nanmean(after) < 0.6 * np.nanmean(before)
    assert_array_equal(plain.base, informed.base)
    low, high = CONFIG.probabilities.index(0.1), CONFIG.probabilities.index(0.9)
    widths = [found.quantiles[others, high, 0] - found.quantiles[others, low, 0] for found in (plain, informed)]
    assert (widths[1] < widths[0]).all()


def test_a_fold_never_sees_a_total_of_a_later_fold() -> None:
    known = panel()
    cutoffs = [*fold_positions(known, CONFIG), MONTHS - 1]
    base = forecast_at_cutoffs(known, cutoffs=cutoffs, horizon=3, reporter="DEU", forecasters=("theta",))
    given, fold = totals(known), 15
    changed = {
        position: replace(found, values=2 * found.values) if position > cutoffs[fold] else found
        for position, found in given.items()
    }
    seen = [combine_panel(known, base, given=found).centre[:, : fold + 1] for found in (given, changed)]
    assert_array_equal(seen[0], seen[1])


def test_a_month_of_the_total_after_the_given_ones_changes_nothing() -> None:
    known = panel()
    seen = known.values[:, : MONTHS - 5]
    before = given_totals(known, seen, published(MONTHS - 5), months=1)
    after = given_totals(known, seen, published(MONTHS), months=1)
    assert_array_equal(before.values, after.values)


def test_a_short_common_history_gives_no_total() -> None:
    known = panel()
    late = published(MONTHS)["X"]
    short = {"X": Donor(late.months[-4:], late.values[-4:])}
    assert given_totals(known, known.values, short, months=1).months == 0


def test_no_total_leaves_the_forecasts_as_they_are(plain: PanelForecast) -> None:
    same = forecast_panel(panel(), config=CONFIG, reporter="DEU", given={})
    assert_array_equal(plain.paths, same.paths)
