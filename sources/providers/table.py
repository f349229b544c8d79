"""Any CSV, Parquet or XLSX at a path or an address, with its columns named in a feed.

CSV and Parquet are read as `tabular.read_table` reads them; XLSX (Office Open XML) by openpyxl
(https://openpyxl.readthedocs.io), its first row being the header.
"""

import io
import zipfile
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pandas as pd
from pydantic import Field, model_validator

from sources.client import Client, ProviderResponse
from sources.errors import ChangedShape, TooLarge, UnknownCode, Unreachable
from sources.partner_codes import Scheme, partners
from sources.provider import Access, ProviderData, Query, Window
from tables import SUFFIXES, BadRows, Faults, UnreadableTable, numbers, read_table

Column = Literal["month", "flow", "partner", "sector", "value", "months", "status", "vintage"]
NEEDED = ("month", "flow", "partner", "sector", "value")
MAY_BE_CODED = ("flow", "partner", "sector")


class TableQuery(Query):
    """Where the table is and what its columns are.

    `location` is a path or an address. `columns` says by what name each column goes there, `constant` what those are
    that it lacks. `month` is written as `month_format` says (as of strptime). Partners are codes by `scheme`, or as
    `partners` says; `sectors` and `flows` translate. `where` keeps rows by their values. Values are in `multiple` of
    the currency; with `add_up`, rows of the same series and month are parts of one.
    """

    location: str = Field(min_length=1)
    form: Literal["csv", "parquet", "xlsx"] | None = None
    sheet: str | int = 0
    columns: dict[Column, str]
    constant: dict[Column, str] = Field(default_factory=dict)
    month_format: str = "%Y-%m"
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    multiple: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    scheme: Scheme = "iso3"
    partners: dict[str, str] = Field(default_factory=dict)
    flows: dict[str, Literal["X", "M"]] = Field(default_factory=dict)
    sectors: dict[str, str] = Field(default_factory=dict)
    where: dict[str, list[str]] = Field(default_factory=dict)
    add_up: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> "TableQuery":
        missing = [name for name in NEEDED if name not in {**self.columns, **self.constant}]
        if missing:
            raise ValueError(f"columns or constant has to say {', '.join(missing)}")
        return self


def figures(query: TableQuery, client: Client, _access: Access, window: Window) -> ProviderData:
    """The table's figures. Raises the errors of sources.errors."""
    answer = _content(query.location, client)
    frame = pd.DataFrame(columns=[*NEEDED]) if answer is None else _frame(answer, query, window)
    return ProviderData(frame, query.currency)


def _content(location: str, client: Client) -> ProviderResponse | None:
    if urlsplit(location).scheme in ("http", "https"):
        return client.get(location)
    path = Path(location)
    try:
        if path.stat().st_size > client.manners.limit_bytes:
            raise TooLarge(location, client.manners.limit_bytes)
        return ProviderResponse(location, path.read_bytes())
    except OSError as error:
        raise Unreachable(location, (error.strerror or str(error)).lower(), 1) from error


def _frame(answer: ProviderResponse, query: TableQuery, window: Window) -> pd.DataFrame:
    raw = _read(answer, query)
    wanted = [*query.columns.values(), *query.where]
    missing = [name for name in wanted if name not in raw.columns]
    if missing:
        found = f"a header of {', '.join(map(str, raw.columns[:12]))}"
        raise ChangedShape(answer.where, expected=f"columns {', '.join(missing)}", found=found)
    for name, kept in query.where.items():
        raw = raw[raw[name].astype(str).isin(kept)]
    frame = pd.DataFrame({ours: raw[theirs] for ours, theirs in query.columns.items()}).assign(**query.constant)
    frame["month"] = _months(frame["month"], query.month_format, answer.where)
    frame = frame[frame["month"].isin(window.months)]
    for name in MAY_BE_CODED:
        frame[name] = _translated(name, frame[name].astype(str).str.strip(), query, answer.where)
    frame["value"] = _values(frame["value"], answer.where) * query.multiple
    frame = frame[frame["partner"] != ""]
    if query.add_up:
        keys = [name for name in frame.columns if name != "value"]
        frame = frame.groupby(keys, as_index=False)[["value"]].sum()
    return frame.reset_index(drop=True)


def _read(answer: ProviderResponse, query: TableQuery) -> pd.DataFrame:
    """The table by its rows' numbers. Raises ChangedShape."""
    answer.refuse_html("a table")
    ending = Path(urlsplit(answer.where).path).suffix.lower()
    form = query.form or ("xlsx" if ending == ".xlsx" else SUFFIXES.get(ending, "csv"))
    try:
        if form != "xlsx":
            return read_table(answer.content, media=form, limit_bytes=max(len(answer.content), 10**9))
        frame = pd.read_excel(io.BytesIO(answer.content), sheet_name=query.sheet, dtype=object, engine="openpyxl")
    except UnreadableTable as error:
        raise ChangedShape(answer.where, expected=f"a table as {form}", found=error.reason) from error
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise ChangedShape(answer.where, expected="a table as xlsx", found=str(error)) from error
    frame.index = pd.RangeIndex(2, 2 + len(frame))
    return frame


def _months(column: "pd.Series[Any]", form: str, where: str) -> "pd.Series[str]":
    days = pd.to_datetime(column.astype(str), format=form, errors="coerce")
    if not pd.api.types.is_string_dtype(column):
        # A cell that is a date already, as in a workbook.
        days = days.fillna(pd.to_datetime(column, errors="coerce"))
    if days.isna().any():
        row = days.index[days.isna()][0]
        raise ChangedShape(where, expected=f"months as {form}", found=f"{column.loc[row]!r} in row {row}")
    return days.dt.strftime("%Y-%m")


def _translated(name: str, codes: "pd.Series[str]", query: TableQuery, where: str) -> "pd.Series[str]":
    if name == "partner":
        return partners(codes, query.scheme, where=where, own=query.partners)
    known: dict[str, str] = {**query.flows} if name == "flow" else query.sectors
    unknown = sorted(set(codes) - set(known)) if known else []
    if unknown:
        raise UnknownCode(where, name, unknown)
    return codes.map(known) if known else codes


def _values(column: "pd.Series[Any]", where: str) -> "pd.Series[Any]":
    faults = Faults()
    if not pd.api.types.is_numeric_dtype(column):
        column = column.astype(str).where(column.notna(), "")
    values = numbers(column.rename("value"), faults)
    try:
        faults.stop()
    except BadRows as error:
        raise ChangedShape(where, expected="numbers", found=str(error)) from error
    return values
