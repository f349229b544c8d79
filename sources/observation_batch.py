"""Batch of observations, the result of every source."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True)
class DatasetDefinition:
    """A dataset as its source describes it; fields as in `store.models.Dataset`."""

    id: str
    title: str
    reporter: str
    currency: str
    unit: str
    publisher: str
    licence: str
    citation: str
    release_day: int
    derives_rest: bool = False
    derives_total: bool = False
    allows_negative: bool = False
    borrows_history: str | None = None


@dataclass(frozen=True, slots=True)
class ObservationBatch:
    """Observations of a dataset as delivered by the source, not validated.

    `frame` is indexed by row number and has the columns month, flow, partner, sector, value (in the dataset's unit)
    and optionally vintage, months, status: the input of `tables.check_observations`. `backfilled` marks
    revised values that replace first prints, for all rows or by row number. Without a vintage, values of a batch
    in which any row is backfilled count as known from the day their month was due.
    """

    dataset: str
    frame: pd.DataFrame
    backfilled: "bool | pd.Series[bool]" = False

    @property
    def known_when_due(self) -> bool:
        """Whether values without a vintage count as known from the day their month was due."""
        return bool(np.any(self.backfilled))


@dataclass(frozen=True, slots=True)
class IndicatorDefinition:
    """An indicator as its source describes it; fields as in `store.models.indicators.Indicator`."""

    id: str
    title: str
    kind: str
    unit: str
    country: str
    publisher: str
    licence: str
    citation: str
    lag_days: int
