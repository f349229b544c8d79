"""Decomposition of a series: trend, season and calendar in panels."""

from collections.abc import Sequence

from presentation.charts.event_marks import month_marks
from presentation.charts.theme import BLUE, INK, SCHEMA, WIDTH, Row, Spec, config

PANEL_HEIGHT = 110


def components(rows: Sequence[Row], *, order: Sequence[str], events: Sequence[Row] = ()) -> Spec:
    """One panel for each component, with independent scales. Rows: component, month, value, ahead.

    `events` as in `month_marks`.
    """
    years = {"title": None, "format": "%Y", "tickCount": {"interval": "year", "step": 1}, "labelOverlap": True}
    time = {"field": "month", "type": "temporal", "scale": {"type": "utc"}, "axis": years}
    axis = {"title": None, "tickCount": 4, "minExtent": 44, "maxExtent": 44}
    value = {"field": "value", "type": "quantitative", "scale": {"zero": False}, "axis": axis}
    layers: list[Spec] = [
        {"mark": {"type": "line", "strokeWidth": 1.5, "color": INK}, "encoding": {"x": time, "y": value}},
        {
            "transform": [{"filter": {"field": "ahead", "equal": True}}],
            "mark": {"type": "line", "strokeWidth": 2, "color": BLUE},
            "encoding": {"x": time, "y": value},
        },
    ]
    return {
        "$schema": SCHEMA,
        "background": "white",
        "data": {"values": list(rows)},
        "facet": {"field": "component", "type": "nominal", "sort": list(order), "header": {"title": None}},
        "columns": 1,
        "spec": {"width": WIDTH, "height": PANEL_HEIGHT, "layer": [*month_marks(events), *layers]},
        "resolve": {"scale": {"y": "independent"}},
        "config": config(),
    }
