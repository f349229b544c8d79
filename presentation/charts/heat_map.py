"""Partners by sectors: a heat map in seven classes, and small multiples."""

from collections.abc import Sequence

from presentation.charts.theme import BLUE, FAN, INK, Row, Spec, chart, config, value_labels

CLASSES = ("#a84a00", "#ef9f4a", "#fbdcb8", "#f2f4f6", "#cfe2f2", "#8cbbe0", "#1f629f")
"""From strong decline to strong growth: orange to blue, a scale that is safe for colour-blind readers."""
DARK = (0, 6)
ROW_HEIGHT, PANEL_WIDTH, PANEL_HEIGHT, COLUMNS = 22, 150, 80, 4


def class_of(value: float, edges: Sequence[float]) -> int:
    """The class of a value, from 0 to 6; 3 is about zero. `edges` are the three positive thresholds."""
    beyond = sum(abs(value) >= edge for edge in edges)
    return 3 + beyond if value > 0 else 3 - beyond


def heat_map(rows: Sequence[Row], *, partners: Sequence[str], sectors: Sequence[str]) -> Spec:
    """Rows: partner, sector, shade (0 to 6), text."""
    across = {"title": None, "orient": "top", "labelAngle": 0, "labelLimit": 180}
    x = {"field": "sector", "type": "nominal", "sort": list(sectors), "axis": across}
    y = {"field": "partner", "type": "nominal", "sort": list(partners), "axis": {"title": None, "labelLimit": 240}}
    shade = {
        "field": "shade",
        "type": "ordinal",
        "scale": {"domain": list(range(len(CLASSES))), "range": list(CLASSES)},
        "legend": None,
    }
    dark = {"condition": {"test": {"field": "shade", "oneOf": list(DARK)}, "value": "white"}, "value": INK}
    layers: list[Spec] = [
        {"mark": {"type": "rect", "stroke": "white"}, "encoding": {"x": x, "y": y, "color": shade}},
        {
            "mark": {"type": "text", "fontSize": 11},
            "encoding": {"x": x, "y": y, "text": {"field": "text", "type": "nominal"}, "color": dark},
        },
    ]
    return chart(
        layers, data=rows, height=ROW_HEIGHT * max(len(partners), 1), resolve={"scale": {"color": "independent"}}
    )


def small_multiples(rows: Sequence[Row], *, order: Sequence[str], unit: str) -> Spec:
    """One small fan chart for each partner, on independent scales. Rows: partner, month; value or median, lo, hi."""
    x = {
        "field": "month",
        "type": "temporal",
        "scale": {"type": "utc"},
        "axis": {"title": None, "format": "%Y", "tickCount": 3},
    }
    # Equal label widths keep the panels aligned.
    axis = {"title": None, "tickCount": 3, "labelExpr": value_labels(unit)[1], "minExtent": 40, "maxExtent": 40}
    y = {"type": "quantitative", "scale": {"zero": True}, "axis": axis}
    layers: list[Spec] = [
        {
            "mark": {"type": "area", "color": FAN[80], "description": "interval 80 %"},
            "encoding": {"x": x, "y": {"field": "lo", **y}, "y2": {"field": "hi"}},
        },
        {
            "mark": {"type": "line", "color": INK, "strokeWidth": 1.3},
            "encoding": {"x": x, "y": {"field": "value", **y}},
        },
        {
            "mark": {"type": "line", "color": BLUE, "strokeWidth": 1.6},
            "encoding": {"x": x, "y": {"field": "median", **y}},
        },
    ]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": "white",
        "data": {"values": list(rows)},
        "facet": {"field": "partner", "type": "nominal", "sort": list(order), "header": {"title": None}},
        "columns": COLUMNS,
        "spec": {"width": PANEL_WIDTH, "height": PANEL_HEIGHT, "layer": layers},
        "resolve": {"scale": {"y": "independent"}},
        "config": config(),
    }
