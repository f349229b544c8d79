"""US Census Bureau: imports and exports of the United States by partner and NAICS, HS or end-use code, in US dollars.

US imports from a country differ from the exports that the country reports: mirror data are a separate dataset.

Documents: "Guide to the International Trade Datasets" (https://www.census.gov/foreign-trade/reference/guides/) and the
API's own pages (https://www.census.gov/data/developers/data-sets/international-trade.html). A response is a list of
lists, the first of them the header; 204 means no data. Without a key the limit is 500 requests a day.
Country codes are those of Schedule C (https://www.census.gov/foreign-trade/schedules/c/), `-` stands for all countries
or all goods.
"""

from typing import Any, Literal, NamedTuple

import pandas as pd
from pydantic import Field

from sources.client import Client, ProviderResponse
from sources.errors import ChangedShape
from sources.partner_codes import partners
from sources.provider import Access, ProviderData, Query, Window

ADDRESS = "https://api.census.gov"
ALL = "-"


class Table(NamedTuple):
    """Path and column names of a flow."""

    path: str
    value: str


TABLES = {"X": Table("exports", "ALL_VAL_MO"), "M": Table("imports", "GEN_VAL_MO")}
CODE_COLUMNS = {
    "naics": {"X": "NAICS", "M": "NAICS"},
    "hs": {"X": "E_COMMODITY", "M": "I_COMMODITY"},
    "enduse": {"X": "E_ENDUSE", "M": "I_ENDUSE"},
}


class CensusQuery(Query):
    """Query: a classification at a level (`NA3`, `HS2` ...; default all goods), and partners.

    Imports are general imports, or imports for consumption. `codes` translates country codes that the table
    lacks; empty for no partner.
    """

    classification: Literal["naics", "hs", "enduse"] = "naics"
    level: str | None = None
    flows: tuple[Literal["X", "M"], ...] = ("X", "M")
    imports: Literal["general", "consumption"] = "general"
    sectors: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    codes: dict[str, str] = Field(default_factory=dict)


def figures(query: CensusQuery, client: Client, access: Access, window: Window) -> ProviderData:
    """US trade in US dollars. Raises the errors of sources.errors."""
    parts = []
    for flow in query.flows:
        for year in sorted({month[:4] for month in window.months}):
            months = [month for month in window.months if month.startswith(year)]
            answer = _ask(query, flow, months, client, access)
            if answer is not None and answer.content:
                parts.append(_frame(answer, query, flow, months))
    empty = pd.DataFrame(columns=["month", "flow", "partner", "sector", "value"])
    return ProviderData(pd.concat(parts, ignore_index=True) if parts else empty, "USD")


def _value_column(query: CensusQuery, flow: str) -> str:
    return "CON_VAL_MO" if flow == "M" and query.imports == "consumption" else TABLES[flow].value


def _ask(query: CensusQuery, flow: str, months: list[str], client: Client, access: Access) -> ProviderResponse | None:
    """One year of a flow for all its partners, in one response."""
    code = CODE_COLUMNS[query.classification][flow]
    params = {
        "get": f"CTY_CODE,{_value_column(query, flow)}",
        "time": f"from {months[0]} to {months[-1]}",
        "SUMMARY_LVL": "DET",
        **({"COMM_LVL": query.level, code: "*"} if query.level else {code: ALL}),
    }
    url = f"{access.address}/data/timeseries/intltrade/{TABLES[flow].path}/{query.classification}"
    return client.get(url, params, secret_params={"key": access.key} if access.key else None)


def _frame(answer: ProviderResponse, query: CensusQuery, flow: str, months: list[str]) -> pd.DataFrame:
    code = CODE_COLUMNS[query.classification][flow]
    raw = _table(answer, ["CTY_CODE", _value_column(query, flow), code, "time"])
    foreign = set(raw["time"]) - set(months)
    if foreign:
        raise ChangedShape(answer.where, expected=f"months from {months[0]} to {months[-1]}", found=min(foreign))
    frame = pd.DataFrame(
        {
            "month": raw["time"],
            "flow": flow,
            "partner": partners(raw["CTY_CODE"], "census", where=answer.where, own=query.codes),
            "sector": raw[code].where(raw[code] != ALL, "TOTAL"),
            "value": pd.to_numeric(raw[_value_column(query, flow)], errors="coerce"),
        }
    )
    if frame["value"].isna().any():
        odd = raw.loc[frame["value"].isna()].iloc[0].to_dict()
        raise ChangedShape(answer.where, expected="numbers", found=str(odd))
    wanted = frame["partner"] != ""
    for name in ("partner", "sector"):
        chosen = getattr(query, f"{name}s")
        wanted &= frame[name].isin(chosen) if chosen else True
    # A partner with two codes at the source (the West Bank and Gaza) is a single one here.
    return frame[wanted].groupby(["month", "flow", "partner", "sector"], as_index=False)[["value"]].sum()


def _table(answer: ProviderResponse, columns: list[str]) -> pd.DataFrame:
    body: Any = answer.json()
    if not isinstance(body, list) or not body or not all(isinstance(row, list) for row in body):
        raise ChangedShape(answer.where, expected="a list of lists", found=str(body)[:80])
    header, *rows = body
    missing = [column for column in columns if column not in header]
    if missing:
        raise ChangedShape(answer.where, expected=", ".join(missing), found=f"the heading {header}")
    ragged = next((number for number, row in enumerate(rows, start=2) if len(row) != len(header)), None)
    if ragged is not None:
        raise ChangedShape(answer.where, expected=f"{len(header)} cells", found=f"row {ragged} of {len(rows) + 1}")
    frame = pd.DataFrame(rows, columns=header).astype(str)
    # A variable that is also a filter is repeated in the response.
    return frame.loc[:, ~frame.columns.duplicated()]
