"""The report on a run as one document: self-contained HTML, the PDF of it, or a workbook."""

import base64
import hashlib
from pathlib import Path
from typing import Any, Literal, get_args

from sqlmodel import Session

from presentation import formatting
from presentation.errors import FormatUnavailable
from presentation.exports import svg
from presentation.report.content import Report, read_report
from presentation.report.memo import read_memo
from presentation.sections.section import Section
from presentation.templates import TEMPLATES, make_environment
from services.runs.published_run import open_run
from services.series.catalog_cache import CatalogCache

Form = Literal["html", "pdf", "xlsx"]
MemoForm = Literal["html", "pdf", "docx", "pptx"]
STYLE = TEMPLATES / "report.css"
CHART_WIDTH = 640


def make_report(session: Session, catalogs: CatalogCache, run_id: int, form: Form) -> bytes:
    """A report on a published run. Raises UnknownRun, RunNotPublished, FormatUnavailable."""
    report = read_report(session, catalogs, run_id)
    if form == "xlsx":
        from presentation.workbook import workbook  # noqa: PLC0415 - slow to load

        return workbook([section for section in report.sections if section.rows], about=_about(report))
    html = _html(report)
    return html.encode() if form == "html" else _pdf(html)


def make_memo(
    session: Session, catalogs: CatalogCache, run_id: int, form: MemoForm, *, appendix: bool = False
) -> bytes:
    """The memo on a published run, with the report as its appendix where requested.

    Raises UnknownRun, RunNotPublished, FormatUnavailable.
    """
    memo = read_memo(session, catalogs, run_id)
    report = read_report(session, catalogs, run_id) if appendix else None
    if form == "docx":
        from presentation.report.memo_document import memo_document  # noqa: PLC0415 - slow to import

        return memo_document(memo, report)
    if form == "pptx":
        from presentation.report.memo_slides import memo_slides  # noqa: PLC0415 - slow to import

        return memo_slides(memo, report)
    context = _report_context(report) if report else {"report": None}
    html = make_environment().get_template("memo.html").render(memo=memo, style=_style(), picture=_picture, **context)
    return html.encode() if form == "html" else _pdf(html)


def write_report(session: Session, dataset: str, *, run_id: int | None, output: Path) -> int:
    """Write a report on a run of a dataset, by default the latest, in the format of the suffix; returns its number.

    Raises UnknownDataset, UnknownRun, RunNotPublished, RunOfAnotherDataset, FormatUnavailable.
    """
    form = next(form for form in get_args(Form) if output.suffix == f".{form}")
    catalogs = CatalogCache()
    number = open_run(session, catalogs, dataset, run_id).run.id
    output.write_bytes(make_report(session, catalogs, number, form))
    return number


def style_hash() -> str:
    """The hash of the style sheet, for the Content-Security-Policy of the report."""
    digest = hashlib.sha256(_style().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _style() -> str:
    return STYLE.read_text(encoding="utf-8")


def _html(report: Report) -> str:
    template = make_environment().get_template("report.html")
    return template.render(style=_style(), picture=_picture, **_report_context(report))


def _report_context(report: Report) -> dict[str, Any]:
    published = report.published
    return {
        "report": report,
        "published": published,
        "run": published.run,
        "unit": published.unit,
        "flows": report.headline["flows"],
    }


def _picture(section: Section) -> str:
    """A chart as a data URL, so that the document is self-contained."""
    assert section.spec is not None
    drawn = svg(section.spec, width=CHART_WIDTH)
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()}"


def _pdf(html: str) -> bytes:
    try:
        import weasyprint  # noqa: PLC0415 - takes a second to import and needs Pango
    except OSError as error:
        raise FormatUnavailable(
            "a PDF", "the library Pango is missing; the HTML report can be printed instead"
        ) from error
    made: bytes = weasyprint.HTML(string=html).write_pdf()
    return made


def _about(report: Report) -> list[tuple[str, str]]:
    """The first sheet: facts about the workbook."""
    published, run = report.published, report.published.run
    return [
        ("Tradewind", published.dataset.title),
        ("Run", f"{run.id}, as of {formatting.day_name(run.as_of)}, data to {formatting.month_name(run.cutoff)}"),
        ("Unit", published.unit),
        ("Forecast", "the median: the outcome is as likely to be above as below"),
        ("80 % from, to", "bounds of the 80 % prediction interval"),
        ("Source", published.dataset.citation),
        ("Licence", published.dataset.licence),
        ("Cite as", report.citation),
        ("Code", run.code_version),
    ]
