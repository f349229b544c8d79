"""Fits kept on disk: found again to the bit, never those of other inputs, and removed in the end."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from forecasting.evaluation import fit_record
from forecasting.evaluation.fit_record import fingerprint
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.evaluation.series_fits import Failure, SeriesFit, SeriesTask
from forecasting.prophet_options import ProphetOptions
from jobs.runs.kept_fits import STALE_AFTER, FitFolder, KeptFits, fit_folder
from tests.support.panels import grid_panel

NOW = datetime(2025, 1, 20, tzinfo=UTC)
SHAPE = (3, 2, 4, 5)


def fit(row):
    means = np.random.default_rng(row).normal(size=SHAPE[1:])
    means[0, 0] = np.nan
    failures = (Failure(f"series {row}", "theta", "2024-12", "no luck"),)
    return SeriesFit(f"series {row}", means, failures, np.array([[0.1 + row, np.nan]]))


def kept(folder, rows):
    record = KeptFits(folder, SHAPE)
    for row in rows:
        record.add([row], [fit(row)])
    return record


def test_fits_are_found_again_to_the_bit(tmp_path):
    kept(tmp_path, [2, 0])
    found = KeptFits(tmp_path, SHAPE)
    assert found.missing == [1]
    for row in (0, 2):
        assert_array_equal(found.means[row], fit(row).means)
        assert_array_equal(found.sensitivities[f"series {row}"], fit(row).sensitivity)
    assert found.failures == [*fit(2).failures, *fit(0).failures]


def test_an_incomplete_last_line_costs_its_batch(tmp_path):
    kept(tmp_path, [0, 1])
    journal = tmp_path / "journal"
    journal.write_bytes(journal.read_bytes()[:-20])
    record = KeptFits(tmp_path, SHAPE)
    assert record.missing == [1, 2]
    record.add([1], [fit(1)])
    assert KeptFits(tmp_path, SHAPE).missing == [2]


def test_means_that_did_not_reach_the_disk_cost_their_batch(tmp_path):
    record = kept(tmp_path, [0, 1])
    record.means[1, 0, 1, 1] = 0.0
    found = KeptFits(tmp_path, SHAPE)
    assert found.missing == [1, 2]
    assert [failure.unique_id for failure in found.failures] == ["series 0"]


TASK = SeriesTask(
    "a",
    np.datetime64("2015-01"),
    np.arange(60.0),
    "CHN",
    (40, 50),
    3,
    ("naive", "theta"),
    {50: np.arange(51.0)},
    ProphetOptions(),
    {40: np.ones((63, 1))},
)


@pytest.mark.parametrize(
    "changes",
    [
        {"unique_id": "b"},
        {"start": np.datetime64("2015-02")},
        {"y": np.append(np.arange(59.0), 58.0)},
        {"reporter": "USA"},
        {"cutoffs": (40, 51)},
        {"horizon": 4},
        {"forecasters": ("theta", "naive")},
        {"vintage_values": {50: np.append(np.arange(50.0), 0.0)}},
        {"vintage_values": {40: np.arange(51.0)}},
        {"vintage_values": {}},
        {"prophet": ProphetOptions(log=False)},
        {"regressors": {40: np.zeros((63, 1))}},
        {"regressors": {40: np.ones((1, 63))}},
    ],
)
def test_every_input_of_a_fit_is_in_the_fingerprint(changes):
    assert fingerprint([TASK]) == fingerprint([replace(TASK, y=TASK.y.copy())])
    assert fingerprint([replace(TASK, **changes)]) != fingerprint([TASK])


def test_other_code_has_another_fingerprint(monkeypatch):
    before = fingerprint([TASK])
    monkeypatch.setattr(fit_record, "code_version", lambda: "0.0.1+other")
    assert fingerprint([TASK]) != before


def test_fits_of_another_fingerprint_are_removed(tmp_path):
    folder = FitFolder(tmp_path)
    folder.open_record("one", SHAPE).add([0], [fit(0)])
    assert folder.open_record("one", SHAPE).missing == [1, 2]
    assert folder.open_record("two", SHAPE).missing == [0, 1, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["two"]
    folder.remove()
    assert not list(tmp_path.iterdir())


def test_a_full_disk_costs_the_resumption_and_not_the_run(tmp_path, monkeypatch):
    def no_space(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with fit_folder(tmp_path, "SMALL", now=NOW) as folder:
        monkeypatch.setattr(os, "posix_fallocate", no_space)
        assert folder is not None
        record = folder.open_record("one", SHAPE)
    assert type(record) is fit_record.FitRecord
    record.add([0], [fit(0)])
    assert record.missing == [1, 2]


def test_without_a_folder_fits_stay_in_memory(tmp_path):
    (tmp_path / "file").touch()
    with fit_folder(tmp_path / "file" / "fits", "SMALL", now=NOW) as folder:
        assert folder is None


def test_a_folder_has_one_user(tmp_path):
    with (
        fit_folder(tmp_path, "SMALL", now=NOW) as mine,
        fit_folder(tmp_path, "SMALL", now=NOW) as same,
        fit_folder(tmp_path, "OTHER", now=NOW) as other,
    ):
        assert mine is not None
        assert same is None
        assert other is not None


def test_fits_that_nobody_resumed_are_removed_by_the_run_of_any_dataset(tmp_path):
    for dataset, age in (("OLD", STALE_AFTER + timedelta(hours=1)), ("NEW", STALE_AFTER - timedelta(hours=1))):
        kept(tmp_path / dataset / "one", [0])
        for path in (*(tmp_path / dataset / "one").iterdir(), tmp_path / dataset / "one"):
            os.utime(path, times=((NOW - age).timestamp(),) * 2)
    with fit_folder(tmp_path, "SMALL", now=NOW):
        assert [path.parent.name for path in tmp_path.glob("*/one")] == ["NEW"]


def test_a_panel_is_fitted_where_its_record_ends(tmp_path):
    panel = grid_panel(60)
    terms: dict[str, Any] = {"cutoffs": [40, 59], "horizon": 3, "reporter": "CHN", "forecasters": ["theta"]}
    plain = forecast_at_cutoffs(panel, **terms)

    def stop(_stage, done, _total):
        if done == 5:
            raise TimeoutError

    folder, reported = FitFolder(tmp_path), []
    with pytest.raises(TimeoutError):
        forecast_at_cutoffs(panel, **terms, open_record=folder.open_record, on_progress=stop)
    with ThreadPoolExecutor(2) as threads:
        resumed = forecast_at_cutoffs(
            panel,
            **terms,
            open_record=folder.open_record,
            executor=threads,
            on_progress=lambda *progress: reported.append(progress),
        )
    assert reported[0] == ("fit", 5, 12)
    assert len(reported) == 1 + 7
    assert resumed.means.tobytes() == plain.means.tobytes()
