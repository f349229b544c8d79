"""A block to take away: its table as CSV, XLSX or Parquet, its chart as SVG or PNG."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from presentation.charts.theme import Spec, fixed
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
BLOCK_ROWS = 2000
CLIP = re.compile(r"\bclip[0-9]+\b")


class Export(NamedTuple):
    """A section as a file: its content in parts, media type and file name."""

    content: Iterable[bytes]
    media_type: str
    filename: str


def export(blocks: Sequence[Section], name: str | None, kind: Saved, *, stem: str) -> Export:
    """One section of a page as a file. Raises NoSuchSection."""
    found = next((block for block in blocks if block.name == name), None)
    if found is None or (kind in PICTURES and found.spec is None):
        raise NoSuchSection(name, kind, [block.name for block in blocks])
    filename = f"{stem}-{found.name}.{kind}"
    if kind == "csv":
        parts = csv_blocks([column.name for column in found.columns], found.cells)
        return Export((part.encode() for part in parts), MEDIA[kind], filename)
    return Export([_bytes(found, kind)], MEDIA[kind], filename)


def csv_blocks(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """A table in CSV, a part at a time. None is an empty cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for number, row in enumerate(rows, start=1):
        writer.writerow(row)
        if number % BLOCK_ROWS == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _bytes(block: Section, kind: Saved) -> bytes:
    if kind == "parquet":
        return _parquet(block)
    if kind == "xlsx":
        from presentation.workbook import workbook  # noqa: PLC0415 - writing sheets is rare, and slow to load

        return workbook([block])
    assert block.spec is not None
    return svg(block.spec).encode() if kind == "svg" else _png(block.spec)


def svg(spec: Spec, **size: int) -> str:
    """A chart as SVG, the same for the same chart."""
    import vl_convert  # noqa: PLC0415 - 40 MB of shared library that most processes never need

    drawn: str = vl_convert.vegalite_to_svg(fixed(spec, **size), vl_version=VEGA_LITE)
    # Vega numbers what it clips by all the charts a process has drawn.
    numbers: dict[str, int] = {}
    return CLIP.sub(lambda found: f"clip{numbers.setdefault(found[0], len(numbers))}", drawn)


def _png(spec: Spec) -> bytes:
    import vl_convert  # noqa: PLC0415 - as above

    drawn: bytes = vl_convert.vegalite_to_png(fixed(spec), vl_version=VEGA_LITE, scale=PNG_SCALE)
    return drawn


def _parquet(block: Section) -> bytes:
    import pyarrow as pa  # noqa: PLC0415 - slow to load
    import pyarrow.parquet as pq  # noqa: PLC0415

    columns: dict[str, list[Any]] = {
        column.name: [row.get(column.name) for row in block.rows] for column in block.columns
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()
