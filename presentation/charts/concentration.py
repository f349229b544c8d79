"""Shares of the largest parts over time: a line each, solid where observed and dashed where expected."""

from collections.abc import Sequence

from presentation.charts.theme import BLUE, GREEN, VERMILION, Row, Spec, chart, time_axis, value_axis

COLORS = (BLUE, VERMILION, GREEN)


def top_shares(rows: Sequence[Row], *, order: Sequence[str]) -> Spec:
    """Rows: month, part (observed or expected), name, share in per cent, tip; `order` is that of names."""
    color = {
        "field": "name",
        "type": "nominal",
        "scale": {"domain": list(order), "range": list(COLORS[: len(order)])},
        "legend": {"title": None},
    }
    dash = {
        "field": "part",
        "type": "nominal",
        "scale": {"domain": ["observed", "expected"], "range": [[1, 0], [4, 3]]},
        "legend": {"title": None},
    }
    tips = [{"field": field, "type": "nominal"} for field in ("name", "part", "tip")]
    line: Spec = {
        "mark": {"type": "line", "strokeWidth": 2, "point": {"size": 16}},
        "encoding": {
            "x": time_axis(),
            "y": value_axis("share", "per cent of the total", zero=True),
            "color": color,
            "strokeDash": dash,
            "tooltip": tips,
        },
    }
    return chart([line], data=rows)
