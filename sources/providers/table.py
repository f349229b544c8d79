"""A CSV, Parquet or XLSX file at a path or a URL, with its columns named in a feed.

It is read by `tables.read_table`, whose first row that is not blank is the header.
"""

from datetime import date
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pandas as pd
from pydantic import Field, model_validator

from sources.client import Client, ProviderResponse
from sources.errors import ChangedShape, TooLarge, UnknownCode, Unreachable
from sources.partner_codes import Scheme, partners
from sources.provider import Access, ProviderData, Query, Window
from tables import (
    SUFFIXES,
    BadRows,
    Column,
    Dialect,
    Faults,
    UnreadableTable,
    drop_missing,
    make_dialect,
    months,
    numbers,
    plain,
    read_table,
)

ColumnName = Literal["month", "flow", "partner", "sector", "value", "months", "status", "vintage"]
NEEDED = ("month", "flow", "partner", "sector", "value")
LARGEST_TABLE = 10**9
# A table may contain months after the requested window.
LAST_MONTH = date(2200, 1, 1)
MAY_BE_CODED = ("flow", "partner", "sector")


class TableQuery(Query):
    """Query: location and columns of a table.

    `location` is a path or a URL. `columns` has the heading of each column, `constant` the values of missing ones.
    Months are in `month_format` (as in strptime), or in any form of `tables.months`.
    `separator`, `decimal`, `thousands` and `encoding` describe the notation, `missing` the cells without a
    value, whose rows are omitted. Partners are codes by `scheme`, or as
    `partners` says; `sectors` and `flows` translate. `where` keeps rows by their values. Values are in `multiple` of
    the currency; with `add_up`, rows of the same series and month are parts of one.
    """

    location: str = Field(min_length=1)
    form: Literal["csv", "parquet", "xlsx"] | None = None
    sheet: str | int = 0
    columns: dict[ColumnName, str]
    constant: dict[ColumnName, str] = Field(default_factory=dict)
    month_format: str | None = None
    separator: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    missing: tuple[str, ...] = ()
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
        self.dialect()
        return self

    def dialect(self) -> Dialect:
        """Notation of the table's cells. Raises `tables.BadDialect`, a ValueError."""
        return make_dialect(
            separator=self.separator,
            decimal=self.decimal,
            thousands=self.thousands,
            encoding=self.encoding,
            missing=self.missing,
            sheet=self.sheet,
        )


def figures(query: TableQuery, client: Client, _access: Access, window: Window) -> ProviderData:
    """Observations of the table. Raises the errors of sources.errors."""
    answer = _content(query.location, client)
    frame = pd.DataFrame(columns=[*NEEDED]) if answer is None else _frame(answer, query, window)
    return ProviderData(frame, query.currency)


def _content(location: str, client: Client) -> ProviderResponse | None:
    if urlsplit(location).scheme in ("http", "https"):
        return client.get(location)
    path = Path(location)
    try:
        if path.stat().st_size > client.policy.limit_bytes:
            raise TooLarge(location, client.policy.limit_bytes)
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
    frame = drop_missing(frame[frame["month"].isin(window.months)], "value", query.dialect())
    for name in MAY_BE_CODED:
        frame[name] = _translated(name, frame[name].astype(str).str.strip(), query, answer.where)
    frame["value"] = _values(frame["value"], query.dialect(), answer.where) * query.multiple
    frame = frame[frame["partner"] != ""]
    if query.add_up:
        keys = [name for name in frame.columns if name != "value"]
        return frame.groupby(keys, as_index=False)[["value"]].sum()
    _refuse_duplicates(frame, answer.where)
    return frame.reset_index(drop=True)


def _read(answer: ProviderResponse, query: TableQuery) -> pd.DataFrame:
    """The table by its rows' numbers. Raises ChangedShape."""
    answer.refuse_html("a table")
    ending = Path(urlsplit(answer.where).path).suffix.lower()
    form = query.form or SUFFIXES.get(ending, "csv")
    limit = max(len(answer.content), LARGEST_TABLE)
    try:
        return read_table(answer.content, media=form, limit_bytes=limit, dialect=query.dialect())
    except UnreadableTable as error:
        raise ChangedShape(answer.where, expected=f"a table as {form}", found=error.reason) from error


def _months(column: Column, form: str | None, where: str) -> Column:
    """The months as YYYY-MM. Raises ChangedShape."""
    faults = Faults()
    texts = column.map(plain).rename("month")
    if form is not None:
        days = pd.to_datetime(texts, format=form, errors="coerce")
        # A date cell, as in a workbook, has no text form.
        written = column.map(lambda cell: isinstance(cell, str)).to_numpy(dtype=bool)
        faults.add(texts, days.isna().to_numpy() & written, f"is not written as {form}")
        _stop(faults, where, expected=f"months as {form}")
        texts = days.dt.strftime("%Y-%m").fillna(texts)
    found = months(texts, faults, today=LAST_MONTH)
    _stop(faults, where, expected="months")
    return found.dt.strftime("%Y-%m")


def _refuse_duplicates(frame: pd.DataFrame, where: str) -> None:
    faults = Faults()
    twice = frame.duplicated([name for name in frame.columns if name not in ("value", "status")]).to_numpy()
    faults.add(frame["month"], twice, "appears in an earlier row of the same series")
    _stop(faults, where, expected="a row a series and month (or add_up)")


def _translated(name: str, codes: "pd.Series[str]", query: TableQuery, where: str) -> "pd.Series[str]":
    if name == "partner":
        return partners(codes, query.scheme, where=where, own=query.partners)
    known: dict[str, str] = {**query.flows} if name == "flow" else query.sectors
    unknown = sorted(set(codes) - set(known)) if known else []
    if unknown:
        raise UnknownCode(where, name, unknown)
    return codes.map(known) if known else codes


def _values(column: Column, dialect: Dialect, where: str) -> Column:
    faults = Faults()
    values = numbers(column.rename("value"), faults, negative=True, dialect=dialect)
    _stop(faults, where, expected="numbers")
    return values


def _stop(faults: Faults, where: str, *, expected: str) -> None:
    try:
        faults.stop()
    except BadRows as error:
        raise ChangedShape(where, expected=expected, found=str(error)) from error
