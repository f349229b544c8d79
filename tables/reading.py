"""Reading a CSV, Parquet, Excel or JSON table without interpreting its cells."""

from pathlib import Path
from typing import Any, Literal

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from tables.delimited import read_delimited
from tables.dialect import STANDARD, Dialect
from tables.faults import UnreadableTable
from tables.header import header_names, refuse_many, without_blanks
from tables.workbook import read_workbook

Media = Literal["csv", "parquet", "json", "xlsx"]
SUFFIXES: dict[str, Media] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".json": "json",
    ".xlsx": "xlsx",
}
SHOWN_SUFFIXES = ", ".join(suffix for suffix in SUFFIXES if suffix != ".txt")


def read_table(
    source: Path | bytes, *, media: Media | None = None, limit_bytes: int, dialect: Dialect = STANDARD
) -> pd.DataFrame:
    """The columns of the table, indexed by row number as in Excel; those of a CSV are text.

    Without `media` the name's ending decides. Rows that are blank throughout are left out, and so are unnamed columns
    that are (trailing separators). Raises UnreadableTable; for a size above `limit_bytes`, before reading.
    """
    name = str(source) if isinstance(source, Path) else "the table"
    media = media or SUFFIXES.get(source.suffix.lower() if isinstance(source, Path) else "")
    try:
        if media is None:
            old = isinstance(source, Path) and source.suffix.lower() == ".xls"
            advice = ": save the workbook as .xlsx" if old else ""
            raise ValueError(f"the name must end in one of {SHOWN_SUFFIXES}{advice}")
        _refuse_ignored(media, dialect)
        frame = _read(_bytes_of(source, limit_bytes), media, limit_bytes, dialect)
        frame = without_blanks(frame)
        if frame.empty:
            raise ValueError("there is no row in it")
    except OSError as error:
        raise UnreadableTable(name, (error.strerror or str(error)).lower()) from error
    except ValueError as error:
        raise UnreadableTable(name, str(error)) from error
    return frame.rename_axis("row")


def _refuse_ignored(media: Media, dialect: Dialect) -> None:
    """Raise ValueError for a named option that does not apply to a file of this kind."""
    if dialect.sheet != 0 and media != "xlsx":
        raise ValueError("this is not a workbook, so it has no sheets (--sheet)")
    if media != "csv" and (dialect.separator is not None or dialect.encoding is not None):
        raise ValueError("this is not text, so it has no separator or encoding (--separator, --encoding)")


def _bytes_of(source: Path | bytes, limit: int) -> bytes:
    size = source.stat().st_size if isinstance(source, Path) else len(source)
    if size > limit:
        raise ValueError(f"{size / 1e6:.1f} MB is more than the {limit / 1e6:g} MB accepted")
    data = source.read_bytes() if isinstance(source, Path) else source
    if not data.strip():
        raise ValueError("the file is empty")
    return data


def _read(data: bytes, media: Media, limit: int, dialect: Dialect) -> pd.DataFrame:
    if media == "csv":
        return read_delimited(data, dialect)
    if media == "xlsx":
        return read_workbook(data, limit, dialect.sheet)
    frame = _read_parquet(data, limit) if media == "parquet" else _read_json(data, limit)
    frame.index = pd.RangeIndex(1, 1 + len(frame))
    return frame


def _read_parquet(data: bytes, limit: int) -> pd.DataFrame:
    try:
        file = pa.parquet.ParquetFile(pa.BufferReader(data))
        refuse_many(file.metadata.num_columns)
        # A few bytes may unpack to any number of cells; a CSV of as many would take a byte each at least.
        _refuse_cells(file.metadata.num_rows * file.metadata.num_columns, limit)
        frame = pd.DataFrame(file.read().to_pandas())
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"this is not a Parquet file: {error}") from error
    # pandas keeps an index of its own in the file; named levels are columns like the others.
    frame = frame.reset_index() if frame.index.names != [None] else frame
    return frame.set_axis(header_names(frame.columns), axis="columns")


def _read_json(data: bytes, limit: int) -> pd.DataFrame:
    try:
        rows = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"this is not JSON: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("the JSON must be a list of objects, one a row")
    names: dict[str, Any] = {}
    for number, row in enumerate(rows, start=1):
        if any(isinstance(value, bool | list | dict) for value in row.values()):
            raise ValueError(f"row {number} holds something else than text and numbers")
        # Rows that share no key would make a table of as many columns as cells.
        names.update(dict.fromkeys(row))
        refuse_many(len(names))
    _refuse_cells(len(rows) * len(names), limit)
    return pd.DataFrame(rows, columns=list(names))


def _refuse_cells(cells: int, limit: int) -> None:
    if cells > limit:
        raise ValueError(f"{cells} cells are more than the {limit} accepted")
