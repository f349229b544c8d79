"""How a run's intervals did on the folds: coverage pooled over series, and histograms of the PIT."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sqlmodel import Session

from store.queries.score_arrays import read

PIT = "pit"
"""The metric whose rows are bins of a histogram rather than scores."""


class CoverageRow(NamedTuple):
    """Coverage of a level over a number of forecasts and series; step 0 pools all steps."""

    level: float
    step: int
    coverage: float
    n: int
    series: int


def pooled_coverage(
    session: Session, run_id: int, series_ids: Sequence[int], *, kind: str, forecaster: str
) -> list[CoverageRow]:
    """Coverage of a kind of period, every forecast counting once, by level and step."""
    found = read(session, run_id, series_ids, lambda entry: entry[:3] == (forecaster, kind, "coverage"))
    n, series = found.n.sum(axis=0), (found.n > 0).sum(axis=0)
    covered = np.where(found.n > 0, found.value * found.n, 0.0).sum(axis=0)
    return [
        CoverageRow(
            found.entries[place].level, int(step), *_pooled(covered[place, step], n[place, step], series[place, step])
        )
        for place, step in zip(*np.nonzero(n), strict=True)
    ]


def _pooled(covered: float, n: int, series: int) -> tuple[float, int, int]:
    return float(covered / n), int(n), int(series)


class PitBin(NamedTuple):
    """How many actuals fell where the forecast had put a tenth of its draws; `edge` is the lower one, in per cent."""

    edge: float
    n: int


def pit_histogram(
    session: Session, run_id: int, series_ids: Sequence[int], *, kind: str, forecaster: str
) -> list[PitBin]:
    """Bins that hold an actual, over all steps of some series, ascending."""
    found = read(session, run_id, series_ids, lambda entry: entry[:3] == (forecaster, kind, PIT), steps=slice(1))
    counts = found.n.sum(axis=(0, 2)).tolist()
    return [PitBin(entry.level, n) for entry, n in zip(found.entries, counts, strict=True) if n]
