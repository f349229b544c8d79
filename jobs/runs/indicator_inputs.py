"""The indicators that a run may use: as known on its day, with the series they may inform."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from sqlmodel import Session

from forecasting.data.indicators import DAY, Indicator, IndicatorPanel
from forecasting.data.months import MONTH
from forecasting.data.panel import Panel
from store.models.indicators import ANY
from store.queries import indicators
from store.queries.indicators import IndicatorRecord, IndicatorUseRecord


@dataclass(frozen=True)
class IndicatorInputs:
    """The indicators of a dataset as known on a day: `values` has every vintage, sorted by indicator, month and day."""

    as_of: date
    records: tuple[IndicatorRecord, ...]
    uses: tuple[IndicatorUseRecord, ...]
    values: pd.DataFrame

    def hash_into(self, data_hash: str, cutoff: pd.Timestamp) -> str:
        """The hash of a run's data with its indicators: as it was where none is known beyond the run's cutoff.

        A run after the release of its month is the same whatever indicators say of that month and those before.
        """
        if not (self.values["month"] > cutoff).any():
            return data_hash
        rows = pd.util.hash_pandas_object(self.values, index=False)
        return hashlib.sha256(data_hash.encode() + rows.to_numpy().tobytes()).hexdigest()

    def panel(self, panel: Panel) -> IndicatorPanel | None:
        """The indicators for the series of a panel; None where there are none."""
        found = [self._indicator(record) for record in self.records]
        known = tuple(indicator for indicator in found if len(indicator.values))
        if not known:
            return None
        informs = {uid: informing(self.uses, uid) for uid in panel.unique_ids}
        return IndicatorPanel(known, informs, np.datetime64(self.as_of), panel.cutoff)

    def _indicator(self, record: IndicatorRecord) -> Indicator:
        mine = self.values[self.values["indicator_id"] == record.id]
        return Indicator(
            id=record.id,
            kind="index" if record.kind == "index" else "amount",
            country=record.country,
            months=mine["month"].to_numpy().astype(MONTH),
            known_on=mine["known_on"].to_numpy().astype(DAY),
            values=mine["value"].to_numpy(dtype=np.float64),
        )


def load_indicators(session: Session, dataset: str, as_of: date) -> IndicatorInputs:
    """Values, known on a day, of the indicators that may inform a dataset."""
    uses = tuple(indicators.uses(session, dataset))
    codes = {use.indicator_id for use in uses}
    records = tuple(record for record in indicators.indicators(session) if record.id in codes)
    return IndicatorInputs(as_of, records, uses, indicators.known(session, dataset, as_of=as_of))


def informing(uses: Sequence[IndicatorUseRecord], unique_id: str) -> tuple[str, ...]:
    """The indicators that may inform a series, `DATASET.FLOW.PARTNER.SECTOR`."""
    key = unique_id.split(".", 3)[1:]
    matching = (use for use in uses if all(rule in (ANY, code) for rule, code in zip(use[1:], key, strict=True)))
    return tuple(dict.fromkeys(use.indicator_id for use in matching))
