"""Two forecasts of one series in one chart: medians with their 80 % intervals over the observations."""

from collections.abc import Sequence

from presentation.charts.event_marks import month_marks
from presentation.charts.theme import BLUE, FAN, INK, VERMILION, Row, Spec, chart, time_axis, value_axis

PALE_ORANGE = "#f3c7a6"


def comparison(
    observed: Sequence[Row], first: Sequence[Row], second: Sequence[Row], *, unit: str, events: Sequence[Row] = ()
) -> Spec:
    """Rows: `observed` month, value; `first` and `second` month, median, lo_80, hi_80, tip. `second` is the newer.

    `events` as in `month_marks`.
    """
    layers: list[Spec] = []
    for name, band in (("first", PALE_ORANGE), ("second", FAN[80])):
        layers.append(
            {
                "data": {"name": name},
                "mark": {"type": "area", "color": band, "opacity": 0.65},
                "encoding": {"x": time_axis(), "y": value_axis("lo_80", unit), "y2": {"field": "hi_80"}},
            }
        )
    layers += month_marks(events)
    tips = [{"field": "name", "type": "nominal", "title": "period"}, {"field": "tip", "type": "nominal", "title": unit}]
    interval = {"field": "tip_80", "type": "nominal", "title": "80 %"}
    for name, field, color in (("observed", "value", INK), ("first", "median", VERMILION), ("second", "median", BLUE)):
        shown = tips if name == "observed" else [*tips, interval]
        layers.append(
            {
                "data": {"name": name},
                "mark": {"type": "line", "color": color, "strokeWidth": 2, "point": {"size": 14, "color": color}},
                "encoding": {
                    "x": time_axis(),
                    "y": value_axis(field, unit),
                    "tooltip": shown,
                },
            }
        )
    return chart(layers, datasets={"observed": list(observed), "first": list(first), "second": list(second)})
