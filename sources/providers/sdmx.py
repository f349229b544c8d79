"""SDMX agencies: IMF, Eurostat Comext, OECD and others; a dataset takes a few lines of a feed.

Documents: the SDMX 2.1 web services guidelines (https://github.com/sdmx-twg/sdmx-rest/tree/v1.5.0), the library sdmx1
(https://sdmx1.readthedocs.io), the IMF's IMTS (https://data.imf.org/en/datasets/IMF.STA:IMTS), Eurostat's Comext
(https://ec.europa.eu/eurostat/web/user-guides/data-browser/api-data-access/api-introduction), the OECD
(https://www.oecd.org/en/data/insights/data-explainers/2024/09/api.html). 404 means no data. sdmx1 supplies
the addresses of agencies and parses their messages; requests are sent by sources.client.
"""

import contextlib
import io
import re
from typing import Any, Literal

import pandas as pd
import sdmx
from lxml import etree
from pydantic import Field, model_validator

from sources.client import Client, ProviderResponse
from sources.errors import ChangedShape, Refused, UnknownCode, WrongUnit
from sources.partner_codes import Scheme, partners
from sources.provider import Access, ProviderData, Query, Window

ACCEPTED = "application/vnd.sdmx.genericdata+xml;version=2.1, application/xml;q=0.5"
MESSAGES = frozenset(f"{form}{kind}Data" for form in ("Generic", "StructureSpecific") for kind in ("", "TimeSeries"))
MONTH = re.compile(r"([0-9]{4})-M?([0-9]{2})")
STATUSES = dict.fromkeys("ABDUL", "A") | {"P": "P", "I": "I", "E": "I"}
"""OBS_STATUS (SDMX code list CL_OBS_STATUS) as it is kept: a break, another definition or low reliability is a normal
value; an estimate is imputed. A missing value has none."""
Place = Literal["flow", "partner", "sector"]


class SdmxQuery(Query):
    """Query: the series of an agency, and the meaning of its dimensions.

    `agency` is one of sdmx1's (`IMF_DATA`, `ESTAT_COMEXT`, `OECD` ...), or `address` is its URL. `dimensions`
    maps flow, partner and sector to dimensions; `constant` has the values of those without one. `flows`, `partners`
    and `sectors` translate codes; partners are otherwise ISO codes. Values are in `multiple` of the currency, times the
    power of ten in the attribute `scale`, if given; attributes must have the values in `expect`.
    """

    agency: str | None = None
    address: str | None = None
    resource: str = Field(min_length=1)
    key: str = Field(min_length=1)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    multiple: int = Field(default=1, ge=1)
    scale: str = "UNIT_MULT"
    expect: dict[str, str] = Field(default_factory=dict)
    dimensions: dict[Place, str]
    constant: dict[Place, str] = Field(default_factory=dict)
    scheme: Scheme = "iso3"
    flows: dict[str, Literal["X", "M"]] = Field(default_factory=dict)
    partners: dict[str, str] = Field(default_factory=dict)
    sectors: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_whole(self) -> "SdmxQuery":
        if self.address is None and self.agency not in sdmx.list_sources():
            raise ValueError(f"agency is one of {', '.join(sdmx.list_sources())}, or address says where it is")
        given = sorted([*self.dimensions, *self.constant])
        if given != ["flow", "partner", "sector"]:
            raise ValueError(f"dimensions and constant together say flow, partner and sector once each, not {given}")
        return self


def figures(query: SdmxQuery, client: Client, access: Access, window: Window) -> ProviderData:
    """The requested series. Raises the errors of sources.errors."""
    agency = "" if query.agency is None else sdmx.get_source(query.agency).url
    address = (query.address or access.address or agency or "").rstrip("/")
    params = {"startPeriod": window.months[0], "endPeriod": window.months[-1]}
    try:
        answer = client.get(f"{address}/data/{query.resource}/{query.key}", params, headers={"Accept": ACCEPTED})
    except Refused as error:
        if error.status != 404:
            raise
        answer = None
    empty = pd.DataFrame(columns=["month", "flow", "partner", "sector", "value", "status"])
    frame = empty if answer is None else _frame(_observations(answer), query, answer.where)
    return ProviderData(frame, query.currency)


def _observations(answer: ProviderResponse) -> pd.DataFrame:
    """Every observation with its dimensions and attributes, as text, and `value`. Raises ChangedShape."""
    _refuse_other_messages(answer)
    try:
        # The reader prints messages that it cannot parse.
        with contextlib.redirect_stdout(io.StringIO()):
            message: Any = sdmx.read_sdmx(io.BytesIO(answer.content), format="XML")
            parts = [sdmx.to_pandas(data, attributes="osgd") for data in message.data if len(data.obs)]
    except Exception as error:
        # Any failure of the reader means that it does not support the message.
        raise ChangedShape(
            answer.where, expected="an SDMX data message", found=f"{type(error).__name__}: {error}"
        ) from error
    frames = [pd.DataFrame(part).reset_index() for part in parts]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _refuse_other_messages(answer: ProviderResponse) -> None:
    """Raise ChangedShape unless this is a data message in well-formed XML."""
    expected = "an SDMX data message"
    try:
        root = etree.fromstring(
            answer.content, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        )
    except (etree.XMLSyntaxError, ValueError) as error:
        start = " ".join(answer.content[:80].decode("utf-8", "replace").split())
        raise ChangedShape(answer.where, expected=expected, found=f"no XML ({error}): {start}") from error
    name = etree.QName(root).localname
    if name not in MESSAGES:
        summary = " ".join(" ".join(str(text) for text in root.itertext()).split())[:160]
        raise ChangedShape(answer.where, expected=expected, found=f"<{name}>: {summary}")


def _frame(raw: pd.DataFrame, query: SdmxQuery, where: str) -> pd.DataFrame:
    columns = ["month", "flow", "partner", "sector", "value", "status"]
    if raw.empty:
        return pd.DataFrame(columns=columns)
    missing = sorted({"TIME_PERIOD", *query.dimensions.values(), *query.expect} - set(raw.columns))
    if missing:
        raise ChangedShape(
            where, expected=", ".join(missing), found=f"the dimensions {', '.join(map(str, raw.columns))}"
        )
    _refuse_another_unit(raw, query, where)
    raw = raw[raw["value"].notna()].reset_index(drop=True)
    frame = pd.DataFrame({"month": _months(raw["TIME_PERIOD"].astype(str), where)})
    for place, dimension in query.dimensions.items():
        frame[place] = _translated(place, raw[dimension].astype(str), query, where)
    frame = frame.assign(**query.constant)
    scale = pd.to_numeric(raw[query.scale]) if query.scale in raw else 0
    frame["value"] = raw["value"].astype(float) * query.multiple * 10.0**scale
    frame["status"] = _statuses(raw, where)
    return frame.loc[frame["partner"] != "", columns]


def _refuse_another_unit(raw: pd.DataFrame, query: SdmxQuery, where: str) -> None:
    for attribute, expected in query.expect.items():
        found = sorted(set(raw[attribute].astype(str)) - {expected})
        if found:
            raise WrongUnit(where, expected=f"{attribute} {expected}", found=", ".join(found))


def _months(periods: "pd.Series[str]", where: str) -> "pd.Series[str]":
    found = periods.str.extract(MONTH)
    odd = periods[~periods.str.fullmatch(MONTH)]
    if len(odd):
        raise ChangedShape(where, expected="months as 2026-03 or 2026-M03", found=repr(odd.iloc[0]))
    return found[0] + "-" + found[1]


def _translated(place: Place, codes: "pd.Series[str]", query: SdmxQuery, where: str) -> "pd.Series[str]":
    if place == "partner":
        return partners(codes, query.scheme, where=where, own=query.partners)
    own: dict[str, str] = {**query.flows} if place == "flow" else query.sectors
    known = own or ({"X": "X", "M": "M"} if place == "flow" else {code: code for code in codes})
    unknown = sorted(set(codes) - set(known))
    if unknown:
        raise UnknownCode(where, place, unknown)
    return codes.map(known)


def _statuses(raw: pd.DataFrame, where: str) -> "pd.Series[str]":
    if "OBS_STATUS" not in raw:
        return pd.Series("A", raw.index)
    given = raw["OBS_STATUS"].fillna("A").astype(str).str.upper().replace("", "A")
    unknown = sorted(set(given) - set(STATUSES))
    if unknown:
        raise UnknownCode(where, "OBS_STATUS", unknown)
    return given.map(STATUSES)
