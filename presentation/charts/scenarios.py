"""Forecasts under scenarios beside the baseline: medians with their 80 % intervals over the observations."""

from collections.abc import Mapping, Sequence

from presentation.charts.direct_labels import label_layers, label_rows, room
from presentation.charts.theme import BLUE, INK, LINES, Row, Spec, chart, time_axis, value_axis

BAND_OPACITY = 0.16
PLOT_HEIGHT, NAME_WIDTH = 280, 200
"""Height of the value axis, and width of the longest name of a scenario that is shown whole, in pixels."""
BASELINE = "Baseline"


def scenario_lines(observed: Sequence[Row], forecasts: Mapping[str, Sequence[Row]], *, unit: str) -> Spec:
    """A line with its interval for each forecast, labelled at its end.

    Rows of `observed`: month, value, name, tip; of `forecasts`, by name: month, median, lo_80, hi_80, name, tip.
    """
    others = [name for name in forecasts if name != BASELINE]
    color = {
        "field": "forecast",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": [BASELINE, *others], "range": [BLUE, *LINES[1 : len(others) + 1]]},
    }
    rows = [{**row, "forecast": forecast} for forecast, found in forecasts.items() for row in found]
    tips = [
        {"field": "forecast", "type": "nominal"},
        {"field": "name", "type": "nominal", "title": "period"},
        {"field": "tip", "type": "nominal", "title": unit},
    ]
    band = {
        "data": {"name": "forecasts"},
        "mark": {"type": "area", "opacity": BAND_OPACITY},
        "encoding": {"x": time_axis(), "y": value_axis("lo_80", unit), "y2": {"field": "hi_80"}, "color": color},
    }
    line = {
        "data": {"name": "forecasts"},
        "mark": {"type": "line", "strokeWidth": 2, "point": {"size": 14}},
        "encoding": {"x": time_axis(), "y": value_axis("median", unit), "color": color, "tooltip": tips},
    }
    known = {
        "data": {"name": "observed"},
        "mark": {"type": "line", "color": INK, "strokeWidth": 2, "point": {"size": 14, "color": INK}},
        "encoding": {"x": time_axis(), "y": value_axis("value", unit), "tooltip": tips[1:]},
    }
    labels = label_layers(x=time_axis(), y=value_axis("median", unit), color=color)
    datasets = {"observed": list(observed), "forecasts": rows, **_labels(observed, rows)}
    return chart([band, line, known, *labels], datasets=datasets)


def _labels(observed: Sequence[Row], forecasts: Sequence[Row]) -> dict[str, list[Row]]:
    values = [row["value"] for row in observed] + [row[bound] for row in forecasts for bound in ("lo_80", "hi_80")]
    months = [row["month"] for row in (*observed, *forecasts)]
    extent = (min(values), max(values))
    return {
        "labels": label_rows(forecasts, x="month", y="median", extent=extent, height=PLOT_HEIGHT, of="forecast"),
        "room": room(min(months), max(months), x="month", width=NAME_WIDTH),
    }
