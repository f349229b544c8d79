"""Contributions to growth: a sorted bar for each part, observed and expected side by side; shares as a slope chart."""

from collections.abc import Sequence

from presentation.charts.theme import LINES, MUTED, Row, Spec, chart, value_axis

OBSERVED_COLOR, EXPECTED_COLOR, INTERVAL_COLOR = "#9aa5b1", "#9cc2de", "#0b4f7a"
PERIODS = ("observed", "expected")
ROW_HEIGHT = 30
SLOPE_HEIGHT = 360


def contribution_bars(rows: Sequence[Row], *, order: Sequence[str], unit: str) -> Spec:
    """Rows: name, period (observed or expected), value in `unit`, and lo, hi of the expected; `order` of names."""
    y = {"field": "name", "type": "nominal", "sort": list(order), "axis": {"title": None, "labelLimit": 220}}
    offset = {"field": "period", "type": "nominal", "sort": list(PERIODS)}
    axis = {"title": unit, "tickCount": 8}
    x = {"field": "value", "type": "quantitative", "axis": axis}
    color = {
        "field": "period",
        "type": "nominal",
        "scale": {"domain": list(PERIODS), "range": [OBSERVED_COLOR, EXPECTED_COLOR]},
        "legend": {"title": None, "orient": "top"},
    }
    tips = [{"field": field, "type": "nominal"} for field in ("name", "period", "text")]
    layers: list[Spec] = [
        {"mark": "bar", "encoding": {"y": y, "yOffset": offset, "x": x, "color": color, "tooltip": tips}},
        {
            "mark": {"type": "rule", "color": INTERVAL_COLOR, "strokeWidth": 1.5},
            "transform": [{"filter": "datum.period === 'expected'"}],
            "encoding": {
                "y": y,
                "yOffset": offset,
                "x": {"field": "lo", "type": "quantitative"},
                "x2": {"field": "hi"},
            },
        },
        {"mark": {"type": "rule", "color": MUTED}, "encoding": {"x": {"datum": 0, "type": "quantitative"}}},
    ]
    return chart(layers, data=list(rows), height=ROW_HEIGHT * max(len(order), 1))


def share_slopes(rows: Sequence[Row], *, order: Sequence[str]) -> Spec:
    """Rows: name, when, share in per cent, tip; `order` is that of `when`."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    colors = [LINES[place % len(LINES)] for place in range(len(names))]
    x = {
        "field": "when",
        "type": "nominal",
        "sort": list(order),
        "scale": {"type": "point", "padding": 0.3},
        "axis": {"title": None, "labelAngle": 0, "labelLimit": 150},
    }
    color = {
        "field": "name",
        "type": "nominal",
        "scale": {"domain": names, "range": colors},
        "legend": {"title": None},
    }
    tips = [{"field": field, "type": "nominal"} for field in ("name", "when", "tip")]
    line: Spec = {
        "mark": {"type": "line", "strokeWidth": 2, "point": {"size": 36}},
        "encoding": {
            "x": x,
            "y": value_axis("share", "per cent of the total", zero=True),
            "color": color,
            "tooltip": tips,
        },
    }
    return chart([line], data=list(rows), height=SLOPE_HEIGHT)
