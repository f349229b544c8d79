"""China Customs (GACC): the month's exports and imports by country, and major goods, from its release pages.

Documents: the lists of preliminary releases (http://english.customs.gov.cn/statics/report/preliminary.html), one page a
year, with a page for each table, month and currency. January and February are a combined figure on February's page.
Pages of 2018 are images and cannot be read. sources/providers/gacc/pages.py parses the pages.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import lxml.html
import pandas as pd
from pydantic import Field, model_validator

from sources.client import Client, ProviderResponse
from sources.errors import ChangedShape, UnknownCode
from sources.partner_codes import partners
from sources.provider import Access, ProviderData, Query, Window
from sources.providers.gacc.pages import MONTHS, Kind, Release, read_release, tidy

ADDRESS = "http://english.customs.gov.cn"
INDEX = "/statics/report/preliminary.html"
YEAR_ADDRESS = re.compile(r'val\(\)\s*==\s*"(\d{4})"\s*\)\s*\{\s*location\.replace\("([^"]+)"\)')
COLUMNS = ["month", "flow", "partner", "sector", "value", "months", "vintage"]
GROUPS = frozenset({"EU27", "ASEAN", "LATAM", "AFRICA", "RCEP", "BRI"})
KINDS: Mapping[str, tuple[Kind, ...]] = {"country": ("country",), "commodity": ("exports", "imports")}
TITLES: Mapping[Kind, str] = {
    "country": "by Country/Region",
    "exports": "Major Exports by Quantity and Value",
    "imports": "Major Imports by Quantity and Value",
}
FLOWS: Mapping[Kind, str] = {"exports": "X", "imports": "M"}


class GaccQuery(Query):
    """Query: a table and a currency.

    By country: the world and the listed countries (`partners` selects), and with `groups` the listed groups, which
    contain some of the countries. By commodity: `sectors` maps the name of a row on the page to a code; several names
    may share a code, because names change. `codes` translates names of countries that the table lacks; empty for no
    partner.
    """

    table: Literal["country", "commodity"]
    currency: Literal["USD", "CNY"]
    flows: tuple[Literal["X", "M"], ...] = ("X", "M")
    partners: tuple[str, ...] = ()
    groups: bool = False
    sectors: dict[str, str] = Field(default_factory=dict)
    codes: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _rows_are_named(self) -> "GaccQuery":
        if self.table == "commodity" and not self.sectors:
            raise ValueError('sectors has to say which rows are wanted, such as {"Steel products" = "STEEL"}')
        return self


@dataclass(frozen=True, slots=True)
class Page:
    """An entry of the list of releases: table, month (YYYY-MM) and URL."""

    kind: Kind
    month: str
    address: str


def figures(query: GaccQuery, client: Client, access: Access, window: Window) -> ProviderData:
    """China's trade in the requested currency. Raises the errors of sources.errors."""
    frames = []
    for page in _pages(query, client, access, window):
        answer = client.get(page.address)
        if answer is None:
            continue
        release = read_release(answer, kind=page.kind)
        if (release.month, release.currency) != (page.month, query.currency):
            found = f"{release.month} in {release.currency}"
            raise ChangedShape(answer.where, expected=f"{page.month} in {query.currency}", found=found)
        frames.append(_frame(release, query, answer.where))
    empty = pd.DataFrame(columns=COLUMNS)
    return ProviderData(pd.concat(frames, ignore_index=True) if frames else empty, query.currency)


def _pages(query: GaccQuery, client: Client, access: Access, window: Window) -> list[Page]:
    """The requested pages, oldest first, from the lists of their years."""
    first = _index(client, access, INDEX)
    addresses = {year: urlsplit(url).path for year, url in YEAR_ADDRESS.findall(first.text())}
    pages = []
    for year in sorted({month[:4] for month in window.months}):
        if year not in addresses:
            # A new year has no list before its first release.
            if year > max(addresses, default="9999"):
                continue
            raise ChangedShape(first.where, expected=f"the address of the list of {year}", found=str(sorted(addresses)))
        answer = first if addresses[year] == INDEX else _index(client, access, addresses[year])
        pages += _listed(answer, year, query, access)
    wanted = [page for page in pages if page.month in window.months]
    kinds = [kind for kind in KINDS[query.table] if FLOWS.get(kind, query.flows[0]) in query.flows]
    return sorted((page for page in wanted if page.kind in kinds), key=lambda page: (page.month, page.kind))


def _index(client: Client, access: Access, path: str) -> ProviderResponse:
    answer = client.get(access.address + path, fresh=True)
    if answer is None:
        raise ChangedShape(access.address + path, expected="a list of releases", found="nothing")
    return answer


def _listed(answer: ProviderResponse, year: str, query: GaccQuery, access: Access) -> list[Page]:
    """The pages of a year's list, for the requested tables and currency."""
    pages = []
    for row in lxml.html.fromstring(answer.text()).iter("tr"):
        title = tidy(row[0].text_content()) if len(row) else ""
        kind = next((kind for kind in KINDS[query.table] if TITLES[kind] in title), None)
        if kind is None or f"(in {query.currency})" not in title:
            continue
        for link in row.iter("a"):
            name = tidy(link.text_content()).rstrip(".")[:3]
            if name not in MONTHS:
                raise ChangedShape(answer.where, expected="a month", found=repr(name))
            # A link is requested from the host of the list, regardless of the host that it names.
            address = access.address + urlsplit(link.get("href", "")).path
            pages.append(Page(kind, f"{year}-{MONTHS[name]:02d}", address))
    if not pages and TITLES["country"] not in answer.text():
        raise ChangedShape(answer.where, expected=f"a row {TITLES['country']}", found="a list without")
    return pages


def _frame(release: Release, query: GaccQuery, where: str) -> pd.DataFrame:
    frame = _by_country(release, query, where) if release.kind == "country" else _by_commodity(release, query, where)
    frame = frame[frame["flow"].isin(query.flows)]
    return frame.assign(
        # Values are whole numbers: further decimals are rounding errors of the multiplication.
        value=(frame["value"] * release.multiple).round(2),
        month=release.month,
        months=release.months,
        vintage=f"{release.published:%Y-%m-%d}",
    )


def _by_country(release: Release, query: GaccQuery, where: str) -> pd.DataFrame:
    frame = release.rows.assign(sector="TOTAL")
    frame["partner"] = partners(frame["name"], "name", where=where, own=query.codes)
    unwanted = {"", *(() if query.groups else GROUPS)}
    frame = frame[~frame["partner"].isin(unwanted)]
    missing = sorted(set(query.partners or ["WLD"]) - set(frame["partner"]))
    if missing:
        raise ChangedShape(where, expected=f"a row of {', '.join(missing)}", found="a table without")
    chosen = frame["partner"].isin(query.partners or frame["partner"])
    return frame.loc[chosen, ["flow", "partner", "sector", "value"]]


def _by_commodity(release: Release, query: GaccQuery, where: str) -> pd.DataFrame:
    frame = release.rows.assign(partner="WLD", sector=release.rows["name"].map(query.sectors))
    if frame["sector"].isna().all():
        raise UnknownCode(where, "goods", frame["name"].tolist())
    return frame.loc[frame["sector"].notna(), ["flow", "partner", "sector", "value"]]
