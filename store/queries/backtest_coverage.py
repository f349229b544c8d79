"""How a run's intervals did on the folds: coverage pooled over series, and histograms of the PIT."""

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from store.queries.backtests import SCORES_BY_STEP

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
    parameters = {"run": run_id, "series": list(series_ids), "kind": kind, "forecaster": forecaster}
    return [CoverageRow(*row) for row in session.execute(_COVERAGE, parameters)]


class PitBin(NamedTuple):
    """How many actuals fell where the forecast had put a tenth of its draws; `edge` is the lower one, in per cent."""

    edge: float
    n: int


def pit_histogram(
    session: Session, run_id: int, series_ids: Sequence[int], *, kind: str, forecaster: str
) -> list[PitBin]:
    """Bins that hold an actual, over all steps of some series, ascending."""
    parameters = {"run": run_id, "series": list(series_ids), "kind": kind, "forecaster": forecaster}
    return [PitBin(*row) for row in session.execute(_PIT, parameters)]


_COVERAGE = sa.text(f"""
    SELECT level, step, sum(value * n) / sum(n), sum(n), count(*)
    FROM {SCORES_BY_STEP} s
    WHERE run_id = :run AND series_id = ANY(:series) AND forecaster = :forecaster AND kind = :kind
      AND metric = 'coverage'
    GROUP BY level, step
    ORDER BY level, step
""")

_PIT = sa.text(f"""
    SELECT level, sum(n)
    FROM {SCORES_BY_STEP} s
    WHERE run_id = :run AND series_id = ANY(:series) AND forecaster = :forecaster AND kind = :kind
      AND metric = 'pit' AND step = 0
    GROUP BY level
    ORDER BY level
""")
