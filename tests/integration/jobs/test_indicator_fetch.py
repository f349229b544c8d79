"""Indicators from feeds: requested when a month is due, stored with the day they arrived, followed by a new run."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from jobs.ingestion.fetch import Fetched, fetch
from jobs.scheduling.ticker import Ticker
from jobs.scheduling.webhook import Webhook
from services.runs.schedule import PollInterval, next_poll, scheduled_tasks
from sources.client import Validator
from sources.feed_config import read_feeds
from store.queries import alerts, indicator_releases, indicators, run_indicators, runs
from store.queries.alerts import AlertRecord
from store.queries.indicators import IndicatorUseRecord
from tests.support.http_providers.local import LocalProvider, ReceivedRequest, Reply, local_provider, quick_client
from tests.support.scheduler_world import QUICK, here
from tests.support.servers import serving

FEEDS = """
[CN_SURVEY]
source = "table"
start = "2019-01"
informs = ["SMALL.X", "ABSENT"]

[CN_SURVEY.indicator]
title = "A survey of exporters"
kind = "index"
unit = "index"
country = "CHN"
publisher = "A survey"
licence = "own data"
citation = "A survey"
lag_days = 1

[CN_SURVEY.query]
location = "{address}/survey.csv"
columns = {{ month = "Period", value = "Reading" }}
month_format = "%m/%Y"
separator = ";"
decimal = ","
"""
INTERVAL = PollInterval()


def client(policy: Any, known: Mapping[str, Validator]) -> Any:
    return quick_client(policy, known)


class Survey:
    """A survey that a local server publishes, and the machine's day."""

    def __init__(self, engine: Engine, provider: LocalProvider, directory: Path) -> None:
        self.engine, self.today, self.last = engine, date(2025, 1, 20), pd.Period("2024-12")
        path = directory / "feeds.toml"
        path.write_text(FEEDS.format(address=provider.address), encoding="utf-8")
        self.feeds = read_feeds(path)
        provider.answer = self.answer

    def answer(self, _request: ReceivedRequest) -> Reply:
        months = pd.period_range("2019-01", self.last, freq="M")
        rows = [f"{month.strftime('%m/%Y')};{50 + number % 7},5" for number, month in enumerate(months)]
        return Reply("\n".join(["Period;Reading", *rows, ""]).encode())

    def fetch(self, code: str = "CN_SURVEY") -> Fetched:
        return fetch(code, engine=self.engine, feeds=self.feeds, access={}, clock=self.clock, make_client=client)

    def clock(self) -> datetime:
        return datetime(self.today.year, self.today.month, self.today.day, 12, tzinfo=UTC)

    def ticker(self) -> Ticker:
        polls = dict.fromkeys(self.feeds, self.fetch)
        return Ticker(engine=self.engine, config=QUICK, make_executor=here, clock=self.clock, polls=polls)


@pytest.fixture
def survey(small: Engine, tmp_path: Path) -> Iterator[Survey]:
    with local_provider() as provider:
        yield Survey(small, provider, tmp_path)


def test_history_is_public_by_the_rule_of_the_indicator(survey: Survey) -> None:
    assert survey.fetch() == Fetched("CN_SURVEY", "new", inserted=72)
    with Session(survey.engine) as session:
        (first, *_, last) = indicators.values(session, "CN_SURVEY").rows
        assert indicators.uses(session, "SMALL") == [IndicatorUseRecord("CN_SURVEY", "X", "*", "*")]
    assert (first.value, first.known_on, first.backfilled) == (50.5, date(2019, 2, 1), True)
    assert last.known_on == date(2025, 1, 1)


def test_a_new_month_is_public_on_the_day_it_arrives_and_an_earlier_one_by_the_rule(survey: Survey) -> None:
    survey.fetch()
    survey.last, survey.today = pd.Period("2025-02"), date(2025, 3, 4)
    assert survey.fetch().inserted == 2
    with Session(survey.engine) as session:
        january, february = indicators.values(session, "CN_SURVEY", start=date(2025, 1, 1)).rows
    assert (january.known_on, february.known_on) == (date(2025, 2, 1), date(2025, 3, 4))
    assert not february.backfilled


def test_an_unchanged_indicator_is_not_stored_again(survey: Survey) -> None:
    survey.fetch()
    assert survey.fetch() == Fetched("CN_SURVEY", "unchanged")


def test_an_arrival_makes_a_new_run_on_its_day(survey: Survey) -> None:
    ticker = survey.ticker()
    ticker.tick()
    survey.today = date(2025, 1, 31)
    ticker.tick()
    with Session(survey.engine) as session:
        before = runs.latest_published(session, "SMALL", survey.today)
    survey.last, survey.today = pd.Period("2025-01"), date(2025, 2, 1)
    ticker.tick()
    with Session(survey.engine) as session:
        after = runs.latest_published(session, "SMALL", survey.today)
        assert before is not None
        assert after is not None
        assert (after.as_of, after.cutoff) == (date(2025, 2, 1), before.cutoff)
        assert after.id != before.id
        (used,) = run_indicators.used(session, after.id)
    assert (used.indicator_id, used.known_to, used.leads) == ("CN_SURVEY", date(2025, 1, 1), 1)


def test_the_schedule_shows_the_next_month_of_an_indicator(survey: Survey) -> None:
    survey.fetch()
    with Session(survey.engine) as session:
        tasks = scheduled_tasks(session, now=survey.clock(), interval=INTERVAL, receives_data=True)
        (task,) = [task for task in tasks if task.indicator == "CN_SURVEY"]
        (run,) = [task for task in tasks if (task.dataset, task.task) == ("SMALL", "run")]
        due = datetime(2025, 2, 1, tzinfo=UTC)
        assert (task.dataset, task.task, task.next_at) == (None, "fetch", due)
        assert (task.reason, task.last_outcome) == ("2025-01 is due 2025-02-01 00:00 UTC", "new")
        assert run.reason == "follows new observations or indicators"
        assert next_poll(session, now=survey.clock(), interval=INTERVAL) == due


def test_a_month_that_is_late_is_polled_again_after_a_pause(survey: Survey) -> None:
    survey.fetch()
    survey.today = date(2025, 2, 1)
    requests: list[str] = []
    ticker = survey.ticker()
    ticker.polls = dict.fromkeys(survey.feeds, partial(_noting, survey, requests))
    ticker.tick()
    ticker.tick()
    assert requests == ["CN_SURVEY"]
    with Session(survey.engine) as session:
        awaited = indicator_releases.next_due(session, "CN_SURVEY")
    assert awaited is not None
    assert INTERVAL.next_poll(awaited) == survey.clock() + INTERVAL.first


def test_a_late_month_is_an_alert_and_a_notification_of_the_dataset(survey: Survey) -> None:
    survey.fetch()
    with serving() as receiver:
        check_late_month(survey, replace(survey.ticker(), webhook=Webhook(receiver.url, "s")))
        delivered = [orjson.loads(body) for _, body in receiver.requests]
    reason = "CN_SURVEY: 2025-01 was due 2025-02-01 00:00 UTC and is not published"
    assert [(body["event"], body["kind"], body["reason"]) for body in delivered if body.get("indicator")] == [
        ("raised", "late", reason),
        ("cleared", "late", reason),
    ]
    assert [body["data"]["reason"] for body in delivered if body.get("data", {}).get("indicator")] == [reason]


def check_late_month(survey: Survey, ticker: Ticker) -> None:
    survey.today = date(2025, 2, 1)
    ticker.tick()
    with Session(survey.engine) as session:
        assert of_indicators(session) == []
    survey.today = date(2025, 2, 3)
    ticker.tick()
    ticker.tick()
    with Session(survey.engine) as session:
        (alert,) = of_indicators(session)
    assert (alert.dataset_id, alert.indicator_id, alert.period) == ("SMALL", "CN_SURVEY", date(2025, 1, 1))
    survey.last, survey.today = pd.Period("2025-01"), date(2025, 2, 4)
    ticker.tick()
    with Session(survey.engine) as session:
        assert of_indicators(session) == []


def of_indicators(session: Session) -> list[AlertRecord]:
    return [alert for alert in alerts.open_alerts(session, kind="late") if alert.indicator_id]


def _noting(survey: Survey, requests: list[str], code: str) -> Fetched:
    requests.append(code)
    return survey.fetch(code)
