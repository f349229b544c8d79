"""The chart of a nowcast: the forecast of one month by the day on which it was made, with the published value."""

from collections.abc import Sequence

from presentation.charts.theme import BLUE, FAN, INK, PURPLE, VERMILION, Row, Spec, chart, value_axis

DAY = {
    "field": "as_of",
    "type": "temporal",
    "scale": {"type": "utc"},
    "axis": {"title": None, "format": "%-d %b", "labelOverlap": True, "labelFlush": True},
}


def nowcast(
    rows: Sequence[Row],
    *,
    unit: str,
    level: int,
    outcome: float | None = None,
    polls: Sequence[Row] = (),
    first_print: float | None = None,
) -> Spec:
    """A step line of the median with its interval, external forecasts as diamonds, the first print and the last value.

    Rows have as_of (ISO day), median, lo_L, hi_L, tip and arrived; `polls` as_of, value, tip and model.
    """
    tips = [
        {"field": "as_of", "type": "temporal", "title": "known on", "format": "%-d %b %Y"},
        {"field": "tip", "type": "nominal", "title": unit},
        {"field": "arrived", "type": "nominal", "title": "arrived"},
    ]
    lower, upper = value_axis(f"lo_{level}", unit), {"field": f"hi_{level}"}
    band = {
        "mark": {
            "type": "area",
            "interpolate": "step-after",
            "color": FAN[level],
            "description": f"interval {level} %",
        },
        "encoding": {"x": DAY, "y": lower, "y2": upper},
    }
    line = {
        "mark": {"type": "line", "interpolate": "step-after", "color": BLUE, "point": True, "description": "forecast"},
        "encoding": {"x": DAY, "y": value_axis("median", unit), "tooltip": tips},
    }
    published = {
        "mark": {"type": "rule", "color": VERMILION, "strokeDash": [4, 3], "description": "published value"},
        "encoding": {"y": {"datum": outcome}},
    }
    layers = [band, line, *([] if outcome is None else [published])]
    if first_print is not None:
        layers.append(_first_print(first_print))
    if polls:
        layers += _polls(polls, unit)
    return chart(layers, data=rows)


def _first_print(value: float) -> Spec:
    return {
        "mark": {"type": "rule", "color": INK, "strokeDash": [1, 3], "strokeWidth": 2, "description": "first print"},
        "encoding": {"y": {"datum": value}},
    }


def _polls(polls: Sequence[Row], unit: str) -> list[Spec]:
    """Diamonds with the name of each external forecast."""
    tips = [
        {"field": "model", "type": "nominal", "title": "external forecast"},
        {"field": "tip", "type": "nominal", "title": unit},
    ]
    place = {"x": DAY, "y": value_axis("value", unit), "tooltip": tips}
    mark = {"type": "point", "shape": "diamond", "filled": True, "size": 130, "color": PURPLE, "description": "poll"}
    label = {"type": "text", "dy": -14, "align": "right", "color": PURPLE, "fontWeight": "bold"}
    data = {"values": list(polls)}
    return [
        {"data": data, "mark": mark, "encoding": place},
        {"data": data, "mark": label, "encoding": {**place, "text": {"field": "model", "type": "nominal"}}},
    ]
