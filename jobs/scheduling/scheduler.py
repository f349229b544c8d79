"""The scheduler: a separate process that fetches due releases and forecasts new data at each tick.

Two schedulers are harmless: a run takes the advisory lock of its dataset, and a run identical to the latest one ends
as unchanged.
"""

import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from queue import SimpleQueue

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from forecasting.config import ForecastConfig
from forecasting.errors import ForecastingError
from jobs.execution.executors import ExecutorFactory
from jobs.runs.forecast_run import Clock, run_forecast
from jobs.runs.scoring import config_for_next_run
from jobs.scheduling import alerts, polling
from jobs.scheduling.polling import Interval, Poll
from jobs.scheduling.webhook import Webhook
from store.queries import catalog, fetch_attempts, observations, runs
from store.queries.runs import RunRecord

log = structlog.get_logger(__name__)


class SchedulerStopped(RuntimeError):
    """The scheduler received a stop signal during a run, which is rolled back."""


@dataclass
class Ticker:
    """Collaborators of a tick, and the state of each dataset at the last tick.

    `dataset_configs` has configurations of datasets that differ from `config`; `polls` fetches the datasets that have
    a feed.
    """

    engine: Engine
    config: ForecastConfig
    make_executor: ExecutorFactory
    clock: Clock
    dataset_configs: Mapping[str, ForecastConfig] = field(default_factory=dict)
    polls: Mapping[str, Poll] = field(default_factory=dict)
    interval: Interval = field(default_factory=Interval)
    grace: timedelta = timedelta(hours=24)
    webhook: Webhook | None = None
    seen: dict[str, tuple[object, ...]] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def tick(self) -> None:
        """Execute requested runs, fetch due releases, forecast new data, deliver alerts.

        A failure is logged and does not end the scheduler.
        """
        try:
            self._carry_out_queued()
            self._begin_fed()
            with Session(self.engine) as session:
                datasets = [dataset.id for dataset in catalog.datasets(session)]
            for dataset in datasets:
                self._poll_if_due(dataset)
                self._run_if_due(dataset)
            self._raise_alerts()
        except SchedulerStopped:
            log.info("scheduler.run_dropped")
        except OperationalError as error:
            log.warning("scheduler.database_away", reason=str(error.orig))

    def _carry_out_queued(self) -> None:
        while (queued := self._next_queued()) is not None:
            if self._attempt(queued.dataset_id, partial(self._run_queued, queued)) == "busy":
                return

    def _next_queued(self) -> RunRecord | None:
        with Session(self.engine) as session:
            return runs.next_queued(session)

    def _run_queued(self, queued: RunRecord) -> str:
        config = ForecastConfig.from_dict(queued.config)
        return run_forecast(
            dataset=queued.dataset_id,
            as_of=queued.as_of,
            config=config,
            run_id=queued.id,
            engine=self.engine,
            make_executor=self.make_executor,
            clock=self.clock,
            on_progress=self._stop_between_series,
        ).status

    def _begin_fed(self) -> None:
        """Fetch datasets that have a feed and no data yet, at the longest polling interval."""
        with Session(self.engine) as session:
            begun = {dataset.id for dataset in catalog.datasets(session) if dataset.series}
            since = self.clock() - self.interval.longest
            waiting = [
                name
                for name in self.polls
                if name not in begun and not fetch_attempts.attempted_since(session, name, since)
            ]
        for dataset in waiting:
            fetched = self.polls[dataset](dataset)
            log.info("scheduler.begun", dataset=dataset, outcome=fetched.outcome, reason=fetched.reason)

    def _poll_if_due(self, dataset: str) -> None:
        """Fetch a release that is due according to its polling interval."""
        poll = self.polls.get(dataset)
        if poll is None:
            return
        with Session(self.engine) as session:
            awaited = polling.claim(session, dataset, now=self.clock(), interval=self.interval)
            session.commit()
        if awaited is None:
            return
        fetched = poll(dataset)
        failure = (fetched.reason or "no reason given") if fetched.outcome == "failed" else None
        log.info("scheduler.polled", dataset=dataset, period=f"{awaited.period:%Y-%m}", outcome=fetched.outcome)
        with Session(self.engine) as session:
            alerts.note_source(session, awaited, failure=failure, now=self.clock())
            session.commit()

    def _raise_alerts(self) -> None:
        with Session(self.engine) as session:
            alerts.watch_releases(session, now=self.clock(), grace=self.grace)
            session.commit()
            alerts.tell(session, self.webhook, now=self.clock())

    def _run_if_due(self, dataset: str) -> None:
        """Run a dataset whose data, or whose day, differ from the last attempt."""
        today = self.clock().date()
        with Session(self.engine) as session:
            now = (today, *observations.extent(session, dataset))
        if self.seen.get(dataset) == now or not now[1]:
            return

        def run() -> str:
            return run_forecast(
                dataset=dataset,
                as_of=today,
                config=config_for_next_run(self.engine, dataset, self.dataset_configs.get(dataset, self.config)),
                engine=self.engine,
                make_executor=self.make_executor,
                clock=self.clock,
                on_progress=self._stop_between_series,
            ).status

        if self._attempt(dataset, run) != "busy":
            self.seen[dataset] = now

    def _stop_between_series(self, _stage: str, _done: int, _total: int) -> None:
        if self.stopping.is_set():
            raise SchedulerStopped

    def _attempt(self, dataset: str, run: Callable[[], str]) -> str:
        try:
            return run()
        except (OperationalError, SchedulerStopped):
            raise
        except (ForecastingError, RuntimeError, OSError) as error:
            # The run's row has the reason; published forecasts are still served.
            log.error("scheduler.run_failed", dataset=dataset, reason=f"{type(error).__name__}: {error}")
            return "failed"


def run_scheduler(ticker: Ticker, *, tick_seconds: int) -> None:
    """Tick until SIGTERM or Ctrl-C; a run in progress is then rolled back."""
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(
        ticker.tick,
        IntervalTrigger(seconds=tick_seconds, timezone="UTC"),
        next_run_time=ticker.clock(),
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
    )

    # An exception raised in the handler would be logged and ignored by APScheduler.
    signals: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: signals.put(number))
    scheduler.start()
    log.info("scheduler.started", tick_seconds=tick_seconds)
    log.info("scheduler.stopping", signal=signal.Signals(signals.get()).name)
    ticker.stopping.set()
    # The tick runs in a thread of APScheduler and stops at the next series.
    scheduler.shutdown(wait=True)
    log.info("scheduler.stopped")
