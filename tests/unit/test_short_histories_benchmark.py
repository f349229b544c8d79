"""The windows that the benchmark of short histories cuts."""

import numpy as np

from benchmarks.development import synthetic
from benchmarks.short_histories import FOLDS, HORIZON, SERIES, WINDOWS, windows


def test_windows_have_complete_series_and_so_many_months_before_the_first_cutoff() -> None:
    whole = synthetic()
    found = windows(whole, 24)
    assert 2 <= len(found) <= WINDOWS
    for window in found:
        assert np.isfinite(window.panel.values).all()
        assert window.folds == list(range(24, 24 + FOLDS))
        assert len(window.panel.months) == 24 + FOLDS + HORIZON
        assert 1 <= len(window.panel.unique_ids) < 2 * SERIES
        first = whole.panel.months.tolist().index(window.panel.months[0])
        row = whole.panel.unique_ids.index(window.panel.unique_ids[0])
        np.testing.assert_array_equal(window.panel.values[0], whole.panel.values[row, first : first + 42])
    assert found[0].panel.months[-1] == whole.panel.months[-1]
