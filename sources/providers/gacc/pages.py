"""Parser of release pages of China Customs: title, unit, headings and rows.

Layouts: by country, a heading for the flow above one for the month; by commodity, a heading for the month above one
for quantity or value. Before 2020 months are names instead of numbers. Some pages of 2025 omit the column of quantity
units in every row and add an empty cell at the end.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import lxml.html
import pandas as pd
from lxml.html import HtmlElement

from sources.client import ProviderResponse
from sources.errors import ChangedShape

Kind = Literal["country", "exports", "imports"]
Grid = list[list[str]]
NAMES = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
MONTHS = {name: number for number, name in enumerate(NAMES.split(), start=1)}
PERIOD = re.compile(r"(?:([A-Z][a-z]{2})[a-z]*\.?\s*-\s*)?([A-Z][a-z]{2})[a-z]*\.?,?\s+(20\d\d)\b")
UNIT = re.compile(r"Unit:\s*(CNY|RMB|USD)\s*([\d,]*)\s*(Thousand|Million|Billion)", re.IGNORECASE)
SIZES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
NUMBER = re.compile(r"-?[\d,]*\.?\d+")
NOTHING = frozenset({"", "-", "—", "–"})
LARGEST_SPAN = 100
"""Rows or columns of a cell: a page is not to decide how much memory it takes."""


@dataclass(frozen=True, slots=True)
class Release:
    """One page: `rows` has name, flow, value, in `multiple` units of the currency."""

    kind: Kind
    month: str
    months: int
    currency: str
    multiple: int
    published: date
    rows: pd.DataFrame


def tidy(text: str) -> str:
    """Text with single spaces and without those around it."""
    return " ".join(text.split())


def read_release(answer: ProviderResponse, *, kind: Kind) -> Release:
    """Parse a page. Raises ChangedShape with the missing element."""
    page = lxml.html.fromstring(answer.text())
    month, months = _period(page, answer.where)
    grid = _grid(page, answer.where)
    currency, multiple = _unit(grid, answer.where)
    published = _published(page, answer.where)
    read = _country_rows if kind == "country" else _commodity_rows
    rows = read(grid, int(month[5:]), months, answer.where)
    if kind != "country":
        rows = rows.assign(flow="X" if kind == "exports" else "M")
    return Release(kind, month, months, currency, multiple, published, rows)


def _period(page: HtmlElement, where: str) -> tuple[str, int]:
    """The month (YYYY-MM) and the number of months that the values cover."""
    title = tidy(page.findtext(".//title") or "")
    found = PERIOD.search(title)
    names = [name for name in found.groups()[:2] if name] if found else []
    if found is None or not set(names) <= set(MONTHS):
        raise ChangedShape(where, expected="a title with a month", found=repr(title))
    if len(names) == 2 and names != ["Jan", "Feb"]:
        raise ChangedShape(where, expected="a month, or January and February", found=repr(title))
    return f"{found[3]}-{MONTHS[names[-1]]:02d}", len(names)


def _grid(page: HtmlElement, where: str) -> Grid:
    """The cells of the table, repeated in every row and column that they span."""
    table = next(page.iter("table"), None)
    if table is None:
        picture = next((image for image in page.iter("img") if "Excel" in image.get("src", "")), None)
        found = f"a picture ({picture.get('src')})" if picture is not None else "none"
        raise ChangedShape(where, expected="a table", found=found)
    rows: list[dict[int, str]] = []
    below: dict[tuple[int, int], str] = {}
    for number, row in enumerate(table.iter("tr")):
        cells = {column: text for (at, column), text in below.items() if at == number}
        column = 0
        for cell in row.iter("td", "th"):
            while column in cells:
                column += 1
            text, width = tidy(cell.text_content()), _span(cell, "colspan")
            for place in range(column, column + width):
                cells[place] = text
                below |= {(number + down, place): text for down in range(1, _span(cell, "rowspan"))}
            column += width
        rows.append(cells)
    width = max((len(cells) for cells in rows), default=0)
    return [[cells.get(column, "") for column in range(width)] for cells in rows]


def _span(cell: HtmlElement, name: str) -> int:
    """The rows or columns of a cell; 1 for an attribute that is no number, as in browsers."""
    text = cell.get(name, "1")
    return min(max(int(text), 1), LARGEST_SPAN) if text.isascii() and text.isdigit() else 1


def _unit(grid: Grid, where: str) -> tuple[str, int]:
    found = next((match for row in grid[:4] for cell in row if (match := UNIT.search(cell))), None)
    if found is None:
        raise ChangedShape(where, expected="a unit, such as 'Unit: CNY 100 Million'", found=str(grid[:2])[:120])
    currency, count, size = found.groups()
    multiple = int(count.replace(",", "") or "1") * SIZES[size.lower()]
    return "CNY" if currency.upper() == "RMB" else currency.upper(), multiple


def _published(page: HtmlElement, where: str) -> date:
    text = tidy("".join(page.xpath("string(//*[@class='atcl-date'][1])")))
    for form in ("%Y/%m/%d", "%m/%d/%Y"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise ChangedShape(where, expected="the day of publication", found=repr(text))


def _country_rows(grid: Grid, month: int, months: int, where: str) -> pd.DataFrame:
    """Name, flow and value of each country: columns are found by flow and month."""
    top = _heading(grid, frozenset({"Import Source", "Country (Region)", "Country/Region"}), where)
    pairs = zip(grid[top], grid[top + 1], strict=True)
    of_month = {above: at for at, (above, below) in enumerate(pairs) if _is_month(below, month, months)}
    columns = {"X": of_month.get("Export"), "M": of_month.get("Import")}
    _refuse_missing(columns, f"columns of exports and imports in month {month}", grid[top : top + 2], where)
    body = _body(grid, top + 2, where)
    names = [re.sub(r"^of which:\s*", "", row[0]) for row in body]
    parts = [
        pd.DataFrame({"name": names, "flow": flow, "value": [_number(row[column or 0], where) for row in body]})
        for flow, column in columns.items()
    ]
    return pd.concat(parts, ignore_index=True).dropna(subset="value")


def _commodity_rows(grid: Grid, month: int, months: int, where: str) -> pd.DataFrame:
    """Name and value of each row of goods: the column is found by month and the word Value."""
    top = _heading(grid, frozenset({"Commodity"}), where)
    pairs = enumerate(zip(grid[top], grid[top + 1], strict=True))
    value = next((at for at, (above, below) in pairs if _is_month(above, month, months) and below == "Value"), None)
    _refuse_missing({"value": value}, f"a column of values in month {month}", grid[top : top + 2], where)
    body = _body(grid, top + 2, where)
    if all(row[-1] == "" for row in body):
        body = [[row[0], "", *row[1:-1]] for row in body]
    shifted = next((row for row in body if NUMBER.fullmatch(row[1])), None)
    if shifted is not None:
        raise ChangedShape(where, expected="a unit of quantity", found=f"{shifted[1]} in the row {shifted[0]!r}")
    values = [_number(row[value or 0], where) for row in body]
    return pd.DataFrame({"name": [row[0] for row in body], "value": values}).dropna(subset="value")


def _heading(grid: Grid, names: frozenset[str], where: str) -> int:
    top = next((number for number, row in enumerate(grid) if row and row[0] in names), None)
    if top is None or top + 2 > len(grid):
        raise ChangedShape(where, expected="a row of headings", found=str([row[0] for row in grid[:4]]))
    return top


def _refuse_missing(columns: Mapping[str, int | None], expected: str, headings: Grid, where: str) -> None:
    if None in columns.values():
        raise ChangedShape(where, expected=expected, found=f"the headings {headings}"[:400])


def _is_month(heading: str, month: int, months: int) -> bool:
    """Whether a heading is the month's: `3`, `Mar`; or `1-to-2`, `1-2 Total`, `Jan-Feb` for the combined figure."""
    words = re.sub(r"[\s.]", "", heading.lower()).replace("-to-", "-")
    words = re.sub(r"(in)?total$", "", words)
    for name, number in MONTHS.items():
        words = re.sub(rf"{name.lower()}[a-z]*", str(number), words)
    return words == (f"1-{month}" if months == 2 else str(month))


def _body(grid: Grid, start: int, where: str) -> Grid:
    """The rows with values, above the notes."""
    rows = []
    for row in grid[start:]:
        if len(set(row)) == 1:
            break
        rows.append(row)
    if not rows:
        raise ChangedShape(where, expected="rows of figures", found="none under the headings")
    return rows


def _number(text: str, where: str) -> float | None:
    if text in NOTHING:
        return None
    if not NUMBER.fullmatch(text):
        raise ChangedShape(where, expected="a number", found=repr(text))
    return float(text.replace(",", ""))
