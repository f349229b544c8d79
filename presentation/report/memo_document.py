"""The memo as a DOCX document, with the report as its appendix. Imports python-docx, which is slow."""

import io
from datetime import datetime
from typing import Any

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Cm, Pt

from presentation.exports import png
from presentation.report.content import Report
from presentation.report.memo import Memo
from presentation.sections.section import Section

CHART_CM, APPENDIX_CHART_CM = 12.0, (22.0, 13.0)
"""Width of the memo's chart; the largest width and height of a chart of the appendix."""
TABLE_STYLE, TABLE_CM, CELL_SIZE = "Light List Accent 1", 23.4, Pt(7.5)


def memo_document(memo: Memo, report: Report | None = None) -> bytes:
    """The memo as DOCX, with a report as its appendix; equal memos give equal content."""
    document = Document()
    _write_memo(document, memo)
    if report:
        _append(document, report)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _write_memo(document: Any, memo: Memo) -> None:
    # A fixed time: the same run gives the same properties.
    document.core_properties.created = document.core_properties.modified = datetime(2000, 1, 1)
    document.core_properties.title = memo.title
    document.styles["Normal"].font.size = Pt(9.5)
    for section in document.sections:
        section.top_margin = section.bottom_margin = Cm(1.5)
        section.left_margin = section.right_margin = Cm(2.2)
    document.add_heading(memo.title, level=1)
    document.add_paragraph(memo.subtitle)
    for sentence in memo.headline:
        name, _, rest = sentence.partition(". ")
        paragraph = document.add_paragraph()
        paragraph.add_run(f"{name}. ").bold = True
        paragraph.add_run(rest)
    assert memo.chart.spec is not None
    document.add_picture(io.BytesIO(png(memo.chart.spec)), width=Cm(CHART_CM))
    document.add_paragraph(f"{memo.chart.title}. {memo.chart.note}")
    for part in memo.parts:
        document.add_heading(part.heading, level=2)
        for text in part.sentences:
            document.add_paragraph(text, style="List Bullet")
    document.add_paragraph(f"Cite as: {memo.citation} Appendix: {memo.appendix}")


def _append(document: Any, report: Report) -> None:
    """The chapters of a report on landscape pages."""
    pages = document.add_section()
    pages.orientation = WD_ORIENT.LANDSCAPE
    pages.page_width, pages.page_height = pages.page_height, pages.page_width
    document.add_heading("Appendix: report", level=1)
    for chapter in report.chapters:
        document.add_heading(chapter.heading, level=2)
        for section in chapter.sections:
            _write_section(document, section)


def _write_section(document: Any, section: Section) -> None:
    document.add_heading(section.title, level=3)
    if section.note:
        document.add_paragraph(section.note).paragraph_format.keep_with_next = True
    if section.spec is not None:
        _draw(document, png(section.spec))
    if section.rows:
        _write_table(document, section)


def _draw(document: Any, picture: bytes) -> None:
    """A picture as wide as the page, or less where it would be too high."""
    width, height = (Cm(length) for length in APPENDIX_CHART_CM)
    drawn = document.add_picture(io.BytesIO(picture), width=width)
    if drawn.height > height:
        drawn.width, drawn.height = round(drawn.width * height / drawn.height), height


def _write_table(document: Any, section: Section) -> None:
    labels = [column.label for column in section.columns]
    table = document.add_table(rows=1 + len(section.rows), cols=len(labels), style=TABLE_STYLE)
    for grid, share in zip(table.columns, section.widths, strict=True):
        grid.width = Cm(TABLE_CM * share)
    for row, texts in zip(table.rows, [labels, *section.texts], strict=True):
        for cell, column, shown in zip(row.cells, section.columns, texts, strict=True):
            (paragraph,) = cell.paragraphs
            paragraph.add_run(shown).font.size = CELL_SIZE
            if column.numeric:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
