"""Contributions to growth: a sorted bar for each part, observed and expected side by side; shares as a slope chart."""

import json
from collections.abc import Sequence

from presentation.charts.direct_labels import label_layers, label_rows, room, width_of
from presentation.charts.theme import LINES, MUTED, Row, Spec, chart, value_axis

OBSERVED_COLOR, EXPECTED_COLOR, INTERVAL_COLOR = "#9aa5b1", "#9cc2de", "#0b4f7a"
PERIODS = ("observed", "expected")
ROW_HEIGHT = 30
SLOPE_HEIGHT, AXIS_HEIGHT = 360, 50


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
    """Rows: name, when, share in per cent, tip; `order` is that of `when`. Lines are labelled at their ends."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    colors = [LINES[place % len(LINES)] for place in range(len(names))]
    places, last = {when: place for place, when in enumerate(order)}, len(order) - 1
    x = {"field": "place", "type": "quantitative", "scale": {"nice": False}, "axis": _named(order)}
    y = value_axis("share", "per cent of the total", zero=True)
    color = {"field": "name", "type": "nominal", "scale": {"domain": names, "range": colors}, "legend": None}
    tips = [{"field": field, "type": "nominal"} for field in ("name", "when", "tip")]
    lines: Spec = {
        "data": {"name": "lines"},
        "mark": {"type": "line", "strokeWidth": 2, "point": {"size": 36}},
        "encoding": {"x": x, "y": y, "color": color, "tooltip": tips},
    }
    placed = [{**row, "place": places[row["when"]]} for row in rows]
    extent = (0.0, max((row["share"] for row in rows), default=0.0))
    height = SLOPE_HEIGHT - AXIS_HEIGHT
    datasets = {
        "lines": placed,
        "labels": label_rows(placed, x="place", y="share", extent=extent, height=height, of="name"),
        "room": room(0, last, x="place", width=width_of(names)),
    }
    return chart([lines, *label_layers(x=x, y=y, color=color)], datasets=datasets, height=SLOPE_HEIGHT)


def _named(order: Sequence[str]) -> Spec:
    """An axis of whole numbers from 0 that shows the name of each."""
    names = {"values": list(range(len(order))), "labelExpr": f"{json.dumps(list(order))}[datum.value]"}
    return {"title": None, **names, "labelLimit": 150, "labelFlush": True, "grid": False}
