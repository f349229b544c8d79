"""A block of a page or of a report: a table, the chart of it if there is one, and where its figures came from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from markupsafe import Markup

from presentation import formatting
from presentation.charts.theme import Spec

Row = dict[str, Any]


class Column(NamedTuple):
    """A column: its name in files, its heading for readers, and how a row's cell reads."""

    name: str
    label: str
    show: Callable[[Row], str]
    numeric: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its chart: `name` within its page, `api` the path that answers the same, `note` what to know.

    `open` shows the table at once; `drawn` shows the chart on the page, else it is only there to be taken away.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    spec: Spec | None = None
    note: str = ""
    api: str | None = None
    open: bool = True
    drawn: bool = True

    @property
    def cells(self) -> list[list[Any]]:
        """The rows as they go into files, in the order of the columns."""
        return [[row.get(column.name) for column in self.columns] for row in self.rows]


def text(name: str, label: str, show: Callable[[Any], str] = formatting.plain) -> Column:
    """A column of words."""
    return Column(name, label, lambda row: show(row.get(name)), numeric=False)


def figure(name: str, label: str, show: Callable[[Any], str] = formatting.number) -> Column:
    """A column of numbers."""
    return Column(name, label, lambda row: show(row.get(name)))


def link(name: str, label: str, href: str = "href") -> Column:
    """A column of words that lead to the address in `href`."""
    return Column(
        name,
        label,
        lambda row: Markup('<a href="{}">{}</a>').format(row[href], formatting.plain(row[name])),
        numeric=False,
    )


def interval_columns(levels: Sequence[float], show: Callable[[Any], str]) -> list[Column]:
    """The bounds of intervals, `lo_L` and `hi_L` of each level, the narrowest first."""
    return [
        figure(f"{side}_{level:g}", f"{level:g} % {word}", show)
        for level in sorted(levels)
        for side, word in (("lo", "from"), ("hi", "to"))
    ]


def in_unit(unit: str) -> Callable[[Any], str]:
    """How values of a unit read."""
    if unit in READING:
        return READING[unit]
    return lambda value: formatting.money(value, unit)


READING: dict[str, Callable[[Any], str]] = {
    "per cent": formatting.per_cent_change,
    "percentage points": formatting.points,
    "per cent of the total": formatting.per_cent,
    "ratio": formatting.ratio,
}
