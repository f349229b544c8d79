"""Translation of country codes of providers."""

from collections.abc import Collection, Mapping
from typing import Literal

import pandas as pd

from sources import bundled
from sources.errors import UnknownCode
from sources.partner_names import partner_names

Scheme = Literal["iso2", "iso3", "comtrade", "census", "name"]
"""ISO 3166-1 alpha-2 and alpha-3 as statistical offices use them; M49 as UN Comtrade does; Schedule C of the US Census
Bureau; English names."""


def partners(
    codes: "pd.Series[str]", scheme: Scheme, *, where: str, own: Mapping[str, str] | None = None
) -> "pd.Series[str]":
    """The partner of each code; empty for codes that are no country ("areas not elsewhere specified").

    `own` takes precedence over the table; names are recognised in capitals and other word orders too. Raises
    UnknownCode.
    """
    table = bundled.codes("foreign")
    table = table[table["scheme"] == scheme]
    known: dict[str, str] = {**dict(zip(table["code"], table["partner"], strict=True)), **(own or {})}
    missing = set(codes) - set(known)
    if scheme == "name":
        known |= {text: found for text in missing if (found := partner_names().find(text)) is not None}
    unknown = sorted(missing - set(known))
    if unknown:
        raise UnknownCode(where, f"partner ({scheme})", unknown)
    return codes.map(known)


def foreign_codes(wanted: Collection[str], scheme: Scheme, *, where: str) -> list[str]:
    """The provider's codes of the requested partners, in their order. Raises UnknownCode."""
    table = bundled.codes("foreign")
    codes = table[table["scheme"] == scheme].set_index("partner")["code"].to_dict()
    missing = [partner for partner in wanted if partner not in codes]
    if missing:
        raise UnknownCode(where, f"partner (no {scheme} code)", missing)
    return [codes[partner] for partner in wanted]
