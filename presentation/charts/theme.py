"""Colours, fonts and axes of every chart, after Okabe and Ito's colour-blind safe palette.

Okabe & Ito, Color Universal Design, https://jfly.uni-koeln.de/color/
"""

import re
import textwrap
from collections.abc import Sequence
from typing import Any

Spec = dict[str, Any]
Row = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
INK, MUTED, GRID = "#1c2733", "#52606d", "#e4e7eb"
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BROWN = (
    *("#0072b2", "#a86400", "#00785a", "#c44601", "#a2497d", "#1f75a6", "#6d5a3a"),
)
LINES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, BROWN, SKY)
FAN = {95: "#d3e3f0", 90: "#bcd5e8", 80: "#9cc2de", 50: "#5b9bc9"}
"""Colours of intervals by level; wider intervals are paler."""
DASHES = ([2, 2], [8, 3], [8, 3, 2, 3], [1, 4])
"""Dash patterns for lines that share a colour."""
WIDTH, HEIGHT = 760, 340
LEGEND_COLUMNS = 4
TITLE_WIDTH, SUBTITLE_WIDTH = 80, 115
"""Longest lines of titles and subtitles, in characters."""
MONTH_FORMAT = "%b %Y"


def chart(layers: Sequence[Spec], *, data: Sequence[Row] = (), height: int = HEIGHT, **more: Any) -> Spec:
    """Layers over shared data, as wide as their container."""
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
            "columns": LEGEND_COLUMNS,
            "symbolStrokeWidth": 2.5,
            "labelLimit": 260,
        },
        "header": {"labelColor": INK, "labelFontSize": 12, "title": None},
        "range": {"category": list(LINES)},
    }


def line_styles(number: int) -> tuple[list[str], list[list[int]]]:
    """Colours and dashes of `number` lines, all different up to 24 and from the blue of the combination."""
    others = LINES[1:]
    colors = [others[place % len(others)] for place in range(number)]
    dashes = [DASHES[place // len(others) % len(DASHES)] for place in range(number)]
    return colors, dashes


def fixed(spec: Spec, *, width: int = WIDTH) -> Spec:
    """The chart with a fixed width in pixels, for files."""
    return {**spec, "width": width} if spec.get("width") == "container" else spec


def titled(spec: Spec, title: str, lines: Sequence[str]) -> Spec:
    """The chart with its title, and notes and source as a subtitle, for files that are read elsewhere."""
    subtitle = [part for line in lines if line for part in textwrap.wrap(line, SUBTITLE_WIDTH)]
    text = {"text": textwrap.wrap(title, TITLE_WIDTH), "subtitle": subtitle, "anchor": "start", "offset": 14}
    style = {"color": INK, "fontSize": 15, "subtitleColor": MUTED, "subtitleFontSize": 11, "subtitlePadding": 6}
    return {**spec, "title": {**text, **style}, "padding": 12}


def time_axis(field: str = "month") -> Spec:
    """A time axis of months. Months are ISO days read as UTC, so that time zones do not shift them."""
    labels = {"labelOverlap": True, "labelFlush": True, "tickCount": {"interval": "year", "step": 1}}
    axis = {"title": None, "format": "%Y", **labels}
    return {"field": field, "type": "temporal", "scale": {"type": "utc"}, "axis": axis}


def value_labels(unit: str) -> tuple[str, str]:
    """Title and label expression of an axis; money is labelled with its scale: 40bn, not 40,000 of USD m."""
    labels, title = "datum.label", unit
    if money := re.fullmatch(r"(\w{3}) (k|m|bn)", unit):
        title, scale = money.groups()
        factor = {"k": ("k", "m"), "m": ("m", "bn"), "bn": ("bn", "tn")}[scale]
        small, large = (
            f"format(datum.value / {by}, ',.3~r') + '{name}'" for by, name in zip((1, 1000), factor, strict=True)
        )
        labels = f"datum.value == 0 ? '0' : abs(datum.value) < 1000 ? {small} : {large}"
    return title, f"replace({labels}, '-', '\u2212')"


def value_axis(field: str, unit: str, *, zero: bool = False) -> Spec:
    """A value axis with the unit as its title."""
    title, labels = value_labels(unit)
    axis = {"title": title, "titleAngle": 0, "titleAlign": "left", "titleAnchor": "end", "titleY": -12, "titleX": 0}
    return {
        "field": field,
        "type": "quantitative",
        "scale": {"zero": zero},
        "axis": {**axis, "tickCount": 6, "labelExpr": labels},
    }
