"""Forecasts from outside: taken in whole or not at all, and scored beside ours on the same target and knowledge."""

from datetime import date

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sqlmodel import Session

from jobs.runs.external_scoring import ingest_external_forecasts, score_external_forecasts
from store.errors import UnknownDataset
from store.queries import external_forecasts, forecasts, observations
from store.queries.hubverse_format import COLUMNS
from tables import BadRows, UnreadableTable
from tests.integration.jobs.test_scoring import come, come_as_one, publish, track_all
from tests.support.scheduler_world import TODAY

POLL = ("poll", "2025-01-20", "X TOTAL", "0", "WLD", "2025-01-31")
HEADER = ",".join(COLUMNS)
BOTH = ("poll", "2025-01-20", "X TOTAL JF", "1", "WLD", "2025-02-28")


def row(*changes, of=POLL):
    """A line of a file: the forecast it belongs to, then output type, its id and a value."""
    return ",".join((*of, *map(str, changes)))


def ingest(engine, tmp_path, *rows, dataset="SMALL", header=HEADER):
    path = tmp_path / "outside.csv"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    with Session(engine) as session:
        appended = ingest_external_forecasts(session, path, dataset=dataset, today=TODAY, limit_bytes=100_000)
        session.commit()
    return appended


def comparisons(engine, **wanted):
    with Session(engine) as session:
        ids = list(observations.series_ids(session, "SMALL").values())
        return external_forecasts.page(session, ids, limit=100, **wanted).rows


def slow_wis(actual, quantiles):
    """Twice the mean quantile score, by a loop."""
    losses = [2 * (p - (actual < q)) * (actual - q) for p, q in quantiles.items()]
    return sum(losses) / len(losses)


def test_a_poll_is_scored_beside_the_run_that_knew_as_much(small, tmp_path):
    run_id = publish(small, date(2025, 1, 20))
    expected = {0.1: 20_000.0, 0.5: 23_000.0, 0.9: 29_000.0}
    ingest(small, tmp_path, *(row("quantile", p, value) for p, value in expected.items()))
    (waiting,) = comparisons(small)
    assert (waiting.run_id, waiting.first_wis) == (None, None)
    come(small, "2025-01", vintage="2025-02-09")
    track_all(small)
    (entry,) = comparisons(small, scored=True)
    assert (entry.run_id, entry.step, entry.point, entry.quantiles) == (run_id, 1, 23_000.0, 3)
    assert_allclose(entry.first_wis, slow_wis(entry.first_value, expected))
    with Session(small) as session:
        (draws,) = forecasts.paths(session, run_id, [entry.series_id])
    ours = dict(zip(expected, np.quantile(draws[:, 0].astype(float), list(expected)), strict=True))
    assert_allclose(entry.our_first_wis, slow_wis(entry.first_value, ours), rtol=1e-5)
    assert_allclose(entry.our_point, ours[0.5], rtol=1e-5)


def test_a_point_is_scored_by_its_absolute_error_and_ours_by_that_of_its_median(small, tmp_path):
    publish(small, date(2025, 1, 20))
    ingest(small, tmp_path, row("mean", "NA", 23_000))
    come(small, "2025-01", vintage="2025-02-09")
    track_all(small)
    (entry,) = comparisons(small)
    assert (entry.point, entry.quantiles) == (23_000.0, 0)
    assert_allclose(entry.first_wis, abs(entry.first_value - 23_000))
    assert_allclose(entry.our_first_wis, abs(entry.first_value - entry.our_point), rtol=1e-4)


def test_january_with_february_is_one_target(small, tmp_path):
    publish(small, date(2025, 1, 20))
    ingest(small, tmp_path, row("median", "", 45_000, of=BOTH))
    come_as_one(small, "2025-03-07")
    track_all(small)
    (entry,) = comparisons(small)
    assert (entry.month, entry.months, entry.step, entry.point) == (date(2025, 2, 1), 2, 2, 45_000.0)
    assert entry.our_first_wis > 0


def test_a_revision_moves_the_scores_on_the_latest_value(small, tmp_path):
    publish(small, date(2025, 1, 20))
    ingest(small, tmp_path, row("median", "", 23_000))
    come(small, "2025-01", vintage="2025-02-09")
    track_all(small)
    (before,) = comparisons(small)
    come(small, "2025-01", vintage="2025-03-09", factor=1.3)
    track_all(small)
    (after,) = comparisons(small)
    assert after.first_wis == before.first_wis
    assert_allclose(after.latest_wis, abs(after.latest_value - 23_000))
    with Session(small) as session:
        assert score_external_forecasts(session, "SMALL") == 0


def test_who_speaks_once_the_figure_is_known_is_not_scored(small, tmp_path):
    publish(small, date(2025, 1, 10))
    come(small, "2025-01", vintage="2025-02-09")
    with small.begin() as connection:
        connection.exec_driver_sql("UPDATE observation SET vintage = '2025-01-15' WHERE month = '2025-01-01'")
    track_all(small)
    ingest(small, tmp_path, row("median", "", 23_000))
    assert [entry.run_id for entry in comparisons(small)] == [None]


def test_of_several_runs_the_latest_that_knew_no_more_stands_beside_it(small, tmp_path):
    publish(small, date(2025, 1, 10))
    come(small, "2024-12", vintage="2025-01-16", factor=1.1)
    second = publish(small, date(2025, 1, 18))
    come(small, "2024-12", vintage="2025-01-25", factor=1.2)
    publish(small, date(2025, 1, 28))
    ingest(small, tmp_path, row("median", "", 23_000))
    come(small, "2025-01", vintage="2025-02-09")
    track_all(small)
    assert [entry.run_id for entry in comparisons(small)] == [second]


def test_models_are_compared_over_their_targets(small, tmp_path):
    publish(small, date(2025, 1, 20))
    near = ("ministry", *POLL[1:])
    ingest(small, tmp_path, row("median", "", 1.0), row("median", "", 1.0, of=BOTH), row("median", "", 2.0, of=near))
    come(small, "2025-01", vintage="2025-02-09")
    track_all(small)
    with Session(small) as session:
        ids = list(observations.series_ids(session, "SMALL").values())
        ministry, poll = external_forecasts.by_model(session, ids)
    assert (ministry.model_id, ministry.n, poll.model_id, poll.n) == ("ministry", 1, "poll", 1)
    assert [ministry.points, poll.points] == [1, 1]
    assert_allclose(np.diff(np.array([ministry.mae, poll.mae], dtype=float)), 1.0)
    assert poll.our_wis == ministry.our_wis
    assert (poll.better, poll.wis) == (0.0, poll.mae)


def test_absolute_errors_are_compared_where_both_gave_a_point(small, tmp_path):
    publish(small, date(2025, 1, 20))
    february = (*POLL[:3], "1", "WLD", "2025-02-28")
    ingest(small, tmp_path, row("median", "", 23_000), row("quantile", 0.9, 24_000, of=february))
    come(small, "2025-01", "2025-02", vintage="2025-03-09")
    track_all(small)
    (with_point,) = [entry for entry in comparisons(small) if entry.point is not None]
    with Session(small) as session:
        (poll,) = external_forecasts.by_model(session, list(observations.series_ids(session, "SMALL").values()))
    assert (poll.n, poll.points) == (2, 1)
    errors = [abs(with_point.first_value - point) for point in (with_point.point, with_point.our_point)]
    assert_allclose(np.array([poll.mae, poll.our_mae], dtype=float), errors)


def test_a_median_and_a_quantile_that_contradict_are_refused(small, tmp_path):
    both = row("median", "NA", 23_000), row("quantile", 0.5, 23_001)
    with pytest.raises(BadRows, match=r"row 3, value: contradicts the median, or the quantile 0.5, .*") as refused:
        ingest(small, tmp_path, *both)
    assert refused.value.total == 1
    assert ingest(small, tmp_path, both[0]) == (1, 0)
    with pytest.raises(BadRows, match="row 2, value: contradicts the median"):
        ingest(small, tmp_path, both[1])
    assert ingest(small, tmp_path, row("quantile", 0.5, 23_000), row("quantile", 0.9, 24_000)) == (2, 0)


def test_stored_statements_are_immutable(small, tmp_path):
    expected = row("median", "NA", 23_000)
    assert ingest(small, tmp_path, expected) == (1, 0)
    assert ingest(small, tmp_path, expected, row("mean", "NA", 24_000)) == (1, 1)
    with pytest.raises(BadRows, match="row 3, value: was stated with another value before"):
        ingest(small, tmp_path, row("quantile", 0.5, 23_000), row("mean", "NA", 24_001))
    assert ingest(small, tmp_path, row("quantile", 0.5, 23_000)) == (1, 0)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (row("median", "", 1, of=(*POLL[:2], "exports", *POLL[3:])), "target: is no flow and sector"),
        (row("median", "", 1, of=(*POLL[:2], "B TOTAL pc1", *POLL[3:])), "target: is no flow and sector"),
        (row("median", "", 1, of=(*POLL[:3], "2", *POLL[4:])), "horizon: is not the number of months"),
        (row("median", "", 1, of=(*POLL[:3], "soon", *POLL[4:])), "horizon: is no number of months"),
        (row("median", "", 1, of=(*POLL[:5], "2025-01-30")), "target_end_date: is no last day of a month"),
        (row("median", "", 1, of=(*POLL[:5], "31.1.2025")), "target_end_date: is no day"),
        (row("median", "", 1, of=(*BOTH[:3], "0", "WLD", "2025-01-31")), "January and February in one end"),
        (row("median", "", 1, of=("poll", "2025-01-21", *POLL[2:])), "reference_date: is in the future"),
        (row("median", "", 1, of=("a poll", *POLL[1:])), "model_id: is no code"),
        (row("median", "", 1, of=(*POLL[:4], "XYZ", POLL[5])), "location: with this target is no series of SMALL"),
        (row("cdf", "300", 0.5), "output_type: is not scored here"),
        (row("quantile", "1.0", 300), "output_type_id: is no probability"),
        (row("quantile", "", 300), "output_type_id: is no probability"),
        (row("mean", "0.5", 300), "output_type_id: is for quantiles"),
        (row("median", "", -1), "value: is negative"),
        (row("median", "", "many"), "value: is not a number"),
    ],
)
def test_a_fault_is_named_by_row_and_column_and_nothing_is_stored(small, tmp_path, line, reason):
    with pytest.raises(BadRows, match=f"row 3.*{reason}") as refused:
        ingest(small, tmp_path, row("mean", "", 23_000), line)
    assert refused.value.total == 1
    assert comparisons(small) == []


def test_quantiles_that_cross_and_statements_made_twice_are_refused(small, tmp_path):
    with pytest.raises(BadRows, match="row 2, value: is below the quantile of a lower probability"):
        ingest(small, tmp_path, row("quantile", 0.9, 20_000), row("quantile", 0.1, 21_000))
    with pytest.raises(BadRows, match="row 3, output_type_id: appears in an earlier row"):
        ingest(small, tmp_path, row("median", "", 20_000), row("median", "NA", 21_000))


def test_another_layout_or_dataset_is_named(small, tmp_path):
    with pytest.raises(UnreadableTable, match="lacks reference_date"):
        ingest(small, tmp_path, "poll,1", header="model_id,value")
    with pytest.raises(UnknownDataset):
        ingest(small, tmp_path, row("median", "", 1), dataset="NONE")
