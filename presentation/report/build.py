"""A report on a run as one document: HTML that stands alone, PDF made of it, or a workbook."""

import base64
import hashlib
from pathlib import Path
from typing import Literal, get_args

from sqlmodel import Session

from presentation import formatting
from presentation.errors import FormatUnavailable
from presentation.exports import svg
from presentation.report.content import Report, read_report
from presentation.sections.section import Section
from presentation.templates import TEMPLATES, make_environment
from services.catalog_cache import CatalogCache
from services.published_run import open_run

Form = Literal["html", "pdf", "xlsx"]
STYLE = TEMPLATES / "report.css"
CHART_WIDTH = 640


def make_report(session: Session, catalogs: CatalogCache, run_id: int, form: Form) -> bytes:
    """A report on a published run. Raises UnknownRun, RunNotPublished, FormatUnavailable."""
    report = read_report(session, catalogs, run_id)
    if form == "xlsx":
        from presentation.workbook import workbook  # noqa: PLC0415 - slow to load

        return workbook([block for block in report.blocks if block.rows], about=_about(report))
    html = _html(report)
    return html.encode() if form == "html" else _pdf(html)


def write_report(session: Session, dataset: str, *, run_id: int | None, output: Path) -> int:
    """Write a report on a run of a dataset, the latest unless told, in the form of the suffix; gives its number.

    Raises UnknownDataset, UnknownRun, RunNotPublished, RunOfAnotherDataset, FormatUnavailable.
    """
    form = next(form for form in get_args(Form) if output.suffix == f".{form}")
    catalogs = CatalogCache()
    number = open_run(session, catalogs, dataset, run_id).run.id
    output.write_bytes(make_report(session, catalogs, number, form))
    return number


def style_hash() -> str:
    """What the policy of a report's page names its style by."""
    digest = hashlib.sha256(_style().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _style() -> str:
    return STYLE.read_text(encoding="utf-8")


def _html(report: Report) -> str:
    return (
        make_environment()
        .get_template("report.html")
        .render(
            report=report,
            desk=report.desk,
            run=report.desk.run,
            unit=report.desk.unit,
            flows=report.headline["flows"],
            style=_style(),
            picture=_picture,
        )
    )


def _picture(block: Section) -> str:
    """A chart as a data address, so that the document needs no other file."""
    assert block.spec is not None
    drawn = svg(block.spec, width=CHART_WIDTH)
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()}"


def _pdf(html: str) -> bytes:
    try:
        import weasyprint  # noqa: PLC0415 - a second to load, and it needs Pango
    except OSError as error:
        raise FormatUnavailable("a PDF", "the library Pango is missing; the HTML prints as well") from error
    made: bytes = weasyprint.HTML(string=html).write_pdf()
    return made


def _about(report: Report) -> list[tuple[str, str]]:
    """The first sheet: what the workbook is, in words."""
    desk, run = report.desk, report.desk.run
    return [
        ("Tradewind", desk.dataset.title),
        ("Run", f"{run.id}, as of {formatting.day_name(run.as_of)}, figures to {formatting.month_name(run.cutoff)}"),
        ("Unit", desk.unit),
        ("Expected", "the median: what comes is as likely above as below"),
        ("80 % from, to", "a prediction interval: of such intervals, 80 in 100 are to hold what comes"),
        ("Source", desk.dataset.citation),
        ("Licence", desk.dataset.licence),
        ("Cite as", report.citation),
        ("Code", run.code_version),
    ]
