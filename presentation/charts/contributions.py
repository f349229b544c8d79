"""Contributions to growth: a sorted bar for each partner, observed and expected side by side, with intervals."""

from collections.abc import Sequence

from presentation.charts.theme import MUTED, Row, Spec, chart

OBSERVED_COLOR, EXPECTED_COLOR, INTERVAL_COLOR = "#9aa5b1", "#9cc2de", "#0b4f7a"
PERIODS = ("observed", "expected")
ROW_HEIGHT = 30


def contribution_bars(rows: Sequence[Row], *, order: Sequence[str]) -> Spec:
    """Rows: name, period (observed or expected), points, and lo, hi of the expected; `order` is that of names."""
    y = {"field": "name", "type": "nominal", "sort": list(order), "axis": {"title": None, "labelLimit": 220}}
    offset = {"field": "period", "type": "nominal", "sort": list(PERIODS)}
    axis = {"title": "Contribution to growth, percentage points", "tickCount": 8}
    x = {"field": "points", "type": "quantitative", "axis": axis}
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
