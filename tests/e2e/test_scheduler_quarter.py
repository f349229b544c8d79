"""Three months of the scheduler's life, on a clock of the test's own, beside a provider that answers over HTTP.

January and February come as one figure in March; March is late, its source fails, it comes in parts, and with it the
first two months apart, which is a revision.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import httpx
import numpy as np
import orjson
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlmodel import Session

from api.app import create_app
from jobs.ingestion.ingest import ingest
from jobs.scheduling.ticker import Ticker
from jobs.scheduling.webhook import Webhook
from services.runs.schedule import PollInterval
from sources.observation_batch import ObservationBatch
from store.queries import catalog, observations, releases, runs
from tables import check_releases, read_table
from tests.integration.api.conftest import options
from tests.support.scheduler_world import QUICK, SMALL, add_small_dataset, here
from tests.support.servers import serving

HEADER = "month,flow,partner,sector,value,months\n"
CALENDAR = b"""dataset,period,due_on,time
SMALL,2025-01,2025-03-07,11:00+08:00
SMALL,2025-02,2025-03-07,11:00+08:00
SMALL,2025-03,2025-04-14,11:00+08:00
"""
MINUTES, HALF_HOUR, DAY = timedelta(minutes=10), timedelta(minutes=30), timedelta(days=1)


@dataclass(frozen=True)
class Fetched:
    """Results of requests to the provider."""

    outcome: str
    reason: str | None = None


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


class World:
    """A scheduler, its provider, and the receiver of alerts."""

    def __init__(self, engine, provider, receiver):
        self.engine, self.provider, self.receiver = engine, provider, receiver
        self.clock = Clock(at("2025-01-20"))
        with Session(engine) as session:
            frame = observations.panel_frame(session, "SMALL")
            releases.plan(session, check_releases(read_table(CALENDAR, media="csv", limit_bytes=10_000)))
            session.commit()
        self.past = frame.set_index(["partner", "sector", "ds"])["y"]
        self.keys = sorted({key[:2] for key in self.past.index})
        self.ticker = Ticker(
            engine=engine,
            config=QUICK,
            make_executor=here,
            clock=self.clock,
            polls={"SMALL": self.poll},
            interval=PollInterval(MINUTES, 8 * HALF_HOUR),
            grace=DAY,
            webhook=Webhook(receiver.url, "secret"),
        )

    def poll(self, dataset):
        answer = httpx.get(self.provider.url)
        if not answer.is_success:
            return Fetched("failed", f"status {answer.status_code}")
        if not answer.content:
            return Fetched("unchanged")
        frame = read_table(answer.content, media="csv", limit_bytes=1_000_000)
        with Session(self.engine) as session:
            appended = ingest(session, ObservationBatch(dataset, frame), today=self.clock().date())
            session.commit()
        return Fetched("new" if appended.inserted else "unchanged")

    def figures(self, month, *, growth=1.05, joined=False, keys=None):
        """Rows of a month, each grown by as much on the year before; with `joined` two months in one."""
        first = [np.datetime64(month) - 1, np.datetime64(month)] if joined else [np.datetime64(month)]
        for partner, sector in keys or self.keys:
            value = sum(self.past[partner, sector, (row - 12).astype("datetime64[ns]")] for row in first) * growth
            yield f"{month},X,{partner},{sector},{value:.6f},{len(first)}"

    def publish(self, *rows):
        self.provider.body = (HEADER + "\n".join(rows) + "\n").encode()

    def live(self, until, step=DAY):
        """Tick from now on until a moment."""
        while self.clock.now < until:
            self.ticker.tick()
            self.clock.now += step

    @property
    def request_count(self):
        return len(self.provider.requests)

    @property
    def reported(self):
        """Alerts, in the order of their delivery."""
        return [(body["kind"], body["event"], body["period"]) for body in self.bodies if "kind" in body]

    @property
    def notified(self):
        """Number of delivered notifications by type."""
        return Counter(body["type"] for body in self.bodies if "type" in body)

    @property
    def bodies(self):
        return [orjson.loads(body) for _, body in self.receiver.requests]

    def cutoffs(self):
        with Session(self.engine) as session:
            found = runs.page(session, status="published", limit=50).rows
        return [f"{run.cutoff:%Y-%m}" for run in reversed(found)]

    def scored(self):
        """Number of scored published forecasts."""
        with self.engine.connect() as connection:
            return connection.execute(sa.text("SELECT count(*) FROM tracking")).scalar_one()

    def release(self, period):
        with Session(self.engine) as session:
            found = releases.releases(session, "SMALL", since=period)[0]
        return found.status(self.clock(), DAY), found.missing

    def open_alerts(self):
        client = TestClient(create_app(engine=self.engine, options=options()))
        families = {row.name: row for row in text_string_to_metric_families(client.get("/metrics").text)}
        return {row.labels["kind"]: row.value for row in families["tradewind_alerts"].samples}


def at(day, hour=0, minute=0):
    return datetime.fromisoformat(day).replace(hour=hour, minute=minute, tzinfo=UTC)


@pytest.fixture
def world(own_engine):
    with serving() as provider, serving() as receiver:
        add_small_dataset(own_engine)
        yield World(own_engine, provider, receiver)


def test_three_months_pass(world):
    # Before anything is due nobody is asked, and February alarms nobody.
    world.live(at("2025-03-07", 2))
    assert (world.request_count, world.reported, world.cutoffs()) == (0, [], ["2024-12"])
    world.clock.now = at("2025-03-07", 2, 59)
    world.live(at("2025-03-07", 3))
    assert world.request_count == 0
    # Due, but not there yet: asked at once, after 10, 20 and 40 minutes more.
    world.clock.now = at("2025-03-07", 3)
    world.live(at("2025-03-07", 5), MINUTES)
    assert (world.request_count, world.release(date(2025, 2, 1))) == (4, ("due", 0))
    # The sum of January and February: one run, one scoring, both months done.
    assert world.scored() == 0
    world.publish(*world.figures("2025-02", joined=True))
    world.live(at("2025-03-07", 6), MINUTES)
    assert (world.request_count, world.cutoffs()) == (5, ["2024-12", "2025-02"])
    assert world.scored() > 0
    assert [world.release(date(2025, month, 1)) for month in (1, 2)] == [("done", 0), ("done", 0)]
    # Then nobody is asked until March is due.
    world.live(at("2025-04-14", 2))
    assert (world.request_count, world.reported) == (5, [])
    # March is late; its source fails; each is reported once, and both are in the metrics.
    world.provider.status, world.provider.body = 500, b""
    world.clock.now = at("2025-04-14", 3)
    world.live(at("2025-04-15", 4), HALF_HOUR)
    assert world.reported == [("source", "raised", "2025-03"), ("late", "raised", "2025-03")]
    assert world.open_alerts() == {"source": 1, "late": 1, "run": 0, "rule": 0}
    assert world.cutoffs()[-1] == "2025-02"
    # Half of the series come: forecast at once, still awaited, and the source answers again.
    world.provider.status, half = 200, world.keys[: len(world.keys) // 2]
    world.publish(*world.figures("2025-03", keys=half))
    world.live(at("2025-04-15", 9), HALF_HOUR)
    assert world.reported[2:] == [("source", "cleared", "2025-03")]
    assert (world.cutoffs()[-1], world.release(date(2025, 3, 1))) == ("2025-03", ("late", len(world.keys) - len(half)))
    # The rest comes, and January and February apart: a vintage of their own beside the sum.
    apart = (*world.figures("2025-01"), *world.figures("2025-02"))
    world.publish(*apart, *world.figures("2025-03"))
    world.live(at("2025-04-15", 14), HALF_HOUR)
    assert world.reported[3:] == [("late", "cleared", "2025-03")]
    assert world.open_alerts() == {"source": 0, "late": 0, "run": 0, "rule": 0}
    assert world.release(date(2025, 3, 1)) == ("done", 0)
    assert known_february(world, at("2025-04-14")) == [2]
    assert known_february(world, at("2025-04-15")) == [1]
    # A revision between releases: no source is requested, and a new run is published.
    request_count, made = world.request_count, len(world.cutoffs())
    with Session(world.engine) as session:
        frame = read_table(
            (HEADER + "\n".join(world.figures("2025-03", growth=1.08))).encode(), media="csv", limit_bytes=10**6
        )
        ingest(session, ObservationBatch("SMALL", frame), today=date(2025, 4, 20))
        session.commit()
    world.clock.now = at("2025-04-20", 1)
    world.live(at("2025-04-22"))
    assert (world.request_count, len(world.cutoffs())) == (request_count, made + 1)
    assert Counter(world.cutoffs()) == {"2024-12": 1, "2025-02": 1, "2025-03": 3}
    # Readers are notified of every run, of every day with figures, and once of the late release.
    assert world.notified["run.published"] == len(world.cutoffs())
    assert world.notified["release.late"] == 1
    assert world.notified["figures.arrived"] >= 3


def known_february(world, moment):
    """How many months February's figure holds in each series, as known on a day."""
    with Session(world.engine) as session:
        frame = observations.panel_frame(session, "SMALL", moment.date())
    return sorted(frame[frame["ds"] == "2025-02-01"]["months"].unique().tolist())


def test_only_the_dataset_that_changed_is_forecast_again(world):
    with Session(world.engine) as session:
        other = {name: getattr(SMALL, name) for name in SMALL.__slots__} | {"id": "OTHER"}
        catalog.add_dataset(session, **other)
        rows = "\n".join(
            f"{2022 + number // 12}-{number % 12 + 1:02},X,USA,TOTAL,{number + 50},1" for number in range(36)
        )
        frame = read_table((HEADER + rows).encode(), media="csv", limit_bytes=10**6)
        ingest(session, ObservationBatch("OTHER", frame), today=date(2025, 1, 10))
        session.commit()
    world.ticker.tick()
    world.clock.now = at("2025-03-07", 4)
    world.publish(*world.figures("2025-02", joined=True))
    world.ticker.tick()
    with Session(world.engine) as session:
        made = Counter(run.dataset_id for run in runs.page(session, status="published", limit=50).rows)
    assert made == {"OTHER": 1, "SMALL": 2}


def test_a_second_scheduler_asks_nobody_twice(world):
    other = Ticker(
        engine=world.engine, config=QUICK, make_executor=here, clock=world.clock, polls={"SMALL": world.poll}
    )
    world.clock.now = at("2025-03-07", 4)
    world.ticker.tick()
    other.tick()
    assert world.request_count == 1
