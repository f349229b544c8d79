"""Reading a CSV, Parquet or JSON table as it stands; what its cells say is not looked at."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from tables.faults import UnreadableTable

Media = Literal["csv", "parquet", "json"]
SUFFIXES: dict[str, Media] = {".csv": "csv", ".parquet": "parquet", ".json": "json"}


def read_table(source: Path | bytes, *, media: Media | None = None, limit_bytes: int) -> pd.DataFrame:
    """The table's columns as they stand, indexed by row number; a CSV's are all text.

    Without `media` the name's ending tells. Raises UnreadableTable; for a size above `limit_bytes`, before reading.
    """
    name = str(source) if isinstance(source, Path) else "the table"
    media = media or SUFFIXES.get(source.suffix.lower() if isinstance(source, Path) else "")
    try:
        if media is None:
            raise ValueError(f"the name must end in one of {', '.join(SUFFIXES)}")
        data = _bytes_of(source, limit_bytes)
        frame = _READERS[media](data, limit_bytes)
        if frame.empty:
            raise ValueError("there is no row in it")
    except OSError as error:
        raise UnreadableTable(name, (error.strerror or str(error)).lower()) from error
    except ValueError as error:
        raise UnreadableTable(name, str(error)) from error
    first_row = 2 if media == "csv" else 1
    frame.index = pd.RangeIndex(first_row, first_row + len(frame), name="row")
    return frame


def _bytes_of(source: Path | bytes, limit: int) -> bytes:
    size = source.stat().st_size if isinstance(source, Path) else len(source)
    if size > limit:
        raise ValueError(f"{size / 1e6:.1f} MB is more than the {limit / 1e6:g} MB accepted")
    data = source.read_bytes() if isinstance(source, Path) else source
    if not data.strip():
        raise ValueError("the file is empty")
    return data


def _read_csv(data: bytes, _limit: int) -> pd.DataFrame:
    data = data.removeprefix(b"\xef\xbb\xbf").rstrip()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"row {row} is not UTF-8 text") from error
    if b"\0" in data:
        raise ValueError("this is not a CSV: it holds zero bytes")
    first_line, *rest = data.split(b"\n", 1)
    header = [cell.strip(' "\r') for cell in first_line.decode().split(",")]
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise ValueError(f"the header names {', '.join(twice)} more than once")
    return _text_columns(data, header).to_pandas() if rest else pd.DataFrame()


def _text_columns(data: bytes, header: list[str]) -> Any:
    """A pyarrow table with every column as text, a ragged line refused by its number."""
    ragged: list[Any] = []

    def note(row: Any) -> str:
        ragged.append(row)
        return "error"

    types = dict.fromkeys(header, pa.string())
    try:
        return pa.csv.read_csv(
            io.BytesIO(data),
            read_options=pa.csv.ReadOptions(column_names=header, skip_rows=1, use_threads=False),
            parse_options=pa.csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=note),
            convert_options=pa.csv.ConvertOptions(column_types=types, strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        row = ragged[0] if ragged else None
        raise ValueError(
            f"row {row.number} has {row.actual_columns} cells, the header {row.expected_columns}"
            if row
            else f"this is not a CSV: {error}"
        ) from error


def _read_parquet(data: bytes, limit: int) -> pd.DataFrame:
    try:
        file = pa.parquet.ParquetFile(pa.BufferReader(data))
        # A few bytes may unfold to any number of cells; a CSV of as many would take a byte each at least.
        cells = file.metadata.num_rows * file.metadata.num_columns
        if cells > limit:
            raise ValueError(f"{cells} cells are more than the {limit} accepted")
        frame = pd.DataFrame(file.read().to_pandas())
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"this is not a Parquet file: {error}") from error
    # pandas keeps an index of its own in the file; named levels are columns like the others.
    return frame.reset_index() if frame.index.names != [None] else frame


def _read_json(data: bytes, _limit: int) -> pd.DataFrame:
    try:
        rows = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"this is not JSON: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("the JSON must be a list of objects, one a row")
    for number, row in enumerate(rows, start=1):
        if any(isinstance(value, bool | list | dict) for value in row.values()):
            raise ValueError(f"row {number} holds something else than text and numbers")
    return pd.DataFrame(rows)


_READERS: dict[Media, Callable[[bytes, int], pd.DataFrame]] = {
    "csv": _read_csv,
    "parquet": _read_parquet,
    "json": _read_json,
}
