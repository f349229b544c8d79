"""Effects of an event: a bar for each partner with its interval, those in the event's scope in another colour."""

from collections.abc import Sequence

from presentation.charts.theme import MUTED, Row, Spec, chart, value_labels

IN_SCOPE_COLOR, OTHER_COLOR, INTERVAL_COLOR = "#d98c5f", "#9cc2de", "#0b4f7a"
GROUPS = ("in the event's scope", "other")
ROW_HEIGHT = 28


def effect_bars(rows: Sequence[Row], *, unit: str) -> Spec:
    """Rows in order: name, group (one of GROUPS), effect, lo, hi in `unit`, and text."""
    order = [row["name"] for row in rows]
    y = {"field": "name", "type": "nominal", "sort": order, "axis": {"title": None, "labelLimit": 130}}
    title, labels = value_labels(unit)
    axis = {"title": f"Actual less forecast without the event, {title}", "tickCount": 6, "labelExpr": labels}
    x = {"field": "effect", "type": "quantitative", "axis": axis}
    color = {
        "field": "group",
        "type": "nominal",
        "scale": {"domain": list(GROUPS), "range": [IN_SCOPE_COLOR, OTHER_COLOR]},
        "legend": {"title": None, "orient": "top"},
    }
    tips = [{"field": "name", "type": "nominal"}, {"field": "text", "type": "nominal", "title": "effect"}]
    layers: list[Spec] = [
        {"mark": "bar", "encoding": {"y": y, "x": x, "color": color, "tooltip": tips}},
        {
            "mark": {"type": "rule", "color": INTERVAL_COLOR, "strokeWidth": 1.5, "description": "interval"},
            "encoding": {"y": y, "x": {"field": "lo", "type": "quantitative"}, "x2": {"field": "hi"}, "tooltip": tips},
        },
        {"mark": {"type": "rule", "color": MUTED}, "encoding": {"x": {"datum": 0, "type": "quantitative"}}},
    ]
    return chart(layers, data=list(rows), height=ROW_HEIGHT * max(len(order), 1))
