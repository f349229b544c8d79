"""History and fan: what was observed, what is expected, how sure it is, and what was said before."""

from collections.abc import Sequence
from typing import Any

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

OBSERVED, EXPECTED, EARLIER, CAME = "observed", "expected", "earlier forecasts", "what came"


def fan(
    observed: Sequence[Row],
    expected: Sequence[Row],
    *,
    unit: str,
    levels: Sequence[float],
    earlier: Sequence[Row] = (),
    others: Sequence[Row] = (),
    came: Sequence[Row] = (),
) -> Spec:
    """A fan chart.

    Rows: `observed` month, value; `expected` month, median, and lo_L, hi_L for each level L; `earlier` made, month,
    value; `others` forecaster, month, value;
    `came` month, value, what came of an old forecast. Months are ISO days, values of `unit`.
    """
    rows = {
        "fan": _joined(observed, expected, levels),
        "seen": observed,
        "earlier": earlier,
        "came": came,
        "others": others,
        "pointed": [*_shown(observed, "value"), *_shown(expected, "median")],
    }
    layers = [_band(level, unit) for level in sorted(levels, reverse=True)]
    if earlier:
        layers.append(_earlier(unit))
    layers += [_line("seen", "value", OBSERVED, INK, unit), _line("fan", "median", EXPECTED, BLUE, unit)]
    if came:
        layers.append(_line("came", "value", CAME, VERMILION, unit))
    if others:
        layers.append(_others(others, unit))
    layers.append(_pointer(levels, unit))
    named = {name: list(found) for name, found in rows.items() if found}
    return chart(layers, datasets=named)


def _joined(observed: Sequence[Row], expected: Sequence[Row], levels: Sequence[float]) -> list[Row]:
    """The fan opens at the last observation, where nothing is in doubt."""
    if not observed:
        return list(expected)
    last = observed[-1]
    bounds = {f"{side}_{level:g}": last["value"] for level in levels for side in ("lo", "hi")}
    return [{"month": last["month"], "median": last["value"], **bounds}, *expected]


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


def _others(rows: Sequence[Row], unit: str) -> Spec:
    names = sorted({str(row["forecaster"]) for row in rows})
    colors, dashes = line_styles(len(names))
    legend = {"title": None}
    return {
        "data": {"name": "others"},
        "mark": {"type": "line", "strokeWidth": 1.4},
        "encoding": {
            "x": time_axis(),
            "y": value_axis("value", unit),
            "color": _by_forecaster(names, colors, legend),
            "strokeDash": _by_forecaster(names, dashes, legend),
        },
    }


def _by_forecaster(names: Sequence[str], styles: Sequence[Any], legend: Spec) -> Spec:
    scale = {"domain": list(names), "range": list(styles)}
    return {"field": "forecaster", "type": "nominal", "scale": scale, "legend": legend}


def _shown(rows: Sequence[Row], field: str) -> list[Row]:
    """What the pointer needs of rows: where they are, and what is told of them."""
    return [
        {
            "shown": row[field],
            **{name: row[name] for name in row if name in ("month", "name") or name.startswith("tip")},
        }
        for row in rows
    ]


def _pointer(levels: Sequence[float], unit: str) -> Spec:
    """A rule under the pointer that tells the month's figures."""
    tips = [{"field": "name", "type": "nominal", "title": "month"}]
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
