"""The panel: monthly series on common months, validated once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.data.months import MONTH
from forecasting.errors import (
    BadCutoff,
    DuplicateMonths,
    EmptyPanel,
    GapInSeries,
    MissingColumns,
    NotFinite,
)
from forecasting.types import FloatArray


@dataclass(frozen=True)
class Panel:
    """Monthly series: `values` has shape (series, months), NaN before a series' first and after its last month.

    `imputed` has the same shape: True where a value was not published as such, so that it is used in estimation but not
    in scores. `months` are consecutive (`datetime64[M]`). `keys` has one row a series, in the order of `unique_ids`:
    columns flow, partner, sector and whole (the partner it is part of) where they are known.
    """

    unique_ids: tuple[str, ...]
    months: NDArray[np.datetime64]
    values: FloatArray
    imputed: NDArray[np.bool_]
    keys: pd.DataFrame

    @classmethod
    def from_long(cls, frame: pd.DataFrame) -> "Panel":
        """Read a long frame `unique_id, ds, y`, optionally with `flow`, `partner`, `sector` and `imputed`.

        Raises:
            MissingColumns, EmptyPanel, NotFinite, DuplicateMonths, GapInSeries: the first error found.
        """
        missing = [column for column in ("unique_id", "ds", "y") if column not in frame.columns]
        if missing:
            raise MissingColumns(missing)
        if frame.empty:
            raise EmptyPanel
        ids, codes = np.unique(frame["unique_id"].astype(str).to_numpy(dtype=str), return_inverse=True)
        ds = frame["ds"].to_numpy().astype(MONTH)
        y = frame["y"].to_numpy(dtype=np.float64)
        _refuse_not_finite(ids[codes], ds, y)
        months = np.arange(ds.min(), ds.max() + 1)
        positions = (ds - months[0]).astype(int)
        _refuse_duplicates(ids, codes, months, positions)
        values = np.full((len(ids), len(months)), np.nan)
        values[codes, positions] = y
        _refuse_gaps(ids, months, values)
        imputed = np.zeros(values.shape, dtype=bool)
        if "imputed" in frame:
            imputed[codes, positions] = frame["imputed"].to_numpy(dtype=bool)
        return cls(tuple(ids.tolist()), months, values, imputed, _keys(frame, codes, len(ids)))

    @property
    def partners(self) -> tuple[str, ...]:
        """The partner of each series, empty where the panel has none."""
        return tuple(self.keys["partner"].astype(str)) if "partner" in self.keys else ("",) * len(self.unique_ids)

    @property
    def cutoff(self) -> np.datetime64:
        """The last month of the panel."""
        last: np.datetime64 = self.months[-1]
        return last

    @property
    def first_published(self) -> int:
        """The position of the first month in which a value is published, not imputed."""
        published = np.isfinite(self.values) & ~self.imputed
        return int(published.any(axis=0).argmax())

    def position(self, month: np.datetime64) -> int:
        """The position of a month in `months`.

        Raises:
            BadCutoff: the month is outside the panel.
        """
        position = int((month.astype(MONTH) - self.months[0]).astype(int))
        if not 0 <= position < len(self.months):
            raise BadCutoff(str(month), str(self.months[0]), str(self.months[-1]))
        return position

    def until(self, cutoff: np.datetime64) -> "Panel":
        """The panel with `cutoff` as its last month, without series that had not begun.

        Raises:
            BadCutoff: the month is outside the panel.
        """
        values = self.values[:, : self.position(cutoff) + 1]
        begun = np.flatnonzero(np.isfinite(values).any(axis=1))
        ids = tuple(self.unique_ids[row] for row in begun)
        keys = self.keys.iloc[begun].reset_index(drop=True)
        width = values.shape[1]
        return Panel(ids, self.months[:width], values[begun], self.imputed[begun, :width], keys)

    def ahead(self, positions: Sequence[int], horizon: int) -> FloatArray:
        """Actual values after each cutoff position, shape (series, cutoffs, horizon); NaN where not known."""
        return _windows(self.values, positions, horizon)

    def published_ahead(self, positions: Sequence[int], horizon: int) -> FloatArray:
        """As `ahead`, but NaN also where a value is imputed: the actuals that months are scored against."""
        return _windows(np.where(self.imputed, np.nan, self.values), positions, horizon)


def _windows(values: FloatArray, positions: Sequence[int], horizon: int) -> FloatArray:
    padded = np.pad(values, ((0, 0), (0, horizon)), constant_values=np.nan)
    steps = np.asarray(positions)[:, None] + 1 + np.arange(horizon)
    return padded[:, steps]


def _refuse_not_finite(ids: NDArray[np.str_], ds: NDArray[np.datetime64], y: FloatArray) -> None:
    bad = np.flatnonzero(~np.isfinite(y))
    if len(bad):
        raise NotFinite(str(ids[bad[0]]), str(ds[bad[0]]), float(y[bad[0]]))


def _refuse_duplicates(
    ids: NDArray[np.str_],
    codes: NDArray[np.int64],
    months: NDArray[np.datetime64],
    positions: NDArray[np.int64],
) -> None:
    cells, counts = np.unique(codes * len(months) + positions, return_counts=True)
    repeated = cells[counts > 1]
    if len(repeated):
        series, position = divmod(int(repeated[0]), len(months))
        raise DuplicateMonths(str(ids[series]), str(months[position]))


def _refuse_gaps(ids: NDArray[np.str_], months: NDArray[np.datetime64], values: FloatArray) -> None:
    known = np.isfinite(values)
    begun = np.maximum.accumulate(known, axis=1)
    continues = np.maximum.accumulate(known[:, ::-1], axis=1)[:, ::-1]
    gaps = np.argwhere(begun & continues & ~known)
    if len(gaps):
        series, position = gaps[0]
        raise GapInSeries(str(ids[series]), str(months[position]))


def _keys(frame: pd.DataFrame, codes: NDArray[np.int64], count: int) -> pd.DataFrame:
    columns = [column for column in ("flow", "partner", "sector", "whole") if column in frame.columns]
    rows = np.empty(count, dtype=int)
    rows[codes] = np.arange(len(frame))
    return frame[columns].iloc[rows].reset_index(drop=True)
