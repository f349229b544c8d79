"""Marks of events on charts over time: a dotted line and a number at the top."""

from collections.abc import Sequence

from presentation.charts.theme import MUTED, Row, Spec, time_axis

NUMBER_SIZE, NUMBER_Y = 10, -4
TIPS = [{"field": "mark", "type": "nominal", "title": "event"}, {"field": "tip", "type": "nominal", "title": "titles"}]


def month_marks(events: Sequence[Row]) -> list[Spec]:
    """Layers for a chart whose x axis is of months. Rows: month (ISO day), mark (a number), tip (the titles)."""
    return _marks(events, {"x": time_axis()})


def period_marks(events: Sequence[Row], x: Spec) -> list[Spec]:
    """Layers for a chart whose x axis is of named periods. Rows: name, mark, tip."""
    return _marks(events, {"x": x})


def _marks(events: Sequence[Row], position: Spec) -> list[Spec]:
    if not events:
        return []
    line = {"type": "rule", "color": MUTED, "strokeWidth": 1, "strokeDash": [1, 3], "description": "event"}
    number = {"type": "text", "color": MUTED, "fontSize": NUMBER_SIZE, "y": NUMBER_Y, "description": "event number"}
    return [
        {"data": {"values": list(events)}, "mark": line, "encoding": {**position, "tooltip": TIPS}},
        {
            "data": {"values": list(events)},
            "mark": number,
            "encoding": {**position, "text": {"field": "mark", "type": "nominal"}, "tooltip": TIPS},
        },
    ]
