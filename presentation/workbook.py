"""Excel workbooks: one sheet for each section, with number formats and charts. Imports xlsxwriter, which is slow."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any

import xlsxwriter

from presentation import formatting
from presentation.charts.theme import BLUE
from presentation.sections.section import Column, Section

NAME_LENGTH = 31
WIDEST, SAMPLE = 44, 200
MONTH = re.compile(r"\d{4}-\d{2}")
CHARTED = ("median", "lo_80", "hi_80")
"""A section with these columns has a chart of them in its sheet."""
SHARE, SIGNED = "0.0%", "+#,##0.0;-#,##0.0;0.0"
NUMBER_FORMATS: Mapping[Callable[[Any], str], str] = {
    formatting.share: SHARE,
    formatting.share_of: SHARE,
    formatting.ratio: "0.00",
    formatting.per_cent: "0.0",
    formatting.per_cent_change: SIGNED,
    formatting.points: SIGNED,
}
"""Number formats by the function that shows a value on pages; other numbers have theirs by magnitude."""
MAGNITUDES = ((1000.0, "#,##0"), (10.0, "#,##0.0"), (0.0, "#,##0.00"))


@dataclass(frozen=True, slots=True)
class _Formats:
    """Cell formats of a workbook; formats of numbers are made once for each text."""

    book: Any
    head: Any
    month: Any
    moment: Any
    numbers: dict[str, Any]

    def number(self, text: str) -> Any:
        """The format of a text such as `#,##0.0`."""
        if text not in self.numbers:
            self.numbers[text] = self.book.add_format({"num_format": text})
        return self.numbers[text]


def workbook(
    sections: Sequence[Section], *, about: Sequence[tuple[str, str]] = (), facts: Sequence[tuple[str, str]] = ()
) -> bytes:
    """A workbook of sections, preceded by a sheet `About`, or followed by it where it only has `facts` on a table."""
    buffer = io.BytesIO()
    # A fixed creation time: the same run gives the same bytes.
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        book.set_properties({"created": datetime(2000, 1, 1)})
        formats = _Formats(
            book,
            head=book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
            month=book.add_format({"num_format": "yyyy-mm", "align": "left"}),
            moment=book.add_format({"num_format": 'yyyy-mm-dd hh:mm "UTC"', "align": "left"}),
            numbers={},
        )
        if about:
            _about_sheet(book, about, formats)
        for section in sections:
            sheet = book.add_worksheet(_sheet_name(section.title))
            _sheet(sheet, section, formats)
            _insert_chart(book, sheet, section)
        if facts:
            _about_sheet(book, facts, formats)
    return buffer.getvalue()


def _about_sheet(book: Any, about: Sequence[tuple[str, str]], formats: _Formats) -> None:
    sheet = book.add_worksheet("About")
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 110, book.add_format({"text_wrap": True}))
    for row, pair in enumerate(about):
        sheet.write_string(row, 0, pair[0], formats.head)
        sheet.write_string(row, 1, pair[1])


def _sheet(sheet: Any, section: Section, formats: _Formats) -> None:
    sheet.freeze_panes(1, 1)
    cells = section.cells
    number_formats = []
    for place, column in enumerate(section.columns):
        sheet.write_string(0, place, column.label, formats.head)
        values = [row[place] for row in cells]
        text = number_format(column, values)
        number_formats.append(formats.number(text))
        sheet.set_column(place, place, _width(column, values[:SAMPLE]))
    for number, row in enumerate(cells, start=1):
        for place, value in enumerate(row):
            _write(sheet, number, place, value, number_formats[place], formats)
    if section.rows:
        sheet.autofilter(0, 0, len(section.rows), len(section.columns) - 1)


def _write(sheet: Any, row: int, place: int, value: Any, number: Any, formats: _Formats) -> None:
    if isinstance(value, str) and MONTH.fullmatch(value):
        sheet.write_datetime(row, place, date(int(value[:4]), int(value[5:]), 1), formats.month)
    elif isinstance(value, str):
        sheet.write_string(row, place, value)
    elif isinstance(value, datetime):
        # Excel stores no time zones.
        sheet.write_datetime(row, place, value.astimezone(UTC).replace(tzinfo=None), formats.moment)
    elif isinstance(value, float):
        sheet.write_number(row, place, value, number)
    elif value is not None:
        sheet.write(row, place, value)


def number_format(column: Column, values: Sequence[Any]) -> str:
    """The number format of a column: by the function that shows its values on pages, or else by their magnitude."""
    if column.show_value is not None and column.show_value in NUMBER_FORMATS:
        return NUMBER_FORMATS[column.show_value]
    sizes = [abs(value) for value in values if isinstance(value, float) and isfinite(value)]
    largest = max(sizes, default=0.0)
    return next(text for least, text in MAGNITUDES if largest >= least)


def _width(column: Column, values: Sequence[Any]) -> int:
    """Characters of the widest value as it is shown, and at least half of the heading, which wraps."""
    shown = (f"{value:,.1f}" if isinstance(value, float) else str(value) for value in values if value is not None)
    widest = max((len(text) for text in shown), default=0)
    return min(max(widest, len(column.label) // 2, 8) + 2, WIDEST)


def _insert_chart(book: Any, sheet: Any, section: Section) -> None:
    """A native line chart of the forecast and its 80 % interval, right of the table."""
    names = [column.name for column in section.columns]
    if section.spec is None or not section.rows or not set(CHARTED) <= set(names):
        return
    chart, last = book.add_chart({"type": "line"}), len(section.rows)
    for name in CHARTED:
        place = names.index(name)
        line = {"color": BLUE, "width": 2.25} if name == "median" else {"color": BLUE, "width": 1, "dash_type": "dash"}
        values = [sheet.name, 1, place, last, place]
        heading = [sheet.name, 0, place]
        chart.add_series({"name": heading, "categories": [sheet.name, 1, 0, last, 0], "values": values, "line": line})
    chart.set_title({"name": section.title, "overlay": False, "name_font": {"size": 12}})
    chart.set_legend({"position": "bottom"})
    chart.set_x_axis({"num_format": "yyyy-mm", "date_axis": _has_months(section)})
    chart.set_size({"width": 720, "height": 360})
    sheet.insert_chart(1, len(names) + 1, chart)


def _has_months(section: Section) -> bool:
    return all(MONTH.fullmatch(str(row[0])) for row in section.cells)


def _sheet_name(title: str) -> str:
    return re.sub(r"[\[\]:*?/\\]", " ", title)[:NAME_LENGTH].strip()
