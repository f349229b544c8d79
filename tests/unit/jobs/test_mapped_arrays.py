"""Large arrays in a file without a name: the same results, no space left behind, memory where there is no disk."""

import errno
import gc
import os
import pickle
import signal
import subprocess
import sys
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from forecasting.config import ForecastConfig
from forecasting.large_arrays import empty_like, in_memory, moved
from forecasting.pipeline import forecast_panel
from jobs.runs.kept_fits import FitFolder
from jobs.runs.mapped_arrays import FIRST_BYTES, SMALLEST_SHARED, MappedArrays
from tests.support.panels import grid_panel

CONFIG = ForecastConfig(horizon=12, folds=6, burn_in=14, draws=100, forecasters=("naive", "seasonal_mean"))
KILLED = """
import os, signal, sys
from pathlib import Path
from jobs.runs.mapped_arrays import MappedArrays
MappedArrays(Path(sys.argv[1]))((1000,), float)[:] = 1
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_arrays_do_not_overlap_and_keep_their_values(tmp_path):
    new_array = MappedArrays(tmp_path)
    shapes = [(3,), (2, 5), (0, 4), (FIRST_BYTES // 4,), (1, 1, 1), (FIRST_BYTES,)]
    arrays = [new_array(shape, kind) for shape in shapes for kind in (np.float64, np.float32, np.int16)]
    for number, array in enumerate(arrays):
        array[...] = number
    for number, array in enumerate(arrays):
        assert_array_equal(array, number)
    assert {array.dtype for array in arrays} == {np.dtype(kind) for kind in (np.float64, np.float32, np.int16)}


def test_a_copy_keeps_the_order_of_memory(tmp_path):
    values = np.random.default_rng(1).normal(size=(4, 5, 6)).transpose(2, 0, 1)
    copy = moved(values, MappedArrays(tmp_path))
    assert_array_equal(copy, values)
    assert copy.strides == values.strides
    assert empty_like(values, MappedArrays(tmp_path)).strides == values.strides


def test_a_forecast_is_the_same_to_the_bit(tmp_path):
    panel = grid_panel(84)
    usual, mapped = (
        forecast_panel(panel, config=CONFIG, reporter="CHN", new_array=new_array)
        for new_array in (in_memory, MappedArrays(tmp_path))
    )
    assert mapped.backtest.scores.equals(usual.backtest.scores)
    assert large_arrays(mapped) == large_arrays(usual)


def large_arrays(made):
    """The bytes of the largest arrays of a forecast."""
    backtest = made.backtest
    arrays = [made.paths, made.quantiles, backtest.means, backtest.actual, backtest.quantiles["combination"]]
    return [array.tobytes() for array in (*arrays, *(track.quantiles for track in backtest.periods))]


def test_a_killed_process_leaves_no_file(tmp_path):
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


def test_arrays_are_in_memory_where_the_disk_is_full_or_no_file_can_be_written(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    array = MappedArrays(tmp_path)((2, 3), np.float32)
    array[...] = 1
    assert array.shape == (2, 3)
    assert FitFolder(tmp_path / "missing").new_arrays()((2,), np.float64).shape == (2,)
    with pytest.raises(OSError, match="missing"):
        MappedArrays(tmp_path / "missing")


def test_workers_map_the_file_instead_of_receiving_values(tmp_path):
    new_array = MappedArrays(tmp_path)
    whole = new_array((300, 40, 24), np.float64)
    whole[...] = np.random.default_rng(1).normal(size=whole.shape)
    views = [whole, whole[7:, 3:30], whole.transpose(2, 0, 1)[:, ::-2], whole[:1, :1]]
    for view in views:
        sent = bytes(ForkingPickler.dumps(view))
        found = ForkingPickler.loads(sent)
        assert_array_equal(found, view)
        assert found.strides == view.strides or view.nbytes < SMALLEST_SHARED
        assert len(sent) < 1000
    in_memory_only = whole.copy()
    assert len(ForkingPickler.dumps(in_memory_only)) > whole.nbytes
    # Another machine has no such file: the pickle of a cluster holds the values.
    assert len(pickle.dumps(whole)) > whole.nbytes


def test_an_array_in_the_file_can_be_read_as_long_as_it_exists(tmp_path):
    array = MappedArrays(tmp_path)((SMALLEST_SHARED,), np.uint8)
    array[...] = 7
    gc.collect()
    found = ForkingPickler.loads(ForkingPickler.dumps(array))
    assert (found == 7).all()
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 1
