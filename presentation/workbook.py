"""Excel workbooks: one sheet for each section, with frozen headings. Imports xlsxwriter, which is slow."""

import io
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import xlsxwriter

from presentation.sections.section import Section

NAME_LENGTH = 31
WIDEST, SAMPLE = 44, 200
MONTH = re.compile(r"\d{4}-\d{2}")


def workbook(sections: Sequence[Section], *, about: Sequence[tuple[str, str]] = ()) -> bytes:
    """A workbook of sections, preceded by a sheet of facts if `about` is given."""
    buffer = io.BytesIO()
    # A fixed creation time: the same run gives the same bytes.
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        book.set_properties({"created": datetime(2000, 1, 1)})
        head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        month = book.add_format({"num_format": "yyyy-mm", "align": "left"})
        moment = book.add_format({"num_format": 'yyyy-mm-dd hh:mm "UTC"', "align": "left"})
        if about:
            sheet = book.add_worksheet("About")
            sheet.set_column(0, 0, 22)
            sheet.set_column(1, 1, 110, book.add_format({"text_wrap": True}))
            for row, pair in enumerate(about):
                sheet.write_string(row, 0, pair[0], head)
                sheet.write_string(row, 1, pair[1])
        for section in sections:
            _sheet(book.add_worksheet(_sheet_name(section.title)), section, head, month, moment)
    return buffer.getvalue()


def _sheet(sheet: Any, section: Section, head: Any, month: Any, moment: Any) -> None:
    sheet.freeze_panes(1, 1)
    cells = section.cells
    for place, column in enumerate(section.columns):
        sheet.write_string(0, place, column.label, head)
        width = max((len(str(row[place])) for row in cells[:SAMPLE]), default=0)
        sheet.set_column(place, place, min(max(width, len(column.label) // 2, 8) + 2, WIDEST))
    for number, row in enumerate(cells, start=1):
        for place, value in enumerate(row):
            if isinstance(value, str) and MONTH.fullmatch(value):
                sheet.write_datetime(number, place, date(int(value[:4]), int(value[5:]), 1), month)
            elif isinstance(value, str):
                sheet.write_string(number, place, value)
            elif isinstance(value, datetime):
                # Excel stores no time zones.
                sheet.write_datetime(number, place, value.astimezone(UTC).replace(tzinfo=None), moment)
            elif value is not None:
                sheet.write(number, place, value)
    if section.rows:
        sheet.autofilter(0, 0, len(section.rows), len(section.columns) - 1)


def _sheet_name(title: str) -> str:
    return re.sub(r"[\[\]:*?/\\]", " ", title)[:NAME_LENGTH].strip()
