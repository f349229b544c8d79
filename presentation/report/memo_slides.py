"""The memo as PPTX slides, with the report as its appendix. Imports python-pptx, which is slow."""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION, XL_TICK_LABEL_POSITION
from pptx.enum.dml import MSO_LINE
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.util import Inches, Pt

from presentation import formatting
from presentation.charts.theme import BLUE, INK, MUTED, Row
from presentation.exports import png
from presentation.report.content import Report
from presentation.report.memo import Memo
from presentation.sections.section import Section

WIDTH, HEIGHT, MARGIN = Inches(13.333), Inches(7.5), Inches(0.6)
BLANK_LAYOUT = 6
BODY, SMALL, CELL = Pt(14), Pt(10), Pt(9)
TOP, BODY_HEIGHT = Inches(1.35), Inches(5.8)
"""Upper edge and height of the charts and tables of the appendix."""
ROWS_PER_SLIDE, ROW_HEIGHT = 16, Inches(0.3)
LINES = (("Observed", INK, False), ("Forecast", BLUE, False), ("80 % from", BLUE, True), ("80 % to", BLUE, True))


def memo_slides(memo: Memo, report: Report | None = None) -> bytes:
    """The memo on two slides, the headline with the chart and the further parts, and a report on those after them.

    Equal memos give equal content.
    """
    slides = Presentation()
    slides.slide_width, slides.slide_height = WIDTH, HEIGHT
    # A fixed time: the same run gives the same properties.
    slides.core_properties.created = slides.core_properties.modified = datetime(2000, 1, 1)
    slides.core_properties.title = memo.title
    _headline_slide(slides, memo)
    _parts_slide(slides, memo)
    for chapter in report.chapters if report else []:
        for section in chapter.sections:
            _section_slides(slides, f"{chapter.heading}: {section.title}", section)
    buffer = io.BytesIO()
    slides.save(buffer)
    return buffer.getvalue()


def _headline_slide(slides: Any, memo: Memo) -> None:
    slide = slides.slides.add_slide(slides.slide_layouts[BLANK_LAYOUT])
    _text(slide, [memo.title], top=Inches(0.3), height=Inches(0.6), size=Pt(20), bold=True)
    _text(slide, [memo.subtitle], top=Inches(0.85), height=Inches(0.4), size=Pt(12))
    _text(slide, memo.headline, top=Inches(1.3), height=Inches(1.5), size=BODY)
    _chart(slide, memo)
    _footer(slide, memo)


def _parts_slide(slides: Any, memo: Memo) -> None:
    """Headings with their sentences, in two columns."""
    slide = slides.slides.add_slide(slides.slide_layouts[BLANK_LAYOUT])
    _text(slide, [memo.title], top=Inches(0.3), height=Inches(0.6), size=Pt(20), bold=True)
    half = (len(memo.parts) + 1) // 2
    width = (WIDTH - 3 * MARGIN) // 2
    for column, parts in enumerate((memo.parts[:half], memo.parts[half:])):
        left = MARGIN + column * (width + MARGIN)
        frame = slide.shapes.add_textbox(left, Inches(1.1), width, Inches(5.6)).text_frame
        frame.word_wrap = True
        for part in parts:
            _paragraph(frame, part.heading, size=Pt(16), bold=True)
            for sentence in part.sentences:
                _paragraph(frame, sentence, size=Pt(13))
    _footer(slide, memo)


def _section_slides(slides: Any, title: str, section: Section) -> None:
    """The chart of a section on one slide, and its table on as many as it needs."""
    if section.spec is not None:
        _draw(_titled(slides, title, section.note), png(section.spec))
    texts = section.texts
    parts = [texts[start : start + ROWS_PER_SLIDE] for start in range(0, len(texts), ROWS_PER_SLIDE)]
    for number, rows in enumerate(parts, start=1):
        part = f" ({number} of {len(parts)})" if len(parts) > 1 else ""
        _write_table(_titled(slides, f"{title}{part}", section.note), section, rows)


def _titled(slides: Any, title: str, note: str) -> Any:
    slide = slides.slides.add_slide(slides.slide_layouts[BLANK_LAYOUT])
    _text(slide, [title], top=Inches(0.25), height=Inches(0.5), size=Pt(20), bold=True)
    if note:
        _text(slide, [note], top=Inches(0.7), height=Inches(0.4), size=SMALL, color=MUTED)
    return slide


def _draw(slide: Any, picture: bytes) -> None:
    """A picture in the middle of the slide, as large as it fits."""
    drawn = slide.shapes.add_picture(io.BytesIO(picture), MARGIN, TOP)
    scale = min((WIDTH - 2 * MARGIN) / drawn.width, BODY_HEIGHT / drawn.height)
    drawn.width, drawn.height = round(drawn.width * scale), round(drawn.height * scale)
    drawn.left = (WIDTH - drawn.width) // 2


def _write_table(slide: Any, section: Section, rows: Sequence[Sequence[str]]) -> None:
    labels = [column.label for column in section.columns]
    frame = (MARGIN, TOP, WIDTH - 2 * MARGIN, ROW_HEIGHT * (1 + len(rows)))
    table = slide.shapes.add_table(1 + len(rows), len(labels), *frame).table
    for place, share in enumerate(section.widths):
        table.columns[place].width = round((WIDTH - 2 * MARGIN) * share)
    for row, texts in zip(table.rows, [labels, *rows], strict=True):
        for cell, column, shown in zip(row.cells, section.columns, texts, strict=True):
            cell.margin_top, cell.margin_bottom, cell.vertical_anchor = 0, 0, MSO_ANCHOR.MIDDLE
            (paragraph,) = cell.text_frame.paragraphs
            paragraph.alignment = PP_ALIGN.RIGHT if column.numeric else PP_ALIGN.LEFT
            run = paragraph.add_run()
            run.text, run.font.size = shown.replace(formatting.NBSP, " "), CELL


def _chart(slide: Any, memo: Memo) -> None:
    """A native line chart of the observations and the forecast with its 80 % interval."""
    assert memo.chart.spec is not None
    observed, forecast = memo.chart.spec["datasets"]["observed"], memo.chart.rows
    data = CategoryChartData(number_format="#,##0.0")
    data.categories = [row["name"] for row in (*observed, *forecast)]
    before = [None] * (len(observed) - 1)
    opening = observed[-1:]
    data.add_series("Observed", [*_values(observed, "value"), *[None] * len(forecast)])
    for (name, _, _), field in zip(LINES[1:], ("median", "lo_80", "hi_80"), strict=True):
        data.add_series(name, [*before, *_values(opening, "value"), *_values(forecast, field)])
    place = (MARGIN, Inches(2.85), WIDTH - 2 * MARGIN, Inches(3.9))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.LINE, *place, data).chart
    chart.has_legend, chart.has_title = True, True
    chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
    chart.chart_title.text_frame.text = f"{memo.chart.title} ({memo.unit})"
    chart.chart_title.text_frame.paragraphs[0].font.size = Pt(12)
    chart.font.size = SMALL
    chart.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    chart.value_axis.has_major_gridlines = True
    chart.value_axis.major_gridlines.format.line.color.rgb = _color("#e4e7eb")
    for line, (_, color, dashed) in zip(chart.plots[0].series, LINES, strict=True):
        line.smooth = False
        line.format.line.color.rgb, line.format.line.width = _color(color), Pt(1.25 if dashed else 2)
        line.format.line.dash_style = MSO_LINE.DASH if dashed else MSO_LINE.SOLID


def _values(rows: Sequence[Row], field: str) -> list[float]:
    return [row[field] for row in rows]


def _footer(slide: Any, memo: Memo) -> None:
    text = [f"Cite as: {memo.citation} Appendix: {memo.appendix}"]
    _text(slide, text, top=HEIGHT - Inches(0.65), height=Inches(0.5), size=SMALL, color=MUTED)


def _text(
    slide: Any, paragraphs: Sequence[str], *, top: int, height: int, size: int, bold: bool = False, color: str = INK
) -> None:
    """A text box over the width of the slide."""
    frame = slide.shapes.add_textbox(MARGIN, top, WIDTH - 2 * MARGIN, height).text_frame
    frame.word_wrap = True
    for text in paragraphs:
        _paragraph(frame, text, size=size, bold=bold, color=color)


def _paragraph(frame: Any, text: str, *, size: int, bold: bool = False, color: str = INK) -> None:
    empty = not frame.paragraphs[0].runs and len(frame.paragraphs) == 1
    paragraph = frame.paragraphs[0] if empty else frame.add_paragraph()
    run = paragraph.add_run()
    run.text, run.font.size, run.font.bold = text.replace(formatting.NBSP, " "), size, bold
    run.font.color.rgb = _color(color)


def _color(color: str) -> RGBColor:
    found: RGBColor = RGBColor.from_string(color.removeprefix("#").upper())
    return found
