"""Tracking: scores of published forecasts in real runs over a small dataset."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sqlmodel import Session

from forecasting.config import PROBABILITIES
from forecasting.evaluation.metrics import weighted_interval_score
from jobs.runs.forecast_run import run_forecast
from jobs.runs.scoring import config_for_next_run, narrowest_level, score_published
from store.errors import UnknownDataset
from store.queries import forecast_scores, forecasts, observation_writes, observations
from tables import check_observations
from tests.support.scheduler_world import QUICK, TickingClock, here

LATER = date(2025, 12, 31)
# One of its folds ends before a January.
CONFIG = replace(QUICK, folds=6, every=2)


def publish(engine, day, *, made_on=None):
    clock = TickingClock(made_on or day)
    outcome = run_forecast(dataset="SMALL", as_of=day, config=CONFIG, engine=engine, make_executor=here, clock=clock)
    assert outcome.status == "published"
    return outcome.run_id


def come(engine, *months, vintage, factor=1.05):
    """Figures of months for every series, on one day: those of a year earlier times `factor`."""
    parts = [like(engine, month, month=month, months="1") for month in months]
    append(engine, pd.concat(parts, ignore_index=True), vintage, factor)


def come_as_one(engine, vintage, *, factor=1.05):
    """January and February 2025 in one figure."""
    parts = [like(engine, month, month="2025-02", months="2") for month in ("2025-01", "2025-02")]
    keys = ["month", "months", "flow", "partner", "sector"]
    append(engine, pd.concat(parts).groupby(keys, as_index=False)["value"].sum(), vintage, factor)


def like(engine, year_on, **changes):
    """The observation of the month a year before `year_on`."""
    with Session(engine) as session:
        frame = observations.panel_frame(session, "SMALL", date(2025, 1, 20))
    year_ago = frame["ds"] == pd.Timestamp(year_on) - pd.DateOffset(years=1)
    columns = ["flow", "partner", "sector", "y"]
    return frame.loc[year_ago, columns].rename(columns={"y": "value"}).assign(**changes)


def append(engine, frame, vintage, factor):
    frame = frame.assign(value=frame["value"] * factor, vintage=vintage)
    with Session(engine) as session:
        clean = check_observations(frame, today=LATER)
        observation_writes.append(session, dataset="SMALL", frame=clean, vintage=date.fromisoformat(vintage))
        session.commit()


def track_all(engine):
    with Session(engine) as session:
        scored = score_published(session, "SMALL")
        session.commit()
    return scored


def rows_of(engine, **wanted):
    with Session(engine) as session:
        ids = observations.series_ids(session, "SMALL")
        return forecast_scores.page(session, [ids["SMALL.X.WLD.TOTAL"]], limit=100, **wanted).rows


def record_of(engine):
    with Session(engine) as session:
        ids = observations.series_ids(session, "SMALL")
        return forecast_scores.series_records(session, [ids["SMALL.X.WLD.TOTAL"]])


def test_nothing_has_come_yet(small):
    publish(small, date(2025, 1, 20))
    assert track_all(small) == 0
    assert rows_of(small) == []
    assert record_of(small) == []


def test_an_unknown_dataset_is_named(small):
    with Session(small) as session, pytest.raises(UnknownDataset):
        score_published(session, "NONE")


def test_observations_is_held_against_what_was_published(small):
    run_id = publish(small, date(2025, 1, 20))
    come(small, "2025-01", vintage="2025-02-09")
    assert track_all(small) > 0
    (row,) = rows_of(small)
    with Session(small) as session:
        (expected,) = forecasts.months(session, run_id, [row.series_id], horizon=1, probabilities=PROBABILITIES)
    assert (row.run_id, row.month, row.step, row.months) == (run_id, date(2025, 1, 1), 1, 1)
    assert (row.mean, row.median) == (expected.mean, expected.median)
    quantiles = np.array([expected.quantiles])
    assert row.first_level == pytest.approx(narrowest_level(np.array([row.first_value]), quantiles)[0], nan_ok=True)
    assert_allclose(row.first_wis, weighted_interval_score(np.array([row.first_value]), quantiles)[0])
    assert (row.live, row.rolling_n, row.drifts) == (True, 1, False)
    assert_allclose(row.rolling_mae, abs(row.first_value - row.mean))
    assert row.rolling_backtest_mae == row.backtest_mae > 0
    assert 0 <= row.backtest_coverage <= 1


def test_a_revision_moves_the_latest_value_and_leaves_the_first_print(small):
    publish(small, date(2025, 1, 20))
    come(small, "2025-01", vintage="2025-02-09")
    track_all(small)
    assert track_all(small) == 0
    (before,) = rows_of(small)
    come(small, "2025-01", vintage="2025-03-09", factor=1.2)
    assert track_all(small) > 0
    (after,) = rows_of(small)
    assert (after.first_value, after.first_vintage) == (before.first_value, date(2025, 2, 9))
    assert_allclose(after.latest_value / after.first_value, 1.2 / 1.05)
    assert after.latest_vintage == date(2025, 3, 9)
    assert after.first_wis == before.first_wis
    assert after.latest_wis != before.latest_wis


def test_january_and_february_in_one_figure_are_scored_as_their_sum(small):
    run_id = publish(small, date(2025, 1, 20))
    come_as_one(small, "2025-03-07")
    track_all(small)
    (row,) = rows_of(small)
    assert (row.month, row.months, row.step) == (date(2025, 2, 1), 2, 2)
    with Session(small) as session:
        (paths,) = forecasts.paths(session, run_id, [row.series_id])
    sums = paths[:, :2].sum(axis=1, dtype=float)
    assert_allclose(row.mean, sums.mean(), rtol=1e-6)
    assert_allclose(row.median, np.median(sums), rtol=1e-6)
    assert row.backtest_mae > 0


def test_months_published_apart_after_their_sum_are_scored_too_and_do_not_count_twice(small):
    publish(small, date(2025, 1, 20))
    come_as_one(small, "2025-03-07")
    track_all(small)
    come(small, "2025-01", "2025-02", vintage="2025-03-20", factor=1.1)
    track_all(small)
    january, february, both = sorted(rows_of(small), key=lambda row: (row.months, row.month))
    assert [january.rolling_n, february.rolling_n, both.rolling_n] == [None, None, 1]
    assert_allclose(both.latest_value, january.first_value + february.first_value)
    assert both.latest_vintage == date(2025, 3, 20)
    assert both.first_vintage == date(2025, 3, 7)
    (record,) = record_of(small)
    assert (record.n, record.month) == (1, date(2025, 2, 1))


def test_an_imputed_figure_is_no_outcome(small):
    publish(small, date(2025, 1, 20))
    come(small, "2025-01", vintage="2025-02-09")
    with small.begin() as connection:
        connection.exec_driver_sql("UPDATE observation SET status = 'I' WHERE month = '2025-01-01'")
    assert track_all(small) == 0


def months_that_come(engine, *, factor):
    """Four months, each forecast by a run of its own before it comes, `factor` times the year before."""
    days = [date(2025, month, 20) for month in range(1, 5)]
    for day in days:
        publish(engine, day)
        come(engine, f"2025-{day.month:02}", vintage=f"2025-{day.month + 1:02}-09", factor=factor)
        track_all(engine)


def test_a_series_that_misses_by_far_drifts_and_one_that_does_not_does_not(small):
    months_that_come(small, factor=2.5)
    (record,) = record_of(small)
    assert record.n == 4
    assert record.mae > 2 * record.backtest_mae
    assert record.drifts
    first_steps = rows_of(small, step=1)
    assert [row.rolling_n for row in first_steps] == [1, 2, 3, 4]
    assert [row.drifts for row in first_steps] == [False, False, False, True]
    assert rows_of(small, drifts=True) == [first_steps[-1]]


def test_a_series_that_comes_as_usual_does_not_drift(small):
    months_that_come(small, factor=1.0)
    (record,) = record_of(small)
    assert not record.drifts
    errors = [abs(row.first_value - row.mean) for row in rows_of(small, step=1)]
    assert_allclose(record.mae, np.mean(errors))
    inside = [row.first_level is not None and row.first_level <= 80 for row in rows_of(small, step=1)]
    assert_allclose(record.coverage, np.mean(inside))


def test_while_a_dataset_drifts_its_weights_are_learnt_afresh(small):
    assert config_for_next_run(small, "SMALL", CONFIG) == CONFIG
    months_that_come(small, factor=2.5)
    chosen = config_for_next_run(small, "SMALL", CONFIG)
    assert chosen == replace(CONFIG, recent=12)
    # Figures that are forecast already are forecast again, with the other configuration.
    first = publish(small, date(2025, 5, 20))
    again = run_forecast(
        dataset="SMALL",
        as_of=date(2025, 5, 20),
        config=chosen,
        engine=small,
        make_executor=here,
        clock=TickingClock(date(2025, 5, 20)),
    )
    assert (again.status, again.run_id != first) == ("published", True)


def test_a_few_series_of_many_do_not_change_the_selection(small, monkeypatch):
    months_that_come(small, factor=2.5)
    monkeypatch.setattr("jobs.runs.scoring.DRIFTING_SHARE", 1.0)
    assert config_for_next_run(small, "SMALL", CONFIG) == CONFIG


def test_a_run_made_after_the_figure_arrived_is_distinguished_and_counts_for_no_drift(small):
    come(small, "2025-01", vintage="2025-02-09")
    publish(small, date(2025, 1, 20), made_on=date(2025, 6, 1))
    # The run itself was scored when it was published.
    assert track_all(small) == 0
    (row,) = rows_of(small)
    assert not row.live
    assert row.rolling_n == 1
    assert rows_of(small, live=True) == []
    assert record_of(small) == []


def test_the_narrowest_interval_that_holds_it_is_named():
    quantiles = np.array([[-3.0, -2.5, -2.0, -1.0, 0.0, 1.0, 2.0, 2.5, 3.0]] * 5)
    found = narrowest_level(np.array([0.5, 1.5, -2.2, 2.9, 7.0]), quantiles)
    assert_allclose(found, [50.0, 80.0, 90.0, 95.0, np.nan])
