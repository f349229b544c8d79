"""Interface of providers: a query and a window in, a frame with currency and unit out."""

from dataclasses import dataclass
from datetime import date

import pandas as pd
from pydantic import BaseModel, ConfigDict, SecretStr


class Query(BaseModel):
    """The query of a feed; its fields depend on the provider."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Window:
    """The requested months, both ends included: first days of months."""

    first: date
    last: date

    @property
    def months(self) -> list[str]:
        """Every month, as YYYY-MM."""
        return [str(month) for month in pd.period_range(self.first, self.last, freq="M")]


@dataclass(frozen=True, slots=True)
class Access:
    """Base URL and, if needed, key of a provider."""

    address: str
    key: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class ProviderData:
    """Observations of a provider: month (YYYY-MM), flow, partner, sector, value [, months, status, vintage].

    Values are in single units of the currency.
    """

    frame: pd.DataFrame
    currency: str
