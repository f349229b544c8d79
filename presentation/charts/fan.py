"""Fan chart: observations, the forecast with its prediction intervals, and earlier forecasts."""

from collections.abc import Sequence
from typing import Any

from presentation.charts.direct_labels import label_layers, label_rows, room
from presentation.charts.event_marks import month_marks
from presentation.charts.theme import (
    BLUE,
    FAN,
    INK,
    MUTED,
    VERMILION,
    Row,
    Spec,
    chart,
    line_styles,
    time_axis,
    value_axis,
)

NAME_TIP = [{"field": "forecaster", "type": "nominal"}]
PLOT_HEIGHT = 280
"""Height of the value axis in pixels."""
OBSERVED, FORECAST, EARLIER, OUTCOME = "observed", "forecast", "earlier forecasts", "outcome"


def fan(
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
    """A fan chart.

    Rows: `observed` month, value; `forecast` month, median, and lo_L, hi_L for each level L; `earlier` made, month,
    value; `others` forecaster, month, value; `outcomes` month, value; `events` as in `month_marks`. Months are ISO
    days, values are in `unit`.
    """
    rows: dict[str, Sequence[Row]] = {
        "fan": _joined(observed, forecast, levels),
        "observed": observed,
        "earlier": earlier,
        "outcomes": outcomes,
        "others": others,
        "pointed": [*_hover_rows(observed, "value"), *_hover_rows(forecast, "median")],
    }
    layers = [*(_band(level, unit) for level in sorted(levels, reverse=True)), *month_marks(events)]
    if earlier:
        layers.append(_earlier(unit))
    layers += [_line("observed", "value", OBSERVED, INK, unit), _line("fan", "median", FORECAST, BLUE, unit)]
    if outcomes:
        layers.append(_line("outcomes", "value", OUTCOME, VERMILION, unit))
    if others:
        layers += _others(others, unit)
        rows |= _labels(rows, levels)
    layers.append(_hover_layer(levels, unit))
    named = {name: list(found) for name, found in rows.items() if found}
    return chart(layers, datasets=named)


def _joined(observed: Sequence[Row], forecast: Sequence[Row], levels: Sequence[float]) -> list[Row]:
    """Forecast rows preceded by the last observation, where the fan opens."""
    if not observed:
        return list(forecast)
    last = observed[-1]
    bounds = {f"{side}_{level:g}": last["value"] for level in levels for side in ("lo", "hi")}
    return [{"month": last["month"], "median": last["value"], **bounds}, *forecast]


def _band(level: float, unit: str) -> Spec:
    name = f"{level:g} %"
    return {
        "data": {"name": "fan"},
        "mark": {"type": "area", "color": FAN.get(round(level), FAN[80]), "description": f"interval {name}"},
        "encoding": {
            "x": time_axis(),
            "y": value_axis(f"lo_{level:g}", unit),
            "y2": {"field": f"hi_{level:g}"},
        },
    }


def _line(rows: str, field: str, name: str, color: str, unit: str) -> Spec:
    return {
        "data": {"name": rows},
        "mark": {"type": "line", "color": color, "strokeWidth": 2, "description": name},
        "encoding": {"x": time_axis(), "y": value_axis(field, unit)},
    }


def _earlier(unit: str) -> Spec:
    return {
        "data": {"name": "earlier"},
        "mark": {"type": "line", "color": MUTED, "strokeWidth": 1, "strokeDash": [3, 3], "description": EARLIER},
        "encoding": {"x": time_axis(), "y": value_axis("value", unit), "detail": {"field": "made", "type": "nominal"}},
    }


def _others(rows: Sequence[Row], unit: str) -> list[Spec]:
    """One line for each forecaster, labelled at its end."""
    names = sorted({str(row["forecaster"]) for row in rows})
    colors, dashes = (_by_forecaster(names, styles) for styles in line_styles(len(names)))
    x, y = time_axis(), value_axis("value", unit)
    lines = {
        "data": {"name": "others"},
        "mark": {"type": "line", "strokeWidth": 1.4},
        "encoding": {"x": x, "y": y, "color": colors, "strokeDash": dashes, "tooltip": NAME_TIP},
    }
    return [lines, *label_layers(x=x, y=y, color=colors)]


def _labels(rows: dict[str, Sequence[Row]], levels: Sequence[float]) -> dict[str, Sequence[Row]]:
    """The datasets of the labels of the other lines."""
    values = [row["value"] for name in ("observed", "earlier", "others") for row in rows[name]]
    values += [row[f"{side}_{level:g}"] for row in rows["fan"] for level in levels for side in ("lo", "hi")]
    others = rows["others"]
    months = [row["month"] for name in ("observed", "others") for row in rows[name]]
    return {
        "labels": label_rows(others, x="month", y="value", extent=(min(values), max(values)), height=PLOT_HEIGHT),
        "room": room(min(months), max(months), x="month"),
    }


def _by_forecaster(names: Sequence[str], styles: Sequence[Any]) -> Spec:
    scale = {"domain": list(names), "range": list(styles)}
    return {"field": "forecaster", "type": "nominal", "scale": scale, "legend": None}


def _hover_rows(rows: Sequence[Row], field: str) -> list[Row]:
    """Position and tooltip texts of rows."""
    return [
        {
            "shown": row[field],
            **{name: row[name] for name in row if name in ("month", "name") or name.startswith("tip")},
        }
        for row in rows
    ]


def _hover_layer(levels: Sequence[float], unit: str) -> Spec:
    """Points under the pointer with the tooltip of their period."""
    tips = [{"field": "name", "type": "nominal", "title": "period"}]
    tips += [{"field": "tip", "type": "nominal", "title": unit}]
    tips += [{"field": f"tip_{level:g}", "type": "nominal", "title": f"{level:g} %"} for level in sorted(levels)]
    hover = {
        "name": "pointed",
        "select": {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout"},
    }
    shown = {"condition": {"param": "pointed", "empty": False, "value": 1}, "value": 0}
    return {
        "data": {"name": "pointed"},
        "params": [hover],
        "mark": {"type": "point", "filled": True, "size": 60, "color": INK},
        "encoding": {"x": time_axis(), "y": value_axis("shown", unit), "opacity": shown, "tooltip": tips},
    }
