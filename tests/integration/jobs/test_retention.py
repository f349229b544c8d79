from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from jobs.retention import Pruned, prune
from jobs.runs.forecast_run import run_forecast
from store.errors import RunThinned
from store.queries import backtests, decompositions, forecasts, observations, retention, run_status, runs
from tests.support.scheduler_world import QUICK, TickingClock, here

NOW = datetime(2026, 7, 1, tzinfo=UTC)
DAYS = [date(2025, 1, 20), date(2025, 1, 21), date(2025, 1, 22)]


@pytest.fixture
def pruned_runs(small):
    """Three published runs of one dataset and a failed one, and their numbers."""
    published = []
    for seed, day in enumerate(DAYS):
        config = QUICK.__class__.from_dict(QUICK.as_dict() | {"seed": seed})
        outcome = run_forecast(
            dataset="SMALL", as_of=day, config=config, engine=small, make_executor=here, clock=TickingClock(day)
        )
        published.append(outcome.run_id)
    terms: dict[str, Any] = {"horizon": 6, "seed": 1, "config": {}, "config_hash": "c", "code_version": "1"}
    with Session(small) as session:
        failed = run_status.queue(session, dataset_id="SMALL", as_of=DAYS[0], requested_at=NOW, **terms)
        run_status.fail(session, failed, finished_at=NOW, reason="for a test")
        session.commit()
    return published, failed


def test_older_runs_keep_their_forecasts_and_say_that_they_were_thinned(small, pruned_runs):
    (oldest, *whole), failed = pruned_runs
    with Session(small) as session:
        ids = list(observations.series_ids(session, "SMALL").values())
        before = list(forecasts.months(session, oldest, ids, horizon=6, probabilities=(0.1, 0.9)))
        covered = forecasts.coverage(session, oldest)
    expected = [Pruned("SMALL", 1, 1)]
    assert prune(small, keep_runs=2, keep_months=3, now=NOW, dry_run=True) == expected
    (done,) = prune(small, keep_runs=2, keep_months=3, now=NOW)
    assert (done.thinned, done.deleted, done.rows > 0) == (1, 1, True)
    with Session(small) as session:
        assert list(forecasts.months(session, oldest, ids, horizon=6, probabilities=(0.1, 0.9))) == before
        assert forecasts.coverage(session, oldest) == covered
        assert runs.find(session, oldest).thinned_at == NOW
        thinned = {
            "paths": lambda: forecasts.paths(session, oldest, ids),
            "folds": lambda: backtests.folds(session, oldest, ids),
            "decomposition": lambda: decompositions.of_series(session, oldest, ids),
        }
        for name, read in thinned.items():
            with pytest.raises(RunThinned, match="thinned on 2026-07-01"):
                pytest.fail(f"{name}: {read()}")
        assert [runs.find(session, number).thinned_at for number in whole] == [None, None]
        assert forecasts.paths(session, whole[0], ids).size
        assert session.scalar(sa.text("SELECT count(*) FROM run WHERE id = :id"), {"id": failed}) == 0
    assert prune(small, keep_runs=2, keep_months=3, now=NOW) == [Pruned("SMALL", 0, 0)]


def test_recent_runs_and_the_newest_two_stay_whole(small, pruned_runs):
    assert prune(small, keep_runs=2, keep_months=24, now=NOW) == [Pruned("SMALL", 0, 0)]
    (done,) = prune(small, keep_runs=0, keep_months=0, now=NOW)
    assert done.thinned == 1


def test_every_table_of_a_run_is_kept_or_thinned_on_purpose(engine):
    of_runs = {
        table
        for table in sa.inspect(engine).get_table_names()
        if any(key["referred_table"] == "run" for key in sa.inspect(engine).get_foreign_keys(table))
    }
    thinned = {sa.inspect(table).local_table.name for table in retention.THINNED_TABLES}
    kept = {"forecast", "forecast_quantile", "forecast_change", "tracking", "external_forecast_score"}
    kept |= {"alert_rule", "run_event", "event_evidence", "event_effect"}
    kept |= {"run_indicator", "indicator_evidence", "indicator_effect", "scenario", "scenario_forecast", "adjustment"}
    kept |= {"forecast_status", "regressor_evidence", "regressor_effect", "total_effect"}
    assert of_runs == thinned | kept
