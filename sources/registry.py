"""Registry of providers. A provider is a module with `figures` and a query, and an entry here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pydantic import SecretStr

from sources.client import Client, RequestPolicy
from sources.errors import UnknownProvider
from sources.provider import Access, ProviderData, Query, Window
from sources.providers import census, comtrade, ember, sdmx, table
from sources.providers.gacc import provider

DEFAULT_POLICY = RequestPolicy()


@dataclass(frozen=True, slots=True)
class Provider:
    """Name, default base URL, query and request function of a provider; a key is the setting of the provider's name."""

    title: str
    document: str
    address: str
    query: type[Query]
    figures: Callable[[Any, Client, Access, Window], ProviderData]
    takes_key: bool = False
    policy: RequestPolicy = DEFAULT_POLICY


PROVIDERS = {
    "comtrade": Provider(
        "UN Comtrade",
        "https://uncomtrade.org/docs/un-comtrade-api/",
        comtrade.ADDRESS,
        comtrade.ComtradeQuery,
        comtrade.figures,
        takes_key=True,
        policy=RequestPolicy(pause=1.5),
    ),
    "census": Provider(
        "US Census Bureau, international trade",
        "https://www.census.gov/data/developers/data-sets/international-trade.html",
        census.ADDRESS,
        census.CensusQuery,
        census.figures,
        takes_key=True,
    ),
    "gacc": Provider(
        "China Customs (GACC), release pages",
        provider.ADDRESS + provider.INDEX,
        provider.ADDRESS,
        provider.GaccQuery,
        provider.figures,
    ),
    "sdmx": Provider(
        "SDMX: IMF, Eurostat, OECD and others",
        "https://sdmx1.readthedocs.io",
        "",
        sdmx.SdmxQuery,
        sdmx.figures,
    ),
    "ember": Provider(
        "Ember, China's clean-technology exports",
        "https://ember-energy.org/data/china-cleantech-export-data/",
        ember.ADDRESS,
        ember.EmberQuery,
        ember.figures,
    ),
    "table": Provider("A table of your own, CSV, Parquet or XLSX", "", "", table.TableQuery, table.figures),
}


def access(addresses: Mapping[str, str], keys: Mapping[str, SecretStr | None]) -> dict[str, Access]:
    """Base URL and key of each provider. Raises UnknownProvider for the address of an unknown one."""
    for name in addresses:
        if name not in PROVIDERS:
            raise UnknownProvider(name, list(PROVIDERS))
    return {
        name: Access(addresses.get(name, provider.address).rstrip("/"), keys.get(name))
        for name, provider in PROVIDERS.items()
    }


def with_zeros(frame: pd.DataFrame, stored: pd.DataFrame) -> pd.DataFrame:
    """The frame with zeros for missing series in months that have values of other series.

    A series stored up to an earlier month (columns month, flow, partner, sector) gets zeros from there on.
    """
    keys = ["flow", "partner", "sector"]
    every = frame[keys].drop_duplicates().merge(frame[["month"]].drop_duplicates(), how="cross")
    last = stored.groupby(keys)["month"].max().reset_index().merge(frame[keys].drop_duplicates(), on=keys)
    since = [
        (*key, str(month))
        for *key, until in last.itertuples(index=False)
        for month in pd.period_range(pd.Period(until) + 1, pd.Period(frame["month"].min()) - 1, freq="M")
    ]
    every = pd.concat([every, pd.DataFrame(since, columns=[*keys, "month"])], ignore_index=True)
    return every.merge(frame, how="left", on=[*keys, "month"]).fillna({"value": 0.0})
