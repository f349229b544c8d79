"""Forecasts of one series by cutoff, one of which is shown, over the observations before and after it."""

from collections.abc import Sequence

from presentation.charts.theme import BLUE, FAN, INK, Row, Spec, chart, time_axis, value_axis

SIGNAL = "made"
"""The chart's parameter: the cutoff of the forecast that is shown."""


def past_forecast(observed: Sequence[Row], forecasts: Sequence[Row], *, unit: str, made: str) -> Spec:
    """Rows: `observed` month, value, name, tip; `forecasts` made, month, mean, lo, hi, name, tip, interval.

    The axis covers the forecasts of all cutoffs, so that it stays still when another is shown.
    """
    values = [row["value"] for row in observed] + [row[name] for row in forecasts for name in ("lo", "hi")]
    extent = [min(values), max(values)]
    shown: Spec = {"data": {"name": "forecasts"}, "transform": [{"filter": f"datum.made === {SIGNAL}"}]}
    tips = [{"field": "name", "type": "nominal", "title": "period"}, {"field": "tip", "type": "nominal", "title": unit}]
    interval = {"field": "interval", "type": "nominal", "title": "80 %"}

    def y(field: str) -> Spec:
        axis = value_axis(field, unit)
        return {**axis, "scale": {**axis["scale"], "domain": extent}}

    layers: list[Spec] = [
        {
            **shown,
            "mark": {"type": "area", "color": FAN[80], "description": "interval 80 %"},
            "encoding": {"x": time_axis(), "y": y("lo"), "y2": {"field": "hi"}},
        },
        {
            "data": {"name": "observed"},
            "mark": {"type": "line", "color": INK, "strokeWidth": 1.6, "description": "observed"},
            "encoding": {"x": time_axis(), "y": y("value"), "tooltip": tips},
        },
        {
            **shown,
            "mark": {"type": "line", "color": BLUE, "strokeWidth": 2, "point": {"size": 22, "color": BLUE}},
            "encoding": {"x": time_axis(), "y": y("mean"), "tooltip": [*tips, interval]},
        },
    ]
    datasets = {"observed": list(observed), "forecasts": list(forecasts)}
    return chart(layers, datasets=datasets, params=[{"name": SIGNAL, "value": made}])
