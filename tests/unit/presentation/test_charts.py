"""Chart specifications: their content, and that Vega-Lite draws them, without a browser."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from presentation.charts import backtest, decomposition, heat_map
from presentation.charts.contributions import share_slopes
from presentation.charts.direct_labels import label_rows
from presentation.charts.fan import fan
from presentation.charts.period_bars import period_bars
from presentation.charts.scenarios import scenario_lines
from presentation.charts.theme import BLUE, FAN, LINES, WIDTH, Row, line_styles
from presentation.exports import svg

Spec = dict[str, Any]
OBSERVED = [
    {"month": f"2025-{month:02}-01", "value": float(month), "name": "x", "tip": str(month)} for month in range(1, 13)
]


def expected(month: int) -> dict[str, Any]:
    middle = 12.0 + month
    bounds = {f"lo_{level}": middle - level / 20 for level in (50, 80)}
    bounds |= {f"hi_{level}": middle + level / 20 for level in (50, 80)}
    expected_values = {"name": "x", "tip": str(month), "tip_50": "a to b", "tip_80": "a to b"}
    return {"month": f"2026-{month:02}-01", "median": middle, **bounds, **expected_values}


EXPECTED = [expected(month) for month in range(1, 7)]


def fan_chart(**more: Any) -> Spec:
    return fan(OBSERVED, EXPECTED, unit="USD bn", levels=(50.0, 80.0), **more)


def marks(spec: Spec) -> list[str]:
    return [layer["mark"]["type"] for layer in spec["layer"]]


def test_a_fan_draws_the_widest_interval_first() -> None:
    spec = fan_chart()
    assert marks(spec) == ["area", "area", "line", "line", "point"]
    assert [layer["mark"]["color"] for layer in spec["layer"][:2]] == [FAN[80], FAN[50]]
    assert [layer["encoding"]["y"]["field"] for layer in spec["layer"][:2]] == ["lo_80", "lo_50"]


def test_a_fan_opens_at_the_last_observation() -> None:
    first = fan_chart()["datasets"]["fan"][0]
    assert first == {"month": "2025-12-01", "median": 12.0, "lo_50": 12.0, "hi_50": 12.0, "lo_80": 12.0, "hi_80": 12.0}


def test_a_fan_without_observations_begins_with_the_forecast() -> None:
    spec = fan([], EXPECTED, unit="USD bn", levels=(50.0,))
    assert spec["datasets"]["fan"] == EXPECTED


def test_a_fan_stores_each_row_once() -> None:
    assert "values" not in str(fan_chart()["layer"])


def test_a_fan_draws_other_lines_only_where_given() -> None:
    line = [{"made": "2025-06", "month": "2025-09-01", "value": 3.0}]
    expected = [{"forecaster": name, "month": "2026-01-01", "value": 3.0} for name in ("theta", "naive")]
    spec = fan_chart(earlier=line, others=expected, outcomes=[{"month": "2026-01-01", "value": 5.0}])
    assert marks(spec).count("line") == 5
    (others,) = [layer for layer in spec["layer"] if layer["data"] == {"name": "others"}]
    assert others["encoding"]["color"]["scale"]["domain"] == ["naive", "theta"]


STEPS = [
    {"forecaster": name, "step": step, "value": step / 10}
    for name in ("combination", "seasonal naive", "theta")
    for step in range(1, 4)
]
COVERAGE = [
    {"level": level, "step": step, "nominal": level / 100, "value": 0.7, "lo": 0.6, "hi": 0.8}
    for level in (50.0, 80.0)
    for step in (1, 2)
]
PIT = [{"from": place / 10, "to": (place + 1) / 10, "share": 0.1, "flat": 0.1} for place in range(10)]
HEAT = [{"partner": name, "sector": "EV", "shade": shade, "text": "+1 %"} for name, shade in (("A", 6), ("B", 0))]
PANELS = [
    {"partner": "A", "month": "2025-12-01", "value": 1.0, "median": 1.0, "lo": 1.0, "hi": 1.0},
    {"partner": "A", "month": "2026-01-01", "median": 2.0, "lo": 1.0, "hi": 3.0},
]

APART = [
    {"component": name, "month": f"2026-0{month}-01", "value": month, "ahead": month > 2}
    for name in ("Trend", "Season")
    for month in range(1, 5)
]


def by_step() -> Spec:
    return backtest.by_step(STEPS, title="MASE", ours="combination", baseline="seasonal naive", as_naive=1.0)


def test_the_combination_and_the_baseline_are_listed_first() -> None:
    domain = by_step()["layer"][1]["encoding"]["color"]["scale"]["domain"]
    assert domain == ["combination", "seasonal naive", "theta"]


def test_lines_differ_by_more_than_their_colour() -> None:
    encoding = by_step()["layer"][1]["encoding"]
    assert encoding["strokeDash"]["field"] == encoding["strokeWidth"]["field"] == "forecaster"


def test_no_two_of_twenty_lines_look_alike() -> None:
    colors, dashes = line_styles(20)
    assert len({(color, *dash) for color, dash in zip(colors, dashes, strict=True)}) == 20
    assert BLUE not in colors


@pytest.mark.parametrize(
    ("value", "shade"), [(0.0, 3), (1.9, 3), (2.0, 4), (-2.0, 2), (10.0, 5), (29.9, 5), (30.0, 6), (-31.0, 0)]
)
def test_growth_falls_into_seven_classes(value: float, shade: int) -> None:
    assert heat_map.class_of(value, (2, 10, 30)) == shade


@pytest.mark.parametrize(
    ("spec", "drawn"),
    [
        (fan_chart(), r"mark-area.*mark-line"),
        (by_step(), r"mark-line"),
        (backtest.coverage(COVERAGE), r"mark-rule.*mark-symbol"),
        (backtest.coverage_by_step(COVERAGE), r"mark-area.*mark-line"),
        (backtest.histogram(PIT), r"mark-rect"),
        (heat_map.heat_map(HEAT, partners=["A", "B"], sectors=["EV"]), r"mark-rect.*mark-text"),
        (heat_map.small_multiples(PANELS, order=["A"], unit="USD m"), r"mark-area.*mark-line"),
        (decomposition.components(APART, order=["Trend", "Season"]), r"mark-line"),
    ],
    ids=["fan", "by_step", "coverage", "coverage_by_step", "histogram", "heat_map", "small_multiples", "components"],
)
def test_vega_lite_draws_it(spec: Spec, drawn: str) -> None:
    assert re.search(drawn, svg(spec), re.DOTALL)


def test_bars_of_the_histogram_stand_on_zero() -> None:
    drawn = svg(backtest.histogram(PIT))
    heights = [float(found) for found in re.findall(r"v(\d+(?:\.\d+)?)h-", drawn)]
    assert max(heights, default=0.0) > 50, drawn[:2000]


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """Contrast after WCAG 2.2, 1 to 21."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("color", LINES)
def test_line_colours_contrast_with_the_page_as_text_does(color: str) -> None:
    assert contrast(color, "#ffffff") >= 4.5


SCRIPT = Path(__file__).parents[3] / "api" / "pages" / "static" / "site" / "site.js"


@pytest.mark.parametrize("color", LINES)
def test_line_colours_contrast_with_a_dark_page(color: str) -> None:
    recoloured = dict(re.findall(r'"(#[0-9a-f]{6})": "(#[0-9a-f]{6})"', SCRIPT.read_text(encoding="utf-8")))
    assert contrast(recoloured[color], "#11181f") >= 4.5


def many_lines(number: int) -> list[Row]:
    """Forecasters whose lines end close together."""
    return [
        {"forecaster": f"forecaster {place}", "month": f"2026-{month:02}-01", "value": 12 + month + place / 100}
        for place in range(number)
        for month in range(1, 7)
    ]


def test_lines_are_labelled_at_their_ends_without_a_legend() -> None:
    spec = fan_chart(others=many_lines(11))
    assert "'legend': {" not in str(spec["layer"])
    drawn = svg(spec)
    assert drawn.count(">forecaster ") == 11
    found = re.findall(r'translate\(([0-9.]+),([0-9.]+)\)"[^>]*>forecaster ', drawn)
    heights = sorted(float(y) for _, y in found)
    assert min(after - before for before, after in pairwise(heights)) > 11
    # Labels begin beyond the last month and end within the picture.
    assert {float(x) > 500 for x, _ in found} == {True}


NAMES = [f"name {place:02}" for place in range(12)]
MANY = {
    "bars": period_bars(
        [],
        [{"name": "2026", "median": 1.0, "lo_80": 0.5, "hi_80": 1.5}],
        unit="USD bn",
        levels=(80.0,),
        others=[{"forecaster": name, "name": "2026", "value": 1.0} for name in NAMES],
    ),
    "slopes": share_slopes(
        [{"name": name, "when": when, "share": 5.0, "tip": ""} for name in NAMES for when in ("2017", "2026")],
        order=["2017", "2026"],
    ),
    "scenarios": scenario_lines(OBSERVED, dict.fromkeys(NAMES, EXPECTED), unit="USD bn"),
}


@pytest.mark.parametrize("spec", MANY.values(), ids=MANY)
def test_twelve_names_are_labels_without_a_legend(spec: Spec) -> None:
    drawn = svg(spec)
    assert "role-legend" not in drawn
    found = re.findall(r'translate\(([0-9.]+),([0-9.]+)\)"[^>]*>name \d\d', drawn)
    heights = sorted(float(y) for _, y in found)
    assert len(found) == 12
    assert min(after - before for before, after in pairwise(heights)) > 11
    assert max(float(x) for x, _ in found) < WIDTH - 50


def test_a_long_name_at_the_end_of_a_line_is_not_cut() -> None:
    name = "Latin America and the Caribbean"
    rows = [{"name": name, "when": when, "share": 5.0, "tip": ""} for when in ("2017", "2026")]
    drawn = svg(share_slopes(rows, order=["2017", "2026"]))
    (label,) = re.findall(rf'translate\(([0-9.]+),[0-9.]+\)"[^>]*>{name}', drawn)
    # A letter is about half as wide as the font, of 11 pixels, is high.
    assert float(label) + 5.5 * len(name) < WIDTH


def test_levels_of_coverage_are_labels() -> None:
    drawn = svg(backtest.coverage_by_step([{**row, "level": level} for row in COVERAGE for level in (50, 80, 90, 95)]))
    assert "role-legend" not in drawn
    assert re.findall(r">(\d+ %)<", drawn) == ["50 %", "80 %", "90 %", "95 %"]


def test_labels_stay_in_the_order_of_their_lines() -> None:
    rows = label_rows(many_lines(5), x="month", y="value", extent=(0.0, 20.0), height=280)
    places = [row["label_y"] for row in rows]
    assert [row["value"] for row in rows] == sorted(row["value"] for row in rows)
    assert places == sorted(places)
    assert np.mean(places) == pytest.approx(np.mean([row["value"] for row in rows]))


@pytest.mark.parametrize(("shade", "color"), list(enumerate(heat_map.CLASSES)))
def test_text_contrasts_with_every_shade_of_the_heat_map(shade: int, color: str) -> None:
    assert contrast(color, "#ffffff" if shade in heat_map.DARK else "#1c2733") >= 4.5


def test_equal_charts_give_equal_svg() -> None:
    chart = {"mark": {"type": "point", "clip": True}, "encoding": {"x": {"field": "x", "type": "quantitative"}}}
    spec = {**chart, "data": {"values": [{"x": 1}, {"x": 2}]}}
    first = svg(spec)
    assert "url(#clip0)" in first
    assert 'id="clip0"' in first
    assert svg(spec) == first


def test_no_two_forecasters_of_bars_look_alike() -> None:
    others = [{"forecaster": f"forecaster {place:02}", "name": "2026", "value": 1.0} for place in range(20)]
    bars = [{"name": "2026", "median": 1.0, "lo_80": 0.5, "hi_80": 1.5}]
    spec = period_bars([], bars, unit="USD bn", levels=(80.0,), others=others)
    (layer,) = [layer for layer in spec["layer"] if layer["data"] == {"name": "others"}]
    styles = zip(*(layer["encoding"][name]["scale"]["range"] for name in ("color", "shape")), strict=True)
    assert len(set(styles)) == 20
    assert svg(spec).count("mark-symbol") >= 1
