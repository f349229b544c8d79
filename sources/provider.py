"""What a provider is asked, and what it answers: a frame like any other, in a currency and a unit that it names."""

from dataclasses import dataclass
from datetime import date

import pandas as pd
from pydantic import BaseModel, ConfigDict, SecretStr


class Query(BaseModel):
    """What a feed asks of its provider; each provider has its own fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Window:
    """The months asked for, both ends included: first days of months."""

    first: date
    last: date

    @property
    def months(self) -> list[str]:
        """Every month, as YYYY-MM."""
        return [str(month) for month in pd.period_range(self.first, self.last, freq="M")]


@dataclass(frozen=True, slots=True)
class Access:
    """Where a provider is reached, and with which key if it takes one."""

    address: str
    key: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class ProviderData:
    """What a provider has: month (YYYY-MM), flow, partner, sector, value [, months, status, vintage].

    Values are in single units of the currency.
    """

    frame: pd.DataFrame
    currency: str
