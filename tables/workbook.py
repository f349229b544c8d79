"""A sheet of an Excel workbook (Office Open XML), by openpyxl (https://openpyxl.readthedocs.io), row by row.

A few kilobytes can unpack to gigabytes, so the unpacked size is checked before reading, and cells are counted while
they are read.
"""

import io
import zipfile
from collections.abc import Iterator
from statistics import median_high
from typing import Any
from xml.etree.ElementTree import ParseError

import pandas as pd

from tables.header import MOST_COLUMNS, header_names, refuse_many

UNPACKED_FACTOR = 4
"""XML takes about four times the bytes that the same cells take as CSV."""
SAMPLE_ROWS = 50
OLD_FORMAT = b"\xd0\xcf\x11\xe0"


def read_workbook(data: bytes, limit: int, sheet: str | int) -> pd.DataFrame:
    """The cells of a sheet by Excel's row numbers; its header is the first row with anything in it, titles aside.

    Raises ValueError with the reason.
    """
    if data.startswith(OLD_FORMAT):
        raise ValueError("this is a workbook of the format before 2007 (.xls), or has a password: save it as .xlsx")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > UNPACKED_FACTOR * limit:
            most = UNPACKED_FACTOR * limit
            raise ValueError(f"it unpacks to {unpacked / 1e6:.1f} MB, more than the {most / 1e6:g} MB accepted")
        rows = list(_rows(data, sheet, limit))
    except (zipfile.BadZipFile, KeyError, OSError, ParseError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"this is not a workbook: {str(error)[:200]}") from error
    if not rows:
        raise ValueError(f"the sheet {sheet!r} is empty")
    (_, header), *body = _without_titles(rows)
    width = max(len(cells) for _, cells in rows)
    names = header_names([*header, *[None] * (width - len(header))])
    numbers = [number for number, _ in body]
    padded = [[*cells, *[None] * (width - len(cells))] for _, cells in body]
    return pd.DataFrame(padded, index=numbers, columns=names, dtype=object)


def _without_titles(rows: list[tuple[int, list[Any]]]) -> list[tuple[int, list[Any]]]:
    """The rows without the first ones that have fewer than half as many cells as is usual: titles, units, sources."""
    filled = [sum(cell is not None and str(cell).strip() != "" for cell in cells) for _, cells in rows[:SAMPLE_ROWS]]
    usual = median_high(filled)
    titles = next((place for place, count in enumerate(filled) if 2 * count > usual), 0)
    return rows[titles:]


def _rows(data: bytes, sheet: str | int, limit: int) -> Iterator[tuple[int, list[Any]]]:
    """The rows that have anything in them, with their numbers, each without empty cells at its end."""
    import openpyxl  # noqa: PLC0415 - it takes a tenth of a second, and few tables are workbooks

    workbook = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    try:
        chosen = _chosen(workbook, sheet)
        # A sheet may declare any size, and its rows are padded to it.
        chosen.reset_dimensions()
        cells = 0
        for number, row in enumerate(chosen.iter_rows(values_only=True), start=1):
            cells += len(row) + 1
            if cells > limit:
                raise ValueError(f"it has more than the {limit:,} cells accepted")
            values = list(row)
            while values and (values[-1] is None or str(values[-1]).strip() == ""):
                values.pop()
            if values:
                refuse_many(len(values))
                yield number, values
    finally:
        workbook.close()


def _chosen(workbook: Any, sheet: str | int) -> Any:
    names = workbook.sheetnames
    if isinstance(sheet, int) and sheet < len(names):
        return workbook[names[sheet]]
    if sheet in names:
        return workbook[sheet]
    raise ValueError(f"there is no sheet {sheet!r}; there are {', '.join(names[:MOST_COLUMNS])}")
