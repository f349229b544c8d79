"""The memo as a DOCX document. Imports python-docx, which is slow."""

import io
from datetime import datetime

from docx import Document
from docx.shared import Cm, Pt

from presentation.exports import png
from presentation.report.memo import Memo

CHART_CM = 16.0


def memo_document(memo: Memo) -> bytes:
    """The memo as DOCX; equal memos give equal content."""
    document = Document()
    # A fixed time: the same run gives the same properties.
    document.core_properties.created = document.core_properties.modified = datetime(2000, 1, 1)
    document.core_properties.title = memo.title
    document.styles["Normal"].font.size = Pt(10)
    for section in document.sections:
        section.top_margin = section.bottom_margin = Cm(1.8)
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
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()
