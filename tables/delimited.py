"""Delimited text: the standard library detects encoding, separator and header, and Arrow reads the body.

A record is a row, as Excel counts them: a line break within quotes does not start a new one, a blank line does.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from tables.dialect import Dialect
from tables.header import HEADER_LETTERS, header_names, refuse_many

MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
CANDIDATES = (",", ";", "\t", "|")
SAMPLE_LETTERS, SAMPLE_RECORDS = 64_000, 50
SHOWN_SEPARATORS = {"\t": "tab", " ": "space"}


def read_delimited(data: bytes, dialect: Dialect) -> pd.DataFrame:
    """The table's cells as text, by row number. Raises ValueError with the reason."""
    text = _decoded(data, dialect.encoding).rstrip()
    if "\0" in text:
        raise ValueError("this is not a CSV: it holds zero bytes")
    # Old Mac files end their lines with a carriage return alone.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    body = text.lstrip("\n")
    if not body:
        raise ValueError("the file is empty")
    header_row = len(text) - len(body) + 1
    separator = dialect.separator or _separator(body)
    cells, length = _header(body, separator)
    rest = body[length:]
    names = header_names(cells)
    frame = _body(rest, names, separator, header_row) if rest else pd.DataFrame(columns=names, dtype=object)
    frame.index = pd.RangeIndex(header_row + 1, header_row + 1 + len(frame))
    return frame


def _decoded(data: bytes, encoding: str | None) -> str:
    mark = next((mark for mark in MARKS if data.startswith(mark)), b"")
    name = encoding or MARKS.get(mark, "utf-8")
    try:
        return data.removeprefix(mark).decode(name)
    except UnicodeDecodeError as error:
        row = len(data[: error.start].splitlines()) or 1
        shown = "UTF-8" if name == "utf-8" else name
        advice = "" if encoding else ": name its encoding with --encoding, such as cp1252 or gb18030"
        raise ValueError(f"row {row} is not {shown} text{advice}") from error


def _separator(text: str) -> str:
    """The one candidate that splits the header, or else the one whose rows are as wide as the header most often."""
    sample = text[:SAMPLE_LETTERS]
    records = {mark: list(islice(_records(sample, mark), SAMPLE_RECORDS)) for mark in CANDIDATES}
    splitting = [mark for mark in CANDIDATES if records[mark] and len(records[mark][0]) > 1]
    if len(splitting) < 2:
        return splitting[0] if splitting else ","
    agreeing = {mark: sum(len(row) == len(records[mark][0]) for row in records[mark][1:]) for mark in splitting}
    most = max(agreeing.values())
    best = [mark for mark in splitting if agreeing[mark] == most]
    if len(best) > 1:
        shown = " or ".join(SHOWN_SEPARATORS.get(mark, mark) for mark in best)
        raise ValueError(f"its cells may be separated by {shown}: name the separator with --separator")
    return best[0]


def _records(text: str, separator: str) -> Iterator[list[str]]:
    """Records, without a last field that the end of the sample cuts within quotes."""
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    except csv.Error:
        return


def _header(text: str, separator: str) -> tuple[list[str], int]:
    """The cells of the first record, and how many letters it takes up with its line end."""
    source = io.StringIO(text[: HEADER_LETTERS + 1], newline="")
    try:
        cells = next(csv.reader(iter(source.readline, ""), delimiter=separator))
    except csv.Error as error:
        raise ValueError(f"the header cannot be read: {error}") from error
    length = source.tell()
    if length > HEADER_LETTERS:
        raise ValueError(f"the header is longer than the {HEADER_LETTERS:,} letters accepted")
    refuse_many(len(cells))
    return cells, length


def _body(text: str, names: list[str], separator: str, header_row: int) -> pd.DataFrame:
    """Columns of text. A row wider than the header is accepted if the additional cells are empty."""
    ragged: list[Any] = []

    def note(row: Any) -> str:
        ragged.append(row)
        return "error"

    try:
        return _arrow(text, names, separator, note)
    except pa.ArrowInvalid as error:
        if not ragged:
            raise ValueError(f"this is not a CSV: {error}") from error
    try:
        return _arrow(_trimmed(text, len(names), separator, header_row), names, separator, note)
    except pa.ArrowInvalid as error:
        raise ValueError(f"this is not a CSV: {error}") from error


def _arrow(text: str, names: list[str], separator: str, note: Any) -> pd.DataFrame:
    placeholders = [str(number) for number in range(len(names))]
    table = pa.csv.read_csv(
        pa.BufferReader(text.encode()),
        read_options=pa.csv.ReadOptions(column_names=placeholders, use_threads=False),
        parse_options=pa.csv.ParseOptions(
            delimiter=separator, ignore_empty_lines=False, newlines_in_values=True, invalid_row_handler=note
        ),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(placeholders, pa.string()), strings_can_be_null=False
        ),
    )
    frame: pd.DataFrame = table.to_pandas()
    return frame.set_axis(names, axis="columns")


def _trimmed(text: str, width: int, separator: str, header_row: int) -> str:
    """The rows without empty cells beyond the header's. Raises ValueError for one of another width."""
    output = io.StringIO(newline="")
    writer = csv.writer(output, delimiter=separator, lineterminator="\n", quoting=csv.QUOTE_ALL)
    try:
        for row, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator), header_row + 1):
            if cells and (len(cells) < width or any(cell.strip() for cell in cells[width:])):
                raise ValueError(f"row {row} has {len(cells)} cells, the header {width}{_advice(cells, separator)}")
            writer.writerow(cells[:width] if cells else [""] * width)
    except csv.Error as error:
        raise ValueError(f"this is not a CSV: {error}") from error
    return output.getvalue()


def _advice(cells: list[str], separator: str) -> str:
    """A hint for separators within numbers, or other than that of the header."""
    others = Counter(mark for cell in cells for mark in CANDIDATES if mark != separator and mark in cell)
    if len(cells) == 1 and others:
        mark = others.most_common(1)[0][0]
        return f": its cells may be separated by {SHOWN_SEPARATORS.get(mark, mark)}, which is named with --separator"
    if separator == ",":
        return ": a cell with a comma in it (such as a decimal comma) is put in quotes"
    return (
        f": it is read with {SHOWN_SEPARATORS.get(separator, separator)} between cells; name another with --separator"
    )
