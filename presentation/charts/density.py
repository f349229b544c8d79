"""The distribution of a forecast: a histogram of the draws, with thresholds."""

from collections.abc import Sequence

import numpy as np

from forecasting.types import FloatArray
from presentation.charts.theme import BLUE, FAN, INK, Row, Spec, chart, value_labels

BINS, TRIM = 40, 0.002


def density_rows(values: FloatArray, *, above: float | None = None, below: float | None = None) -> list[Row]:
    """Bins of the draws: from, to, share of draws, and whether the middle of the bin lies in the event."""
    lo, hi = np.quantile(values, [TRIM, 1 - TRIM]).tolist()
    edges = np.linspace(lo, hi if hi > lo else lo + 1, BINS + 1)
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    conditional = above is not None or below is not None
    middles = (edges[:-1] + edges[1:]) / 2
    inside = [
        conditional and (above is None or middle > above) and (below is None or middle <= below) for middle in middles
    ]
    return [
        {"from": float(start), "to": float(end), "share": float(count / len(values)), "inside": bool(within)}
        for start, end, count, within in zip(edges[:-1], edges[1:], counts, inside, strict=True)
    ]


def density(rows: Sequence[Row], *, unit: str, thresholds: Sequence[float]) -> Spec:
    """The histogram of draws; bins in the event are dark, rules mark the thresholds."""
    title, labels = value_labels(unit)
    axis = {"title": title, "tickCount": 6, "labelExpr": labels}
    x = {"field": "from", "type": "quantitative", "scale": {"zero": False, "nice": False}, "axis": axis}
    y = {"field": "share", "type": "quantitative", "axis": {"title": "share of simulated paths", "format": ".0%"}}
    color = {"condition": {"test": "datum.inside", "value": BLUE}, "value": FAN[80]}
    tips = [
        {"field": "from", "type": "quantitative", "format": ",.4~r"},
        {"field": "to", "type": "quantitative", "format": ",.4~r"},
        {"field": "share", "type": "quantitative", "format": ".1%"},
    ]
    layers: list[Spec] = [
        {
            "mark": {"type": "bar", "stroke": "white", "strokeWidth": 0.5},
            "encoding": {"x": x, "x2": {"field": "to"}, "y": y, "y2": {"datum": 0}, "color": color, "tooltip": tips},
        }
    ]
    if thresholds:
        layers.append(
            {
                "data": {"values": [{"from": value} for value in thresholds]},
                "mark": {"type": "rule", "color": INK, "strokeWidth": 2, "strokeDash": [5, 3]},
                "encoding": {"x": x},
            }
        )
    return chart(layers, data=rows, height=200)
