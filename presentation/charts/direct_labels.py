"""Labels at the ends of lines, in place of a legend: each beside its line, moved apart where they would overlap."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from presentation.charts.theme import WIDTH, Row, Spec

FIELD = "forecaster"
LABEL_WIDTH, LINE_HEIGHT, LEADER = 130, 13, 0.02
"""Pixels of the widest label and between two labels; length of the line to a label, as a share of the axis."""
LETTER_WIDTH = 6
"""Pixels of a letter of a label, with room for wide ones."""


def label_rows(
    rows: Sequence[Row], *, x: str, y: str, extent: tuple[float, float], height: int, of: str = FIELD
) -> list[Row]:
    """One row for the end of each line: its name, x, y, and the place of its label, label_x and label_y.

    Rows: `of`, the name of the line, and the fields `x`, a number or an ISO day, and `y`. `extent` is that of the value
    axis, whose length is `height` pixels.
    """
    ends = {str(row[of]): row for row in sorted(rows, key=lambda row: row[x])}
    ordered = sorted(ends, key=lambda name: float(ends[name][y]))
    places = _apart([float(ends[name][y]) for name in ordered], extent, LINE_HEIGHT * (extent[1] - extent[0]) / height)
    start = min(row[x] for row in rows)
    return [
        {
            of: name,
            x: ends[name][x],
            y: ends[name][y],
            "label_x": _beyond(start, ends[name][x], LEADER),
            "label_y": place,
        }
        for name, place in zip(ordered, places, strict=True)
    ]


def room(start: Any, end: Any, *, x: str, width: int = LABEL_WIDTH) -> list[Row]:
    """A row that lengthens the axis for labels of a width; the script adjusts it to the width of the page."""
    share = width / WIDTH
    beyond = _beyond(start, end, share / (1 - share))
    return [{x: beyond, "field": x, "start": start, "end": end, "label_width": width}]


def width_of(names: Iterable[str]) -> int:
    """The pixels that labels need: those of the longest name, at least LABEL_WIDTH."""
    return max([LABEL_WIDTH, *(LETTER_WIDTH * len(name) for name in names)])


def label_layers(*, x: Spec, y: Spec, color: Spec) -> list[Spec]:
    """Layers over the datasets `labels` and `room`; `x`, `y` and `color` are the encodings of the lines."""
    of_labels: Spec = {"data": {"name": "labels"}}
    label_x, label_y = {**x, "field": "label_x"}, {**y, "field": "label_y"}
    ends = {"x": x, "y": y, "x2": {"field": "label_x"}, "y2": {"field": "label_y"}, "color": color}
    text = {"x": label_x, "y": label_y, "text": {"field": color["field"], "type": "nominal"}, "color": color}
    return [
        {**of_labels, "mark": {"type": "rule", "strokeWidth": 0.8}, "encoding": ends},
        {
            **of_labels,
            "mark": {"type": "text", "align": "left", "baseline": "middle", "dx": 3, "fontSize": 11},
            "encoding": text,
        },
        {"data": {"name": "room"}, "mark": {"type": "point", "opacity": 0}, "encoding": {"x": x}},
    ]


def _apart(values: Sequence[float], extent: tuple[float, float], gap: float) -> list[float]:
    """Ascending places at least `gap` apart, near ascending values, and within the extent where there is room."""
    places = _spread(values, gap)
    shift = (sum(places) - sum(values)) / len(values) if values else 0.0
    places = _spread([max(place - shift, extent[0]) for place in places], gap)
    upper = extent[1] + gap
    for place in range(len(places) - 1, -1, -1):
        upper = places[place] = min(places[place], upper - gap)
    return places


def _spread(values: Sequence[float], gap: float) -> list[float]:
    places: list[float] = []
    for value in values:
        places.append(max(value, places[-1] + gap) if places else value)
    return places


def _beyond(start: Any, end: Any, share: float) -> Any:
    """A number or ISO day beyond `end` by a share of the distance from `start`."""
    if not isinstance(end, str):
        return end + (end - start) * share
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    return (last + timedelta(days=round((last - first).days * share))).isoformat()
