"""The own regressors that a run may use: as known on its day, with the series of each."""

import hashlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from sqlmodel import Session

from forecasting.data.indicators import DAY
from forecasting.data.months import MONTH
from forecasting.data.panel import Panel
from forecasting.data.regressors import Regressor, RegressorPanel
from jobs.runs.indicator_inputs import informing
from store.queries import regressors
from store.queries.indicators import IndicatorUseRecord
from store.queries.regressors import RegressorRecord


@dataclass(frozen=True)
class RegressorInputs:
    """The regressors of a dataset as known on a day: `values` has every vintage, sorted by regressor, month and day."""

    as_of: date
    records: tuple[RegressorRecord, ...]
    values: pd.DataFrame

    def hash_into(self, data_hash: str) -> str:
        """The hash of a run's data with its regressors."""
        if self.values.empty:
            return data_hash
        rows = pd.util.hash_pandas_object(self.values, index=False).to_numpy().tobytes()
        return hashlib.sha256(data_hash.encode() + str(self.records).encode() + rows).hexdigest()

    def panel(self, panel: Panel, *, release_day: int) -> RegressorPanel | None:
        """The regressors for the series of a panel; None where they inform none of them.

        Their day is that of the last release, which is due on the `release_day` of the next month, or of a later value,
        so that a later day without news gives the same forecast.
        """
        uses = [IndicatorUseRecord(record.id, record.flow, record.partner, record.sector) for record in self.records]
        informs = {uid: informing(uses, uid) for uid in panel.unique_ids}
        if self.values.empty or not any(informs.values()):
            return None
        columns = tuple(self._column(str(code), rows) for code, rows in self.values.groupby("regressor_id"))
        released = min((panel.cutoff + 1).astype(DAY) + (release_day - 1), np.datetime64(self.as_of, "D"))
        last = self.values["known_on"].max().to_datetime64().astype(DAY)
        return RegressorPanel(columns, informs, max(released, last), panel.cutoff)

    def _column(self, code: str, rows: pd.DataFrame) -> Regressor:
        return Regressor(
            id=code,
            months=rows["month"].to_numpy().astype(MONTH),
            known_on=rows["known_on"].to_numpy().astype(DAY),
            values=rows["value"].to_numpy(dtype=np.float64),
        )


def load_regressors(session: Session, dataset: str, as_of: date) -> RegressorInputs:
    """The regressors of a dataset with the values known on a day."""
    records = tuple(regressors.regressors(session, dataset))
    return RegressorInputs(as_of, records, regressors.known(session, dataset, as_of=as_of))
