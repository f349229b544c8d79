"""UN Comtrade: any reporter's monthly goods trade by partner and HS code, in US dollars.

Documents: "UN Comtrade API" (https://uncomtrade.org/docs/un-comtrade-api/), the developer portal
(https://comtradedeveloper.un.org/) and the United Nations' own client comtradeapicall
(https://github.com/uncomtrade/comtradeapicall). Without a key the preview returns one period per request and 500
records; with one, 12 periods and 100,000. Totals are the records of partner2Code 0, motCode 0 and customsCode C00.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd
from pydantic import Field

from sources.client import Client, ProviderResponse
from sources.errors import CapReached, ChangedShape
from sources.partner_codes import foreign_codes, partners
from sources.provider import Access, ProviderData, Query, Window

ADDRESS = "https://comtradeapi.un.org"
KEY_HEADER = "Ocp-Apim-Subscription-Key"
TOTALS = {"partner2Code": "0", "motCode": "0", "customsCode": "C00"}
FIELDS = ("period", "flowCode", "partnerCode", "partner2Code", "cmdCode", "primaryValue")


class ComtradeQuery(Query):
    """Query: a reporter by its M49 code, flows, HS codes, and partners (default all).

    `codes` translates Comtrade codes that the table lacks; empty for no partner.
    """

    reporter: int = Field(ge=0, le=999)
    flows: tuple[Literal["X", "M"], ...] = ("X", "M")
    sectors: tuple[str, ...] = Field(default=("TOTAL",), min_length=1)
    partners: tuple[str, ...] = ()
    codes: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one request."""

    path: str
    periods: int
    records: int


PREVIEW = Limits("public/v1/preview/C/M/HS", periods=1, records=500)
KEYED = Limits("data/v1/get/C/M/HS", periods=12, records=100_000)


@dataclass(frozen=True, slots=True)
class Part:
    """One request; each parameter is a list of alternatives separated by commas."""

    periods: Sequence[str]
    flows: Sequence[str]
    sectors: Sequence[str]
    partners: Sequence[str]

    def halves(self) -> "list[Part] | None":
        """The request split in two at its longest list; None if every list has a single entry."""
        sizes = {name: len(getattr(self, name)) for name in ("periods", "flows", "sectors", "partners")}
        name = max(sizes, key=lambda name: sizes[name])
        if sizes[name] < 2:
            return None
        choices, middle = getattr(self, name), sizes[name] // 2
        return [replace(self, **{name: choices[:middle]}), replace(self, **{name: choices[middle:]})]


def figures(query: ComtradeQuery, client: Client, access: Access, window: Window) -> ProviderData:
    """The reporter's trade in US dollars. Raises the errors of sources.errors."""
    limits = KEYED if access.key else PREVIEW
    wanted = foreign_codes(query.partners, "comtrade", where=access.address)
    months = [month.replace("-", "") for month in window.months]
    rows: list[dict[str, Any]] = []
    for start in range(0, len(months), limits.periods):
        part = Part(months[start : start + limits.periods], query.flows, query.sectors, wanted)
        for answer in _answers(part, query.reporter, client, access, limits):
            rows += _records(answer)
    return ProviderData(_frame(rows, query, access.address), "USD")


def _answers(part: Part, reporter: int, client: Client, access: Access, limits: Limits) -> Iterator[ProviderResponse]:
    """The responses to a request, split until each is below the record limit."""
    params = {
        "reporterCode": str(reporter),
        "period": ",".join(part.periods),
        "flowCode": ",".join(part.flows),
        "cmdCode": ",".join(part.sectors),
        **({"partnerCode": ",".join(part.partners)} if part.partners else {}),
        **TOTALS,
        "maxRecords": str(limits.records),
    }
    keys = {KEY_HEADER: access.key} if access.key else None
    answer = client.get(f"{access.address}/{limits.path}", params, secret_headers=keys)
    if answer is None:
        return
    if len(_records(answer)) < limits.records:
        yield answer
        return
    halves = part.halves()
    if halves is None:
        raise CapReached(answer.where, limits.records)
    for half in halves:
        yield from _answers(half, reporter, client, access, limits)


def _records(answer: ProviderResponse) -> list[dict[str, Any]]:
    body = answer.json()
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        found = f"keys {sorted(body)}" if isinstance(body, dict) else type(body).__name__
        raise ChangedShape(answer.where, expected="an object with a list `data`", found=found)
    if body.get("error"):
        raise ChangedShape(answer.where, expected="no error", found=str(body["error"])[:160])
    records: list[dict[str, Any]] = body["data"]
    for number, record in enumerate(records, start=1):
        missing = [name for name in FIELDS if name not in record]
        if missing:
            raise ChangedShape(answer.where, expected=", ".join(missing), found=f"record {number} without")
    return records


def _frame(rows: list[dict[str, Any]], query: ComtradeQuery, where: str) -> pd.DataFrame:
    raw = pd.DataFrame(rows, columns=list(FIELDS)).astype(dict.fromkeys(FIELDS[:-1], str))
    whole = raw[raw["partner2Code"] == "0"]
    if not whole["period"].str.fullmatch(r"[0-9]{6}").all():
        raise ChangedShape(where, expected="months as YYYYMM", found=str(whole["period"].iloc[0]))
    frame = pd.DataFrame(
        {
            "month": whole["period"].str[:4] + "-" + whole["period"].str[4:],
            "flow": whole["flowCode"],
            "partner": partners(whole["partnerCode"], "comtrade", where=where, own=query.codes),
            "sector": whole["cmdCode"],
            "value": whole["primaryValue"],
        }
    )
    return frame[frame["partner"] != ""].reset_index(drop=True)
