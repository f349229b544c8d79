"""The chart of a nowcast: the forecast of one month by the day on which it was made, with the published value."""

from collections.abc import Sequence

from presentation.charts.theme import BLUE, FAN, VERMILION, Row, Spec, chart, value_axis

DAY = {
    "field": "as_of",
    "type": "temporal",
    "scale": {"type": "utc"},
    "axis": {"title": None, "format": "%-d %b", "labelOverlap": True, "labelFlush": True},
}


def nowcast(rows: Sequence[Row], *, unit: str, level: int, outcome: float | None = None) -> Spec:
    """A step line of the median with its interval; rows have as_of (ISO day), median, lo_L, hi_L, tip and arrived."""
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
    return chart([band, line, *([] if outcome is None else [published])], data=rows)
