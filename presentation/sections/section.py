"""A section of a page or report: a table, its chart, and the API path that gives the same figures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from markupsafe import Markup

from presentation import formatting
from presentation.charts.theme import Spec

Row = dict[str, Any]
TEXT_WEIGHT = 2.2


class Column(NamedTuple):
    """A column: its name in files, its heading, the function that formats a row's cell, and that of a single value."""

    name: str
    label: str
    show: Callable[[Row], str]
    numeric: bool = True
    show_value: Callable[[Any], str] | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its chart; `name` is unique on its page, `api` is the path that gives the same figures.

    `body` is the JSON to be posted to it. `open` shows the table expanded; where `drawn` is false, the chart is only
    offered as a download.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    spec: Spec | None = None
    note: str = ""
    api: str | None = None
    body: str | None = None
    open: bool = True
    drawn: bool = True

    @property
    def cells(self) -> list[list[Any]]:
        """Values of the rows in the order of the columns, for files."""
        return [[row.get(column.name) for column in self.columns] for row in self.rows]

    @property
    def widths(self) -> list[float]:
        """Widths of the columns of a document's table, as shares: text needs more than numbers."""
        weights = [1.0 if column.numeric else TEXT_WEIGHT for column in self.columns]
        return [weight / sum(weights) for weight in weights]

    @property
    def texts(self) -> list[list[str]]:
        """Formatted cells of the rows without markup, for documents."""
        return [[Markup(column.show(row)).striptags() for column in self.columns] for row in self.rows]


def text(name: str, label: str, show: Callable[[Any], str] = formatting.plain) -> Column:
    """A column of text."""
    return Column(name, label, lambda row: show(row.get(name)), numeric=False)


def figure(name: str, label: str, show: Callable[[Any], str] = formatting.number) -> Column:
    """A column of numbers."""
    return Column(name, label, lambda row: show(row.get(name)), show_value=show)


def link(name: str, label: str, href: str = "href") -> Column:
    """A column of links to the address in `href`."""
    return Column(
        name,
        label,
        lambda row: Markup('<a href="{}">{}</a>').format(row[href], formatting.plain(row[name])),
        numeric=False,
    )


def interval_columns(levels: Sequence[float], show: Callable[[Any], str]) -> list[Column]:
    """Columns of interval bounds, `lo_L` and `hi_L` of each level, the narrowest first."""
    return [
        figure(f"{side}_{level:g}", f"{level:g} % {bound}", show)
        for level in sorted(levels)
        for side, bound in (("lo", "from"), ("hi", "to"))
    ]


def in_unit(unit: str) -> Callable[[Any], str]:
    """The formatter of values of a unit."""
    if unit in FORMATTERS:
        return FORMATTERS[unit]
    return lambda value: formatting.money(value, unit)


FORMATTERS: dict[str, Callable[[Any], str]] = {
    "per cent": formatting.per_cent_change,
    "percentage points": formatting.points,
    "per cent of the total": formatting.per_cent,
    "ratio": formatting.ratio,
}
