"""The charts of the consensus page: forecasts beside first prints by target, and mean errors over time."""

from collections.abc import Sequence

from presentation.charts.theme import BLUE, INK, VERMILION, Row, Spec, chart, time_axis, value_axis

NAMES = {"external": "poll", "tradewind": "Tradewind", "first_print": "first print"}
COLOURS = {"poll": VERMILION, "Tradewind": BLUE, "first print": INK}


def consensus_chart(rows: Sequence[Row], *, unit: str) -> Spec:
    """Points by target; rows have month, series (a name of COLOURS), value and tip."""
    return chart([_marks("value", unit, {"type": "point", "filled": True, "size": 45}, "series")], data=rows)


def running_errors(rows: Sequence[Row], *, unit: str) -> Spec:
    """Mean absolute errors of the last targets, a line each; rows have month, series and value and tip."""
    return chart([_marks("value", unit, {"type": "line", "strokeWidth": 2}, "series")], data=rows, height=220)


def _marks(field: str, unit: str, mark: Spec, series: str) -> Spec:
    names = list(COLOURS) if mark["type"] == "point" else ["poll", "Tradewind"]
    scale = {"domain": names, "range": [COLOURS[name] for name in names]}
    shown = {"field": series, "type": "nominal", "title": None, "scale": scale}
    tips = [
        {"field": "name", "type": "nominal", "title": "target"},
        {"field": series, "type": "nominal", "title": "of"},
        {"field": "tip", "type": "nominal", "title": unit},
    ]
    shapes = {"shape": {**shown, "scale": {"domain": names}}} if mark["type"] == "point" else {}
    encoding = {"x": time_axis(), "y": value_axis(field, unit), "color": shown, "tooltip": tips, **shapes}
    return {"mark": mark, "encoding": encoding}
