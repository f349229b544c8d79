"""Exports of a section: its table as CSV, XLSX or Parquet, its chart as SVG or PNG."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from presentation.charts.theme import Spec, fixed, titled
from presentation.errors import NoSuchSection
from presentation.sections.section import Section

Saved = Literal["csv", "xlsx", "parquet", "svg", "png"]
TABLES: tuple[Saved, ...] = ("csv", "xlsx", "parquet")
PICTURES: tuple[Saved, ...] = ("svg", "png")
MEDIA: Mapping[Saved, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "svg": "image/svg+xml",
    "png": "image/png",
}
VEGA_LITE = "6.4"
PNG_SCALE = 2.0
ROWS_PER_PART = 2000
CLIP = re.compile(r"\bclip[0-9]+\b")


class Export(NamedTuple):
    """A section as a file: its content in parts, media type and file name."""

    content: Iterable[bytes]
    media_type: str
    filename: str


def export(
    sections: Sequence[Section],
    name: str | None,
    kind: Saved,
    *,
    stem: str,
    subject: str = "",
    caption: str = "",
    facts: Sequence[tuple[str, str]] = (),
) -> Export:
    """One section of a page as a file. Raises NoSuchSection.

    Charts carry `subject`, title, note and `caption`; a workbook has a sheet of `facts` behind its table.
    """
    found = next((section for section in sections if section.name == name), None)
    if found is None or (kind in PICTURES and found.spec is None):
        raise NoSuchSection(name, kind, [section.name for section in sections])
    filename = f"{stem}-{found.name}.{kind}"
    if kind == "csv":
        parts = csv_parts([column.name for column in found.columns], found.cells)
        return Export((part.encode() for part in parts), MEDIA[kind], filename)
    if kind == "xlsx":
        from presentation.workbook import workbook  # noqa: PLC0415 - slow to import and rarely needed

        return Export([workbook([found], facts=facts)], MEDIA[kind], filename)
    return Export([_bytes(found, kind, subject, caption)], MEDIA[kind], filename)


def csv_parts(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """A table in CSV, in parts. None is an empty cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for number, row in enumerate(rows, start=1):
        writer.writerow(row)
        if number % ROWS_PER_PART == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _bytes(section: Section, kind: Saved, subject: str, caption: str) -> bytes:
    if kind == "parquet":
        return _parquet(section)
    assert section.spec is not None
    title = f"{subject}: {section.title}" if subject and subject not in section.title else section.title
    spec = titled(section.spec, title, [section.note, caption])
    return svg(spec).encode() if kind == "svg" else png(spec)


def svg(spec: Spec, **size: int) -> str:
    """A chart as SVG; equal charts give equal bytes."""
    import vl_convert  # noqa: PLC0415 - a shared library of 40 MB that most processes never use

    drawn: str = vl_convert.vegalite_to_svg(fixed(spec, **size), vl_version=VEGA_LITE)
    # Vega numbers clip paths across all charts of a process.
    numbers: dict[str, int] = {}
    return CLIP.sub(lambda found: f"clip{numbers.setdefault(found[0], len(numbers))}", drawn)


def png(spec: Spec) -> bytes:
    """A chart as PNG."""
    import vl_convert  # noqa: PLC0415 - as above

    drawn: bytes = vl_convert.vegalite_to_png(fixed(spec), vl_version=VEGA_LITE, scale=PNG_SCALE)
    return drawn


def _parquet(section: Section) -> bytes:
    import pyarrow as pa  # noqa: PLC0415 - slow to load
    import pyarrow.parquet as pq  # noqa: PLC0415

    columns: dict[str, list[Any]] = {
        column.name: [row.get(column.name) for row in section.rows] for column in section.columns
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()
