"""Replay of past releases: bundled observations appear on their release days, and the scheduler processes them.

The scheduler is the real one; only clock and source are simulated. First prints were not recorded: revised values
appear on the days of the first prints.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day

import numpy as np
import pandas as pd
from sqlalchemy import Engine
from sqlmodel import Session

from forecasting.config import ForecastConfig
from forecasting.path_quantiles import path_quantiles
from jobs.execution.executors import ExecutorFactory
from jobs.ingestion.fetch import Fetched
from jobs.ingestion.ingest import ingest
from jobs.scheduling.ticker import Ticker
from services.datasets.datasets import add_codes
from sources import bundled
from sources.observation_batch import ObservationBatch
from store.models import TOTAL_PARTNER, TOTAL_SECTOR
from store.queries import catalog, forecast_scores, forecasts, observations, releases, runs
from store.queries.forecast_scores import ForecastScoreRecord
from tables import check_releases

LEVEL = 80.0
BOUNDS = (0.1, 0.9)
MONTHS_AT_ONCE = 3
"""More than one release has: January and February."""
SUMMED = frozenset({"CN_TRADE"})
"""Datasets whose publisher gives January and February as one figure first."""
APART_AFTER = np.timedelta64(11, "D")
"""How long after their sum the two months come apart: with the detailed tables, on the 18th of March 2025."""


@dataclass(frozen=True, slots=True)
class Released:
    """A released total: its forecast in the dataset's unit, and the coverage since the start.

    `inside` is true if the 80 % interval, `lo` to `hi`, contains it. `covered` of `forecasts` intervals of all series
    did so far; `seconds` is the duration of the day, from the request to the next forecasts.
    """

    day: date
    period: str
    unique_id: str
    unit: str
    expected: float
    lo: float
    hi: float
    first_print: float
    inside: bool
    covered: int
    forecasts: int
    seconds: float


class Clock:
    """A clock that changes only when it is set."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The time that was set."""
        return self.now


class Publisher:
    """A source that publishes each month of a bundled dataset on the day it was due."""

    def __init__(self, engine: Engine, dataset: str, clock: Clock) -> None:
        self.engine, self.dataset, self.clock = engine, dataset, clock
        self.figures = bundled.delivery(dataset).frame.assign(months="1")

    def __call__(self, dataset: str) -> Fetched:
        """Store observations that are newly published."""
        today = self.clock().date()
        with Session(self.engine) as session:
            appended = ingest(session, ObservationBatch(dataset, self.published(session, today)), today=today)
            session.commit()
        return Fetched(dataset, "new" if appended.inserted else "unchanged", appended.inserted)

    def published(self, session: Session, today: date) -> pd.DataFrame:
        """Observations published by a day, January and February combined until they are published separately."""
        months = self.figures["month"].to_numpy().astype("datetime64[M]")
        due = releases.planned_days(session, self.dataset, months)
        out = due <= np.datetime64(today)
        if "vintage" in self.figures:  # Dated revisions are published on their own days, ISO text in the bundled table.
            out &= self.figures["vintage"].to_numpy(dtype=str) <= today.isoformat()
        if self.dataset not in SUMMED:
            return self.figures[out]
        first_two = months.astype(int) % 12 < 2
        joined = out & first_two & (due + APART_AFTER > np.datetime64(today))
        february = np.char.add(months[joined].astype("datetime64[Y]").astype(str), "-02")
        both = self.figures[joined].assign(
            month=february, months="2", value=self.figures["value"][joined].astype(float)
        )
        key = ["month", "flow", "partner", "sector", "months"]
        summed = both.groupby(key)["value"].sum().reset_index()
        return pd.concat([self.figures[out & ~joined], summed], ignore_index=True)


def simulate(
    *,
    dataset: str,
    start: date,
    end: date,
    config: ForecastConfig,
    engine: Engine,
    make_executor: ExecutorFactory,
) -> Iterator[list[Released]]:
    """Replay the releases of a bundled dataset from `start` to `end`; yields the totals of each.

    The database must be migrated and without the dataset. Raises KeyError for a dataset that is not bundled.
    """
    clock = Clock(datetime.combine(start, time_of_day(), UTC))
    publisher = Publisher(engine, dataset, clock)
    _begin(engine, publisher, start)
    ticker = Ticker(engine=engine, config=config, make_executor=make_executor, clock=clock, polls={dataset: publisher})
    ticker.tick()
    record = _Record(engine, dataset)
    while (due := _next_due(engine, dataset)) is not None and due.date() <= end:
        clock.now = due + timedelta(seconds=1)
        began = time.monotonic()
        ticker.tick()
        released = record.since_last(seconds=time.monotonic() - began)
        if not released:
            return
        yield released


def _begin(engine: Engine, publisher: Publisher, start: date) -> None:
    """Ingest the dataset as known on the first day; its past counts as known from the due days."""
    with Session(engine) as session:
        add_codes(session)
        catalog.add_dataset(session, **asdict(bundled.definitions()[publisher.dataset]))
        calendar = bundled.calendar(publisher.dataset)
        if len(calendar):
            releases.plan(session, check_releases(calendar))
        past = publisher.published(session, start)
        ingest(session, ObservationBatch(publisher.dataset, past, backfilled=True), today=start)
        session.commit()


def _next_due(engine: Engine, dataset: str) -> datetime | None:
    with Session(engine) as session:
        awaited = releases.next_due(session, dataset)
    return None if awaited is None else awaited.due_from


class _Record:
    """Tracked forecasts of each release: those that were current on its day."""

    def __init__(self, engine: Engine, dataset: str) -> None:
        self.engine, self.dataset = engine, dataset
        self.covered = self.forecasts = 0
        with Session(engine) as session:
            self.unit = catalog.dataset(session, dataset).unit
            self.names = {number: uid for uid, number in observations.series_ids(session, dataset).items()}
            self.standing = self._latest_run(session)

    def since_last(self, *, seconds: float) -> list[Released]:
        """Totals released since the last call, with the forecast of the previous run."""
        with Session(self.engine) as session:
            ids = sorted(self.names, key=self.names.__getitem__)
            rows = forecast_scores.page(session, ids, run_id=self.standing, limit=MONTHS_AT_ONCE * len(ids)).rows
            self.forecasts += len(rows)
            self.covered += sum(row.first_level is not None and row.first_level <= LEVEL for row in rows)
            totals = [row for row in rows if self.names[row.series_id].endswith(f".{TOTAL_PARTNER}.{TOTAL_SECTOR}")]
            released = self._released(session, totals, seconds)
            self.standing = self._latest_run(session)
        return released

    def _released(self, session: Session, rows: Sequence[ForecastScoreRecord], seconds: float) -> list[Released]:
        paths = forecasts.paths(session, self.standing, [row.series_id for row in rows])
        found = []
        for row, draws in zip(rows, paths, strict=True):
            total = draws[:, row.step - row.months : row.step].sum(axis=1, dtype=np.float64)
            lo, hi = path_quantiles(total[:, None], BOUNDS)[:, 0].tolist()
            inside = row.first_level is not None and row.first_level <= LEVEL
            period = f"{row.month:%Y-%m}" if row.months == 1 else f"{row.month:%Y}-01/{row.month:%Y-%m}"
            found.append(
                Released(
                    day=row.first_vintage,
                    period=period,
                    unique_id=self.names[row.series_id],
                    unit=self.unit,
                    expected=row.mean,
                    lo=lo,
                    hi=hi,
                    first_print=row.first_value,
                    inside=inside,
                    covered=self.covered,
                    forecasts=self.forecasts,
                    seconds=seconds,
                )
            )
        return found

    def _latest_run(self, session: Session) -> int:
        latest = runs.latest_published(session, self.dataset)
        assert latest is not None
        return latest.id


def title_line() -> str:
    """Header of the table of releases."""
    return (
        f"{'published':10}  {'month':15}  {'series':28}  {'expected':>10}  {'80 % interval':>21}  {'outcome':>10}"
        f"  {'':7}  {'held so far':>16}  {'time':>7}"
    )


def table_line(released: Released) -> str:
    """A release as a line of the table; values in the named unit."""
    interval = f"{released.lo:,.1f} to {released.hi:,.1f}"
    position = "inside" if released.inside else "outside"
    held = f"{released.covered} of {released.forecasts}, {released.covered / released.forecasts:.0%}"
    return (
        f"{released.day}  {released.period:15}  {released.unique_id:28}  {released.expected:10,.1f}  {interval:>21}"
        f"  {released.first_print:10,.1f}  {position:7}  {held:>16}  {released.seconds:5.0f} s"
    )
