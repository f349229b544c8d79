"""Ember: China's exports of solar, batteries and electric vehicles by destination, in US dollars.

Documents: "China Cleantech Export Data" (https://ember-energy.org/data/china-cleantech-export-data/) and "China solar
exports data" (https://ember-energy.org/data/china-solar-exports-data/); CC BY 4.0, from China Customs. Each is one CSV
with all months; a month without trade has no row. In the solar release, panels include cells until 2021, so
that cells, panels and wafers form one sector.
"""

from typing import Literal

import pandas as pd
from pydantic import Field, model_validator

from sources.client import Client
from sources.provider import Access, ProviderData, Query, Window
from sources.providers import table
from sources.providers.table import TableQuery

ADDRESS = "https://files.ember-energy.org"
CLEANTECH = "/public-downloads/customs/outputs/clean_tech_exports_full_release_monthly.csv"
COLUMNS = {"month": "Date", "partner": "Area", "value": "Amount (USD)"}
CATEGORY = "Commodity category"
REGIONS = (
    *("ASEAN", "Africa", "Asia", "EU", "Europe", "G20", "G7", "Latin America and Caribbean", "Middle East"),
    *("North America", "OECD", "Oceania"),
)


class EmberQuery(Query):
    """Query: the clean-technology release, where `sectors` maps categories to codes, or the solar release, as SOLAR.

    `location` is a URL or a path, required for solar. `partners` selects destinations; `codes` translates names of
    destinations that the table lacks; empty for no partner.
    """

    release: Literal["cleantech", "solar"] = "cleantech"
    location: str | None = None
    sectors: dict[str, str] = Field(default={"Batteries": "BATTERIES", "EVs": "EV", "Solar PV": "SOLAR"}, min_length=1)
    partners: tuple[str, ...] = ()
    codes: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _solar_is_somewhere(self) -> "EmberQuery":
        if self.release == "solar" and self.location is None:
            raise ValueError("location has to say where the solar release is: an address or a path")
        return self


def figures(query: EmberQuery, client: Client, access: Access, window: Window) -> ProviderData:
    """Observations of the release in US dollars. Raises the errors of sources.errors."""
    location = query.location or access.address + CLEANTECH
    found = table.figures(_as_table(query, location), client, access, window)
    chosen: pd.Series[bool] = found.frame["partner"].isin(query.partners or found.frame["partner"])
    return ProviderData(found.frame[chosen].reset_index(drop=True), found.currency)


def _as_table(query: EmberQuery, location: str) -> TableQuery:
    by_category = query.release == "cleantech"
    return TableQuery.model_validate(
        {
            "location": location,
            "form": "csv",
            "columns": {**COLUMNS, "sector": CATEGORY} if by_category else COLUMNS,
            "constant": {"flow": "X"} if by_category else {"flow": "X", "sector": "SOLAR"},
            "month_format": "%Y-%m-%d",
            "currency": "USD",
            "scheme": "name",
            # Regions repeat countries that are listed as well; only the world is kept.
            "partners": dict.fromkeys(REGIONS, "") | {"World": "WLD"} | query.codes,
            "sectors": query.sectors if by_category else {},
            "where": {CATEGORY: list(query.sectors)} if by_category else {},
            "add_up": True,
        }
    )
