"""Scores on their way into the database."""

import numpy as np
import pytest
from sqlmodel import Session

from store.queries.score_arrays import MOST_FORECASTS, MetricScores, write_scores


def test_a_count_that_the_table_cannot_hold_is_refused():
    n = np.full((1, 1, 2), MOST_FORECASTS + 1, dtype=np.int32)
    scores = MetricScores("naive", "month", "mae", [0.0], np.ones((1, 1, 2)), n)
    with pytest.raises(ValueError, match="32768 forecasts: the table holds up to 32767"):
        write_scores(Session(), 1, series_ids=np.array([1]), scores=[scores])
