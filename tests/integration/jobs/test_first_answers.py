"""First answers: a preliminary run of few folds is published first, and the full run replaces it."""

from dataclasses import replace

from sqlmodel import Session

from forecasting.config import ForecastConfig
from jobs.scheduling.first_runs import FirstRuns
from jobs.scheduling.scheduler import Ticker
from services.runs.freshness import refinement
from store.queries import runs
from tests.support.scheduler_world import QUICK, SMALL, TODAY, TickingClock, add_small_dataset, here


def published(engine):
    with Session(engine) as session:
        return sorted(runs.page(session, limit=50).rows)


def ticker_of(engine, **options):
    return Ticker(engine=engine, config=QUICK, make_executor=here, clock=TickingClock(TODAY), **options)


def test_every_dataset_has_a_preliminary_run_before_the_first_full_run(small):
    add_small_dataset(small, definition=replace(SMALL, id="ALSO"))
    ticker_of(small, first_answers=True).tick()
    done = published(small)
    assert [(run.status, run.preliminary) for run in done] == [("published", True)] * 2 + [("published", False)] * 2
    assert {run.dataset_id for run in done[:2]} == {"SMALL", "ALSO"}
    with Session(small) as session:
        latest = runs.latest_published(session, "SMALL")
        assert latest is not None
        assert not latest.preliminary
        assert refinement(session, latest) is None


def test_a_dataset_with_forecasts_gets_no_preliminary_run(small):
    ticker_of(small).tick()
    ticker_of(small, first_answers=True).tick()
    assert [run.preliminary for run in published(small)] == [False]


def test_a_full_run_is_not_compared_with_the_preliminary_one(small):
    ticker_of(small, first_answers=True).tick()
    preliminary, full = published(small)
    with Session(small) as session:
        assert runs.published_before(session, full) is None
        assert refinement(session, preliminary) == (min(QUICK.folds, 3), None)


def test_runs_are_announced_once_until_a_full_one_is_published(small):
    announced: list[str] = []
    first = FirstRuns(small, announced.append)
    assert first.waiting == ["SMALL"]
    ticker_of(small, first_answers=True).tick()
    preliminary, full = published(small)
    first._announce("SMALL", preliminary)
    first._announce("SMALL", preliminary)
    first.poll()
    first.poll()
    assert announced == [
        f"SMALL: preliminary run {preliminary.id} published",
        f"SMALL: run {full.id} published",
    ]
    assert first.waiting == FirstRuns(small, announced.append).waiting == []


def test_only_a_preliminary_configuration_says_so():
    config = ForecastConfig()
    assert "preliminary" not in config.as_dict()
    assert ForecastConfig.from_dict(config.first.as_dict()) == config.first
    assert config.first.digest != config.digest
