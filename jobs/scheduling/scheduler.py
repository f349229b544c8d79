"""The scheduler: a process of its own that ticks, asks the calendar which figures are due, and forecasts new ones.

Two schedulers do no harm: a run takes its dataset's advisory lock, and a run that would repeat the latest
one is left unchanged.
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
    """The scheduler was told to stop in the middle of a run, which is then dropped whole."""


@dataclass
class Ticker:
    """What a tick needs, and what the last one saw of each dataset.

    `dataset_configs` has the configurations of datasets that differ from `config`; `polls` asks the sources of the
    datasets that have one.
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
        """Carry out what was asked for, fetch what is due, forecast what is new, tell what is wrong.

        A failure is logged and ends nothing.
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
        """Ask for the first figures of datasets that have a source and no calendar yet, a longest pause apart."""
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
        """Ask the source for a release that is due; before that, and in between, nobody is asked."""
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
        """Run a dataset whose figures, or whose day, are not those of the last attempt."""
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
            # The run's row has the reason; the forecasts already published go on being served.
            log.error("scheduler.run_failed", dataset=dataset, reason=f"{type(error).__name__}: {error}")
            return "failed"


def run_scheduler(ticker: Ticker, *, tick_seconds: int) -> None:
    """Tick until SIGTERM or Ctrl-C; a run under way is then dropped whole."""
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(
        ticker.tick,
        IntervalTrigger(seconds=tick_seconds, timezone="UTC"),
        next_run_time=ticker.clock(),
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
    )

    # A handler that raised would be lost inside the scheduler, which logs whatever is raised there and goes on.
    told: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: told.put(number))
    scheduler.start()
    log.info("scheduler.started", tick_seconds=tick_seconds)
    log.info("scheduler.stopping", signal=signal.Signals(told.get()).name)
    ticker.stopping.set()
    # The tick runs in a thread of the scheduler's: it ends at the next series.
    scheduler.shutdown(wait=True)
    log.info("scheduler.stopped")
