"""Charts of the backtest: errors by step, coverage, the PIT histogram."""

from collections.abc import Sequence
from typing import Any

from presentation.charts.direct_labels import LABEL_WIDTH, label_layers, label_rows, room
from presentation.charts.theme import BLUE, GRID, INK, LINES, MUTED, Row, Spec, chart, line_styles, value_axis

STEPS: Spec = {
    "type": "quantitative",
    "scale": {"zero": False, "nice": False},
    "axis": {"title": "months ahead", "tickMinStep": 1, "format": "d", "labelOverlap": True},
}
SHARE = {"format": ".0%", "title": None}
BANDED = 80.0
STEPS_HEIGHT, AXIS_HEIGHT, LEVEL_WIDTH = 300, 50, 45


def by_step(rows: Sequence[Row], *, title: str, ours: str, baseline: str, as_naive: float | None = None) -> Spec:
    """One line for each forecaster over steps. Rows: forecaster, step, value. A rule is drawn at `as_naive`."""
    names = [ours, baseline, *sorted({str(row["forecaster"]) for row in rows} - {ours, baseline})]
    colors, dashes = line_styles(len(names) - 2)
    colors, dashes = [BLUE, INK, *colors], [[1, 0], [6, 3], *dashes]
    widths = [3, 2, *(1.4 for _ in names[2:])]
    steps = sorted({row["step"] for row in rows})
    x = {"field": "step", **STEPS, "axis": {**STEPS["axis"], "values": steps}}
    y = value_axis("value", title, zero=True)
    color, dash, width = (_by_forecaster(names, styles) for styles in (colors, dashes, widths))
    encoding = {
        "x": x,
        "y": y,
        "color": color,
        "strokeDash": dash,
        "strokeWidth": width,
        "tooltip": [
            {"field": "forecaster", "type": "nominal"},
            {"field": "step", "type": "quantitative", "title": "months ahead"},
            {"field": "value", "type": "quantitative", "format": ".3~g", "title": title},
        ],
    }
    point = {"filled": True, "size": 25} if len({row["step"] for row in rows}) < 12 else False
    lines: Spec = {"data": {"name": "lines"}, "mark": {"type": "line", "point": point}, "encoding": encoding}
    layers = [lines, *label_layers(x=x, y=y, color=color)]
    if as_naive is not None:
        layers.insert(0, _rule(as_naive))
    extent = (0.0, max((row["value"] for row in rows), default=0.0))
    datasets = {"lines": list(rows), **_labels(rows, extent=extent, of="forecaster", width=LABEL_WIDTH)}
    return chart(layers, datasets=datasets, height=STEPS_HEIGHT)


def _labels(rows: Sequence[Row], *, extent: tuple[float, float], of: str, width: int) -> dict[str, list[Row]]:
    """The datasets of the labels of lines over steps."""
    if not rows:
        return {"labels": [], "room": []}
    steps = [row["step"] for row in rows]
    height = STEPS_HEIGHT - AXIS_HEIGHT
    return {
        "labels": label_rows(rows, x="step", y="value", extent=extent, height=height, of=of),
        "room": room(min(steps), max(steps), x="step", width=width),
    }


def _by_forecaster(names: Sequence[str], styles: Sequence[Any]) -> Spec:
    scale = {"domain": list(names), "range": list(styles)}
    return {"field": "forecaster", "type": "ordinal", "scale": scale, "legend": None}


def coverage(rows: Sequence[Row]) -> Spec:
    """Coverage against the nominal level, with sampling errors. Rows: level; nominal, value, lo, hi as shares."""
    x = {
        "field": "nominal",
        "type": "quantitative",
        "scale": {"domain": [0.4, 1]},
        "axis": {**SHARE, "title": "nominal"},
    }
    y = {"type": "quantitative", "scale": {"domainMax": 1, "zero": False}, "axis": {**SHARE, "title": "coverage"}}
    diagonal = [{"nominal": 0.4, "value": 0.4}, {"nominal": 1, "value": 1}]
    tips = [
        {"field": "nominal", "type": "quantitative", "format": ".0%"},
        {"field": "value", "type": "quantitative", "format": ".1%", "title": "coverage"},
    ]
    layers: list[Spec] = [
        {
            "data": {"values": diagonal},
            "mark": {"type": "line", "color": MUTED, "strokeDash": [4, 4]},
            "encoding": {"x": x, "y": {"field": "value", **y}},
        },
        {
            "mark": {"type": "rule", "color": BLUE, "strokeWidth": 2},
            "encoding": {"x": x, "y": {"field": "lo", **y}, "y2": {"field": "hi"}},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 90, "color": BLUE, "opacity": 1},
            "encoding": {"x": x, "y": {"field": "value", **y}, "tooltip": tips},
        },
    ]
    return chart(layers, data=rows, height=300)


def coverage_by_step(rows: Sequence[Row]) -> Spec:
    """Coverage of each level over steps, with its nominal value. Rows: level, step, nominal, value, lo, hi."""
    named = [{**row, "name": f"{row['level']:g} %"} for row in rows]
    names = [f"{level:g} %" for level in sorted({row["level"] for row in rows})]
    scale = {"domain": names, "range": list(LINES[: len(names)])}
    color = {"field": "name", "type": "nominal", "scale": scale, "legend": None}
    x = {"field": "step", **STEPS}
    y = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": SHARE}
    layers: list[Spec] = [
        {
            # Error bands of all levels would overlap: the band of one level shows their size.
            "transform": [{"filter": {"field": "level", "equal": BANDED}}],
            "mark": {"type": "area", "opacity": 0.2, "description": "sampling error"},
            "encoding": {"x": x, "y": {"field": "lo", **y}, "y2": {"field": "hi"}, "color": color},
        },
        {
            "mark": {"type": "line", "strokeDash": [4, 4], "strokeWidth": 1},
            "encoding": {"x": x, "y": {"field": "nominal", **y}, "color": color},
        },
        {
            "mark": {"type": "line", "strokeWidth": 2.5, "point": {"filled": True, "size": 25}},
            "encoding": {"x": x, "y": {"field": "value", **y}, "color": color},
        },
    ]
    layers = [{"data": {"name": "lines"}, **layer} for layer in layers]
    layers += label_layers(x=x, y={"field": "value", **y}, color=color)
    datasets = {"lines": named, **_labels(named, extent=(0.0, 1.0), of="name", width=LEVEL_WIDTH)}
    return chart(layers, datasets=datasets, height=STEPS_HEIGHT)


def histogram(rows: Sequence[Row]) -> Spec:
    """The PIT histogram: shares of outcomes by their probability under the forecast. Rows: from, to, share, flat."""
    x = {
        "field": "from",
        "type": "quantitative",
        "scale": {"domain": [0, 1]},
        "axis": {"title": "forecast probability of a value below the outcome", "format": ".0%"},
    }
    y = {"field": "share", "type": "quantitative", "axis": {**SHARE}}
    layers: list[Spec] = [
        {
            "mark": {"type": "bar", "color": BLUE, "stroke": "white"},
            "encoding": {"x": x, "x2": {"field": "to"}, "y": y, "y2": {"datum": 0}},
        },
        {
            "mark": {"type": "rule", "color": INK, "strokeDash": [6, 3]},
            "encoding": {"y": {"field": "flat", **_plain(y)}},
        },
    ]
    return chart(layers, data=rows, height=240)


def _plain(encoding: Row) -> Row:
    return {name: value for name, value in encoding.items() if name != "field"}


def _rule(at: float) -> Spec:
    return {
        "data": {"values": [{"at": at}]},
        "mark": {"type": "rule", "color": GRID, "strokeWidth": 3},
        "encoding": {"y": {"field": "at", "type": "quantitative"}},
    }
