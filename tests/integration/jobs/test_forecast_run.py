"""A forecast run: whole or not at all, once, and the same again."""

import os
import signal
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from numpy.testing import assert_allclose
from sqlmodel import Session

from forecasting.errors import EmptyPanel, ForecasterFailed
from forecasting.forecasters import FORECASTERS
from jobs.execution.executors import process_pool
from jobs.runs import forecast_run
from jobs.runs.data_hash import hash_panel
from jobs.runs.forecast_run import Outcome, run_forecast
from services.runs.run_requests import request_run
from store.errors import UnknownDataset
from store.queries import backtests, decompositions, forecasts, observations, releases, run_changes, run_status, runs
from tests.support.panels import gaps_of_sums, grid_panel
from tests.support.scheduler_world import QUICK, TODAY, TickingClock, add_small_dataset, here

WRITTEN = (
    "forecast",
    "forecast_quantile",
    "forecast_path",
    "forecast_weight",
    "backtest_forecast",
    "backtest_period",
    "score",
    "decomposition",
)


def run(engine, **changes):
    given: dict[str, Any] = {
        "dataset": "SMALL",
        "as_of": TODAY,
        "config": QUICK,
        "make_executor": here,
        "clock": TickingClock(changes.get("as_of", TODAY)),
    }
    return run_forecast(engine=engine, **(given | changes))


def rows_of(engine, table):
    with engine.connect() as connection:
        return connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one()


def statuses(engine):
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT status FROM run ORDER BY id")).scalars().all()


def latest(engine):
    with Session(engine) as session:
        found = runs.latest_published(session, "SMALL")
    assert found is not None
    return found.id


def revise(engine, vintage, *, factor):
    """A new vintage of the last month of one series: its first value times `factor`."""
    insert = sa.text(
        "INSERT INTO observation (series_id, month, vintage, value, months, status, backfilled) "
        "SELECT o.series_id, month, :vintage, value * :factor, 1, 'A', false "
        "FROM observation o JOIN series s ON s.id = o.series_id "
        "WHERE s.partner = 'DEU' AND s.sector = 'EV' AND month = '2024-12-01' ORDER BY vintage LIMIT 1"
    )
    with engine.begin() as connection:
        connection.execute(insert, {"vintage": vintage, "factor": factor})


def published_paths(engine, run_id):
    with Session(engine) as session:
        ids = observations.series_ids(session, "SMALL")
        return forecasts.paths(session, run_id, [ids[uid] for uid in sorted(ids)])


def test_publishes_every_series_with_a_backtest_behind_it(small):
    outcome = run(small)
    assert outcome.status == "published"
    with Session(small) as session:
        record = runs.find(session, outcome.run_id)
        coverage = forecasts.coverage(session, outcome.run_id)
        conditions = runs.conditional_coverage(session, outcome.run_id)
    assert (record.status, record.cutoff, record.as_of) == ("published", date(2024, 12, 1), TODAY)
    assert {row["condition"] for row in conditions} == {"volatility", "level", "lateness"}
    assert all(0 <= row["coverage"] <= 1 and row["n"] > 0 for row in conditions)
    assert record.done == record.total > 0
    assert len(coverage.series) == 12
    assert rows_of(small, "forecast") == 12 * 6
    assert rows_of(small, "forecast_quantile, unnest(values) AS value") == 12 * 6 * 9
    # Three forecasters and the combination, on three folds and the run's own cutoff.
    assert rows_of(small, "backtest_forecast, json_array_elements(forecasters) AS forecaster") == 12 * 4
    assert rows_of(small, "backtest_forecast, unnest(cutoffs) AS cutoff") == 12 * 4
    # Three folds three months apart: a quarter and the year's end each; January and February are never both ahead.
    assert rows_of(small, "backtest_period, unnest(cutoffs) AS cutoff") > 12 * 3
    # One series has zeros to its end.
    assert rows_of(small, "decomposition") == 11 * 4


def test_a_january_released_with_its_february_is_no_fold(small):
    together = date(2024, 3, 7)
    with Session(small) as session:
        releases.record(session, "SMALL", {date(2024, 1, 1): together, date(2024, 2, 1): together})
        session.commit()
    run(small, config=replace(QUICK, every=1, folds=12, forecasters=("naive", "seasonal_naive")))
    with small.connect() as connection:
        cutoffs = set(connection.execute(sa.text("SELECT DISTINCT unnest(cutoffs) FROM backtest_forecast")).scalars())
    assert {date(2023, 12, 1), date(2024, 2, 1)} <= cutoffs
    assert date(2024, 1, 1) not in cutoffs


def test_stored_quantiles_are_those_of_the_stored_paths(small):
    run_id = run(small).run_id
    paths = published_paths(small, run_id)
    with Session(small) as session:
        ids = observations.series_ids(session, "SMALL")
        rows = list(forecasts.months(session, run_id, [min(ids.values())], horizon=6, probabilities=[0.1, 0.5, 0.9]))
    first = min(ids, key=lambda uid: ids[uid])
    own = paths[sorted(ids).index(first)]
    assert_allclose([row.quantiles for row in rows], np.quantile(own, [0.1, 0.5, 0.9], axis=0).T, rtol=2e-5)


def test_components_are_stored_of_what_the_run_saw(small):
    panel = grid_panel(72)
    run_id = run(small).run_id
    with Session(small) as session:
        ids = observations.series_ids(session, "SMALL")
        found = decompositions.of_series(session, run_id, list(ids.values()))
    apart = found[ids["SMALL.X.DEU.EV"]]
    trend, season, calendar = (np.array(apart.values[name]) for name in ("trend", "season", "calendar"))
    rest = np.array(apart.values["rest"], dtype=float)
    assert (apart.start, len(trend)) == (date(2019, 1, 1), 72 + 6)
    assert np.isfinite(rest).sum() == 72
    seen = panel.values[panel.unique_ids.index("T.X.DEU.EV")]
    assert_allclose((trend * (1 + season) * (1 + calendar) * (1 + rest))[:72], seen, rtol=1e-5)


def test_every_draw_adds_up(own_engine):
    panel = add_small_dataset(own_engine)
    paths = published_paths(own_engine, run(own_engine).run_id)
    assert paths.min() >= 0
    assert gaps_of_sums(panel, paths.astype(np.float64)) < 1e-4 * paths.max()


def test_a_second_run_on_the_same_figures_changes_nothing(small):
    first = run(small)
    again = run(small, as_of=date(2025, 1, 25))
    assert again == Outcome("unchanged", first.run_id)
    assert statuses(small) == ["published"]


def test_a_queued_run_on_the_same_figures_ends_as_unchanged(small):
    first = run(small)
    with Session(small) as session:
        queued = request_run(session, dataset="SMALL", as_of=TODAY, config=QUICK, now=TickingClock()())
        session.commit()
    assert run(small, run_id=queued) == Outcome("unchanged", first.run_id)
    assert statuses(small) == ["published", "unchanged"]


def test_another_configuration_makes_another_run(small):
    run(small)
    assert run(small, config=replace(QUICK, horizon=3)).status == "published"
    assert statuses(small) == ["published", "published"]


def test_a_figure_corrected_back_takes_the_place_of_the_error(small):
    first = run(small)
    revise(small, date(2025, 1, 22), factor=10)
    wrong = run(small, as_of=date(2025, 1, 22))
    revise(small, date(2025, 1, 23), factor=1)
    right = run(small, as_of=date(2025, 1, 23))
    assert (wrong.status, right.status) == ("published", "published")
    assert_allclose(published_paths(small, right.run_id), published_paths(small, first.run_id))
    assert latest(small) == right.run_id
    assert run(small, as_of=date(2025, 1, 24)) == Outcome("unchanged", right.run_id)


def test_a_configuration_that_is_taken_back_is_no_longer_the_latest(small):
    run(small)
    run(small, config=replace(QUICK, horizon=3))
    again = run(small)
    assert again.status == "published"
    assert latest(small) == again.run_id
    with Session(small) as session:
        assert runs.find(session, again.run_id).horizon == QUICK.horizon


def test_a_run_carried_out_late_is_the_latest_of_its_day(small):
    clock = TickingClock()
    with Session(small) as session:
        queued = request_run(session, dataset="SMALL", as_of=TODAY, config=QUICK, now=clock())
        session.commit()
    shorter = run(small, config=replace(QUICK, horizon=3), clock=clock)
    assert run(small, run_id=queued, clock=clock) == Outcome("published", queued)
    assert shorter.run_id > queued
    assert latest(small) == queued
    with Session(small) as session:
        assert run_changes.latest_against(session, queued) == shorter.run_id


def test_what_was_known_on_a_day_can_be_forecast_later_and_is_the_same_again(small):
    with Session(small) as session:
        ids = observations.series_ids(session, "SMALL")
        before = observations.panel_frame(session, "SMALL", TODAY)
        session.execute(
            sa.text(
                "INSERT INTO observation (series_id, month, vintage, value, months, status, backfilled) "
                "VALUES (:series, '2024-12-01', '2025-03-01', 1.5, 1, 'A', false)"
            ),
            {"series": ids["SMALL.X.DEU.EV"]},
        )
        session.commit()
        assert hash_panel(observations.panel_frame(session, "SMALL", TODAY)) == hash_panel(before)
        assert hash_panel(observations.panel_frame(session, "SMALL", date(2025, 3, 1))) != hash_panel(before)
    first = run(small)
    other = run(small, as_of=date(2025, 3, 1))
    assert other.status == "published"
    assert other.run_id != first.run_id
    assert run(small) == Outcome("unchanged", first.run_id)


def test_the_hash_does_not_depend_on_the_order_of_rows():
    frame = pd.DataFrame({"unique_id": ["a", "b"], "ds": pd.to_datetime(["2024-01-01"] * 2), "y": [1.0, 2.0]})
    assert hash_panel(frame) == hash_panel(frame[::-1])
    assert hash_panel(frame) != hash_panel(frame.assign(y=[1.0, 2.5]))


def test_two_runs_at_once_publish_one(small):
    started, outcomes = threading.Barrier(2), []

    def run_once():
        started.wait()
        outcomes.append(run(small).status)

    threads = [threading.Thread(target=run_once) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "published" in outcomes
    assert set(outcomes) <= {"published", "busy", "unchanged"}
    assert statuses(small).count("published") == 1


def test_a_run_that_breaks_leaves_nothing_but_its_reason(small, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(backtests, "write", broken)
    with pytest.raises(RuntimeError, match="disk is full"):
        run(small)
    assert statuses(small) == ["failed"]
    assert [rows_of(small, table) for table in WRITTEN] == [0] * len(WRITTEN)
    with Session(small) as session:
        assert runs.page(session, limit=1).rows[0].failures == [{"reason": "RuntimeError: the disk is full"}]
    monkeypatch.undo()
    assert run(small).status == "published"


def test_a_run_whose_process_died_is_distinguished_and_the_next_completes(small):
    with Session(small) as session:
        orphan = request_run(session, dataset="SMALL", as_of=TODAY, config=QUICK, now=TickingClock()())
        run_status.start(session, orphan, cutoff=TODAY.replace(day=1), data_hash="0" * 64, started_at=TickingClock()())
        session.commit()
    assert run(small).status == "published"
    assert statuses(small) == ["failed", "published"]


def test_a_crash_after_publication_is_followed_up_once_by_the_next_run(small, monkeypatch):
    first = run(small)
    revise(small, date(2025, 1, 22), factor=1.2)

    def killed(*_args, **_kwargs):
        raise SystemExit("killed between publication and follow-up")

    monkeypatch.setattr(forecast_run, "update_stored_scenarios", killed)
    with pytest.raises(SystemExit):
        run(small, as_of=date(2025, 1, 22))
    assert (latest(small), statuses(small)) == (first.run_id + 1, ["published", "published"])
    assert rows_of(small, "forecast_change") == 0
    monkeypatch.undo()
    assert run(small, as_of=date(2025, 1, 23)) == Outcome("unchanged", first.run_id + 1)
    assert rows_of(small, "forecast_change") == 12 * 6
    # The follow-up has ended and is not repeated.
    monkeypatch.setattr(forecast_run, "update_stored_scenarios", killed)
    assert run(small, as_of=date(2025, 1, 24)) == Outcome("unchanged", first.run_id + 1)


def test_a_forecaster_that_fails_on_a_series_is_recorded_and_the_run_goes_on(small, monkeypatch):
    mean = FORECASTERS["seasonal_mean"]

    class Stumbling:
        min_observations = mean.min_observations
        prior_weight = mean.prior_weight

        def forecast(self, history):
            if history.unique_id.endswith("USA.EV"):
                raise ForecasterFailed(history.unique_id, "seasonal_mean", "no luck")
            return mean.forecast(history)

    monkeypatch.setitem(FORECASTERS, "seasonal_mean", Stumbling())
    run_id = run(small).run_id
    with Session(small) as session:
        failures = runs.find(session, run_id).failures
    assert {failure["unique_id"] for failure in failures} == {"SMALL.X.USA.EV"}
    assert {failure["reason"] for failure in failures} == {"no luck"}
    assert rows_of(small, "forecast") == 12 * 6


def test_a_pool_of_processes_publishes_the_same_bytes(small):
    here_paths = published_paths(small, run(small).run_id)
    with small.begin() as connection:
        connection.execute(sa.text("DELETE FROM run"))
    pooled = run(small, make_executor=lambda: process_pool(2))
    np.testing.assert_array_equal(published_paths(small, pooled.run_id), here_paths)


def test_a_worker_killed_half_way_costs_time_and_nothing_else(small):
    workers = []

    @contextmanager
    def with_a_killing():
        with process_pool(1) as pool:
            workers.append(pool.submit(os.getpid).result())
            os.kill(workers[0], signal.SIGKILL)
            yield pool
            workers.append(pool.submit(os.getpid).result())

    assert run(small, make_executor=with_a_killing).status == "published"
    assert len(set(workers)) == 2
    assert statuses(small) == ["published"]


def test_an_unknown_dataset_and_a_day_before_any_figure_are_errors(small):
    with pytest.raises(UnknownDataset):
        run(small, dataset="NOPE")
    with pytest.raises(EmptyPanel):
        run(small, as_of=date(2001, 1, 1))
    assert statuses(small) == ["failed"]
