"""Bar charts of quarters and years: one bar for each period, labelled by its name, with prediction intervals."""

from collections.abc import Mapping, Sequence

from presentation.charts.direct_labels import label_rows
from presentation.charts.event_marks import period_marks
from presentation.charts.theme import MUTED, VERMILION, Row, Spec, chart, line_styles, value_axis

WIDTHS = {95: 1.5, 90: 3, 80: 5, 50: 9}
"""Stroke widths of intervals by level; wider intervals are thinner lines."""
PLOT_HEIGHT, SYMBOL_OFFSET = 280, 9
"""Height of the value axis, and distance of the symbols of labels from the last period, in pixels."""
SHAPES = ("circle", "square", "triangle-up", "diamond")
OBSERVED_COLOR, FORECAST_COLOR, INTERVAL_COLOR = "#9aa5b1", "#9cc2de", "#0b4f7a"


PERIOD_TIP = {"field": "name", "type": "nominal", "title": "period"}


def period_bars(
    observed: Sequence[Row],
    forecast: Sequence[Row],
    *,
    unit: str,
    levels: Sequence[float],
    earlier: Sequence[Row] = (),
    others: Sequence[Row] = (),
    outcomes: Sequence[Row] = (),
    events: Sequence[Row] = (),
) -> Spec:
    """Bars of observed and forecast periods.

    Rows: `observed` name, value; `forecast` name, median, and lo_L, hi_L for each level L; `earlier` made, name, value;
    `others` forecaster, name, value; `outcomes` name, value; `events` as in `period_marks`. Values are in `unit`; names
    are in the order of rows.
    """
    order = list(dict.fromkeys(row["name"] for row in (*observed, *forecast, *outcomes)))
    rows: dict[str, Sequence[Row]] = {
        "observed": observed,
        "forecast": forecast,
        "earlier": [row for row in earlier if row["name"] in order],
        "others": others,
        "outcomes": outcomes,
    }
    layers = [
        _bar("observed", "value", OBSERVED_COLOR, unit, order),
        _bar("forecast", "median", FORECAST_COLOR, unit, order),
    ]
    layers += [_interval(level, unit, order) for level in sorted(levels, reverse=True)]
    if rows["earlier"]:
        layers.append(_points("earlier", MUTED, "earlier forecasts", unit, order))
    if outcomes:
        layers.append(_points("outcomes", VERMILION, "outcome", unit, order, size=90))
    if others:
        layers += _forecasters(others, unit, order)
        rows["labels"] = _labels(rows, levels, order)
    layers += period_marks(events, _x(order))
    return chart(layers, datasets={name: list(found) for name, found in rows.items() if found})


def _x(order: Sequence[str]) -> Spec:
    axis = {"title": None, "labelAngle": 0, "labelOverlap": True, "ticks": False}
    return {"field": "name", "type": "nominal", "sort": list(order), "axis": axis}


def _bar(rows: str, field: str, color: str, unit: str, order: Sequence[str]) -> Spec:
    tips = [PERIOD_TIP, {"field": "tip", "type": "nominal", "title": unit}]
    return {
        "data": {"name": rows},
        "mark": {"type": "bar", "color": color, "description": rows},
        "encoding": {"x": _x(order), "y": value_axis(field, unit, zero=True), "tooltip": tips},
    }


def _interval(level: float, unit: str, order: Sequence[str]) -> Spec:
    tips = [PERIOD_TIP, {"field": f"tip_{level:g}", "type": "nominal", "title": f"{level:g} %"}]
    return {
        "data": {"name": "forecast"},
        "mark": {
            "type": "rule",
            "color": INTERVAL_COLOR,
            "strokeWidth": WIDTHS.get(round(level), 9),
            "description": f"interval {level:g} %",
        },
        "encoding": {
            "x": _x(order),
            "y": value_axis(f"lo_{level:g}", unit, zero=True),
            "y2": {"field": f"hi_{level:g}"},
            "tooltip": tips,
        },
    }


def _points(rows: str, color: str, name: str, unit: str, order: Sequence[str], *, size: int = 45) -> Spec:
    return {
        "data": {"name": rows},
        "mark": {"type": "point", "filled": rows == "outcomes", "color": color, "size": size, "description": name},
        "encoding": {"x": _x(order), "y": value_axis("value", unit, zero=True)},
    }


def _forecasters(rows: Sequence[Row], unit: str, order: Sequence[str]) -> list[Spec]:
    """One symbol for each forecaster and period, labelled behind the last period.

    No two forecasters share both colour and shape.
    """
    names = sorted({str(row["forecaster"]) for row in rows})
    colors, _ = line_styles(len(names))
    shapes = [SHAPES[place // len(set(colors)) % len(SHAPES)] for place in range(len(names))]
    tips = [{"field": "forecaster", "type": "nominal"}, {"field": "name", "type": "nominal", "title": "period"}]
    looks = {"color": _by_forecaster(names, colors), "shape": _by_forecaster(names, shapes)}
    point = {"type": "point", "filled": True, "size": 55, "opacity": 1}
    places = {"x": _x(order), "y": value_axis("value", unit, zero=True)}
    shown = {"tooltip": [*tips, {"field": "tip", "type": "nominal", "title": unit}]}
    behind = {"x": {**_x(order), "bandPosition": 1}, "y": value_axis("label_y", unit, zero=True)}
    name = {"text": {"field": "forecaster", "type": "nominal"}, "color": looks["color"]}
    text = {"type": "text", "align": "left", "baseline": "middle", "dx": 2 * SYMBOL_OFFSET, "fontSize": 11}
    return [
        {"data": {"name": "others"}, "mark": point, "encoding": {**places, **looks, **shown}},
        {"data": {"name": "labels"}, "mark": {**point, "xOffset": SYMBOL_OFFSET}, "encoding": {**behind, **looks}},
        {"data": {"name": "labels"}, "mark": text, "encoding": {**behind, **name}},
    ]


def _labels(rows: Mapping[str, Sequence[Row]], levels: Sequence[float], order: Sequence[str]) -> list[Row]:
    """One row for each forecaster: the place of its label behind the last period."""
    values = [row["value"] for name in ("observed", "earlier", "others", "outcomes") for row in rows[name]]
    values += [row[f"{side}_{level:g}"] for row in rows["forecast"] for level in levels for side in ("lo", "hi")]
    extent = (min(0.0, *values), max(0.0, *values))
    placed = [{**row, "place": order.index(row["name"])} for row in rows["others"] if row["name"] in order]
    labels = label_rows(placed, x="place", y="value", extent=extent, height=PLOT_HEIGHT)
    return [{**row, "name": order[-1]} for row in labels]


def _by_forecaster(names: Sequence[str], styles: Sequence[str]) -> Spec:
    scale = {"domain": list(names), "range": list(styles)}
    return {"field": "forecaster", "type": "nominal", "scale": scale, "legend": None}
