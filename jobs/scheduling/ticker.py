"""A tick of the scheduler: it executes queued runs, fetches due releases, forecasts new data and sends alerts."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from forecasting.config import ForecastConfig
from forecasting.types import OnProgress
from jobs.clock import Clock
from jobs.execution.executors import ExecutorFactory, shared
from jobs.failures import failure_reason
from jobs.retention import prune
from jobs.runs.forecast_run import run_forecast
from jobs.runs.scoring import config_for_next_run
from jobs.scheduling import alerts, notifications
from jobs.scheduling.mail import MailServer
from jobs.scheduling.polling import Poll, Poller
from jobs.scheduling.run_limits import SchedulerStopped, ends_run
from jobs.scheduling.webhook import Webhook
from services.runs.schedule import PollInterval, next_poll
from store.queries import catalog, events, indicators, observations, regressors, run_status, runs
from store.queries.run_status import RunMovedOn
from store.queries.runs import RunRecord

log = structlog.get_logger(__name__)
FIRST_AT_ONCE = 2
"""Preliminary runs at a time: workers fit the series of one while another is scored and written."""


@dataclass
class Ticker:
    """Collaborators of a tick, and the state of each dataset at its last attempt.

    `dataset_configs` has the configurations of datasets that differ from `config`; `polls` fetches the datasets and
    indicators that have a source. With `first_answers`, datasets without forecasts get a preliminary run before the
    first full run. Fits of a run in progress are kept in the folder `fits`.
    """

    engine: Engine
    config: ForecastConfig
    make_executor: ExecutorFactory
    clock: Clock
    dataset_configs: Mapping[str, ForecastConfig] = field(default_factory=dict)
    polls: Mapping[str, Poll] = field(default_factory=dict)
    interval: PollInterval = field(default_factory=PollInterval)
    grace: timedelta = timedelta(hours=24)
    run_limit: timedelta = timedelta(hours=24)
    first_answers: bool = False
    fits: Path | None = None
    keep_runs: int | None = None
    keep_months: int = 12
    webhook: Webhook | None = None
    mail_server: MailServer | None = None
    attempted: dict[str, tuple[object, ...]] = field(default_factory=dict)
    first_attempts: set[str] = field(default_factory=set)
    stopping: threading.Event = field(default_factory=threading.Event)
    ticking: threading.Lock = field(default_factory=threading.Lock)

    def tick(self) -> None:
        """Execute queued runs, fetch due releases, forecast new data, send alerts.

        An exception is recorded and ends its own task only; a database that is away ends the tick. A second tick at the
        same time does nothing.
        """
        if not self.ticking.acquire(blocking=False):
            return
        try:
            self._do_tasks()
        finally:
            self.ticking.release()

    def next_poll(self) -> datetime | None:
        """The earliest future time at which a release is to be polled; None if unknown."""
        with suppress(OperationalError), Session(self.engine) as session:
            return next_poll(session, now=self.clock(), interval=self.interval)
        return None

    def _do_tasks(self) -> None:
        try:
            self._isolate("interrupted runs", self._close_interrupted_runs)
            self._isolate("queued runs", self._execute_queued)
            self._isolate("first fetches", self._fetch_new)
            for indicator in self._poller.indicators():
                self._isolate("poll", partial(self._poller.poll_indicator, indicator), dataset=indicator)
            if self.first_answers:
                self._run_first()
            for dataset in self._datasets():
                self._isolate("poll", partial(self._poller.poll_dataset, dataset), dataset=dataset)
            # A run may use what another dataset has just published.
            for dataset in self._datasets():
                self._isolate("run", partial(self._run_if_due, dataset), dataset=dataset)
            self._isolate("alerts", self._send_alerts)
            self._isolate("notifications", self._send_notifications)
        except SchedulerStopped:
            log.info("scheduler.run_dropped")
        except OperationalError as error:
            log.warning("scheduler.database_away", reason=str(error.orig))

    def _isolate(self, task: str, work: Callable[[], object], *, dataset: str | None = None) -> None:
        try:
            work()
        except (OperationalError, SchedulerStopped):
            raise
        except Exception as error:
            log.exception("scheduler.task_failed", task=task, dataset=dataset, reason=failure_reason(error))

    def _datasets(self) -> list[str]:
        with Session(self.engine) as session:
            return [dataset.id for dataset in catalog.datasets(session)]

    def _close_interrupted_runs(self) -> None:
        """Mark runs failed whose process has ended: their dataset's lock is free."""
        with Session(self.engine) as session:
            datasets = runs.datasets_with_running(session)
        for dataset in datasets:
            with run_status.try_lock(self.engine, dataset) as acquired, Session(self.engine) as session:
                if acquired:
                    run_status.fail_orphans(session, dataset, self.clock())
                    session.commit()

    def prune(self) -> None:
        """Thin older runs where retention is configured."""
        if self.keep_runs is None:
            return
        with suppress(OperationalError):
            prune(self.engine, keep_runs=self.keep_runs, keep_months=self.keep_months, now=self.clock())

    def _execute_queued(self) -> None:
        while (queued := self._next_queued()) is not None:
            if self._attempt(queued.dataset_id, partial(self._run_queued, queued)) == "busy":
                return

    def _next_queued(self) -> RunRecord | None:
        with Session(self.engine) as session:
            return runs.next_queued(session)

    def _run_queued(self, queued: RunRecord) -> str:
        """Execute a queued run. A run that cannot even begin is marked failed, so that it leaves the queue."""
        try:
            config = ForecastConfig.from_dict(queued.config)
            return run_forecast(
                dataset=queued.dataset_id,
                as_of=queued.as_of,
                config=config,
                run_id=queued.id,
                engine=self.engine,
                make_executor=self.make_executor,
                clock=self.clock,
                fits=self.fits,
                on_progress=self._limits(queued.dataset_id),
            ).status
        except (OperationalError, SchedulerStopped):
            raise
        except Exception as error:
            with Session(self.engine) as session, suppress(RunMovedOn):
                run_status.fail(session, queued.id, finished_at=self.clock(), reason=failure_reason(error))
                session.commit()
            raise

    @property
    def _poller(self) -> Poller:
        return Poller(self.engine, self.polls, self.interval, self.clock)

    def _fetch_new(self) -> None:
        for name in self._poller.never_fetched():
            self._isolate("first fetch", partial(self._poller.fetch_first, name), dataset=name)

    def _run_first(self) -> None:
        """Publish a preliminary run of each dataset that has observations and no forecasts, the smallest first.

        They share the worker processes, which take seconds to start.
        """
        with Session(self.engine) as session:
            stored = [known for known in catalog.datasets(session) if known.series]
            stored = [known for known in stored if runs.latest_published(session, known.id) is None]
        waiting = [known.id for known in sorted(stored, key=lambda known: known.series)]
        waiting = [dataset for dataset in waiting if dataset not in self.first_attempts]
        if not waiting:
            return

        def run(dataset: str) -> None:
            work = partial(self._run_preliminary, dataset, make_executor)
            self._isolate("preliminary run", work, dataset=dataset)

        with shared(self.make_executor) as make_executor, ThreadPoolExecutor(FIRST_AT_ONCE) as threads:
            list(threads.map(run, waiting))

    def _run_preliminary(self, dataset: str, make_executor: ExecutorFactory) -> None:
        if self.stopping.is_set():
            raise SchedulerStopped
        config = self.dataset_configs.get(dataset, self.config).first
        if self._attempt(dataset, partial(self._run, dataset, config, make_executor)) != "busy":
            self.first_attempts.add(dataset)

    def _send_alerts(self) -> None:
        with Session(self.engine) as session:
            alerts.update_release_alerts(session, now=self.clock(), grace=self.grace)
            session.commit()
            alerts.deliver(session, self.webhook, now=self.clock())
            alerts.send_mails(session, self.mail_server, now=self.clock())

    def _send_notifications(self) -> None:
        with Session(self.engine) as session:
            notifications.record_notifications(session, now=self.clock())
            session.commit()
            notifications.deliver_notifications(session, self.webhook, now=self.clock())

    def _run_if_due(self, dataset: str) -> None:
        """Run a dataset whose day, observations, indicators, regressors or events differ from the last attempt's."""
        today = self.clock().date()
        with Session(self.engine) as session:
            lender = catalog.dataset(session, dataset).borrows_history
            lent = observations.extent(session, lender) if lender else ()
            own = observations.extent(session, dataset)
            news = (*indicators.extent(session, dataset), *regressors.extent(session, dataset), events.edition(session))
            state = (today, *own, *news, *lent)
        if self.attempted.get(dataset) == state or not state[1]:
            return

        config = config_for_next_run(self.engine, dataset, self.dataset_configs.get(dataset, self.config))
        if self._attempt(dataset, partial(self._run, dataset, config, self.make_executor)) != "busy":
            self.attempted[dataset] = state

    def _run(self, dataset: str, config: ForecastConfig, make_executor: ExecutorFactory) -> str:
        return run_forecast(
            dataset=dataset,
            as_of=self.clock().date(),
            config=config,
            engine=self.engine,
            make_executor=make_executor,
            clock=self.clock,
            fits=self.fits,
            on_progress=self._limits(dataset),
        ).status

    def _limits(self, dataset: str) -> OnProgress:
        return ends_run(dataset, clock=self.clock, limit=self.run_limit, stopping=self.stopping)

    def _attempt(self, dataset: str, run: Callable[[], str]) -> str:
        """The outcome of a run. A failure is alerted, and is not tried again before the data change."""
        failure = None
        try:
            outcome = run()
        except (OperationalError, SchedulerStopped):
            raise
        except Exception as error:
            # The run's row has the reason; published forecasts remain available.
            failure, outcome = failure_reason(error), "failed"
            log.exception("scheduler.run_failed", dataset=dataset, reason=failure)
        if outcome not in {"busy", "cancelled"}:
            with Session(self.engine) as session:
                alerts.update_run_alert(session, dataset, failure=failure, now=self.clock())
                session.commit()
        return outcome
