"""What every chart shares: Okabe and Ito's colours, told apart by the colour-blind, and quiet axes.

Okabe & Ito, Color Universal Design, https://jfly.uni-koeln.de/color/
"""

from collections.abc import Sequence
from typing import Any

Spec = dict[str, Any]
Row = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
INK, MUTED, GRID = "#1c2733", "#52606d", "#e4e7eb"
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BROWN = (
    *("#0072b2", "#b36b00", "#00785a", "#c44601", "#a2497d", "#2a84b8", "#6d5a3a"),
)
LINES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, BROWN, SKY)
FAN = {95: "#d3e3f0", 90: "#bcd5e8", 80: "#9cc2de", 50: "#5b9bc9"}
"""Shades of an interval by its level: the surer, the paler."""
DASHES = ([2, 2], [8, 3], [8, 3, 2, 3], [1, 4])
"""Once the colours are used up, lines of the same colour differ by their dashes."""
WIDTH, HEIGHT = 760, 340
MONTH_FORMAT = "%b %Y"


def chart(layers: Sequence[Spec], *, data: Sequence[Row] = (), height: int = HEIGHT, **more: Any) -> Spec:
    """Layers over shared data, as wide as the page lets them be."""
    body: Spec = {"layer": list(layers)} if len(layers) != 1 else dict(layers[0])
    return {
        "$schema": SCHEMA,
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "background": "white",
        **({"data": {"values": list(data)}} if data else {}),
        **body,
        **more,
        "config": config(),
    }


def config() -> Spec:
    """Fonts, grid and axes."""
    quiet = {"labelColor": MUTED, "titleColor": MUTED, "labelFontSize": 12, "titleFontSize": 12}
    return {
        "font": "system-ui, 'DejaVu Sans', sans-serif",
        "view": {"stroke": None},
        "axis": {**quiet, "titleFontWeight": "normal", "gridColor": GRID, "domainColor": MUTED, "tickColor": MUTED},
        "axisX": {"grid": False},
        "axisY": {"domain": False, "ticks": False},
        "legend": {
            **quiet,
            "titleFontWeight": "normal",
            "orient": "bottom",
            "symbolStrokeWidth": 2.5,
            "labelLimit": 260,
        },
        "header": {"labelColor": INK, "labelFontSize": 12, "title": None},
        "range": {"category": list(LINES)},
    }


def line_styles(number: int) -> tuple[list[str], list[list[int]]]:
    """Colours and dashes of `number` lines beside one of our own blue, no two alike up to 24."""
    others = LINES[1:]
    colors = [others[place % len(others)] for place in range(number)]
    dashes = [DASHES[place // len(others) % len(DASHES)] for place in range(number)]
    return colors, dashes


def fixed(spec: Spec, *, width: int = WIDTH) -> Spec:
    """The chart at a width of its own, in pixels, where there is no page around it."""
    return {**spec, "width": width} if spec.get("width") == "container" else spec


def time_axis(field: str = "month") -> Spec:
    """Months along the bottom; the data's months are days in ISO 8601, so that no zone moves them."""
    labels = {"labelOverlap": True, "labelFlush": True, "tickCount": {"interval": "year", "step": 1}}
    axis = {"title": None, "format": "%Y", **labels}
    return {"field": field, "type": "temporal", "scale": {"type": "utc"}, "axis": axis}


def value_axis(field: str, title: str, *, zero: bool = False) -> Spec:
    """Values up the side, with the unit as the title."""
    axis = {"title": title, "titleAngle": 0, "titleAlign": "left", "titleAnchor": "end", "titleY": -12, "titleX": 0}
    return {
        "field": field,
        "type": "quantitative",
        "scale": {"zero": zero},
        "axis": {**axis, "tickCount": 6, "labelExpr": "replace(datum.label, '-', '\u2212')"},
    }
