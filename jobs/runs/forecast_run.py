"""A forecast run: lock, load the panel, fan out, combine, reconcile, write, publish."""

import time
from concurrent.futures import BrokenExecutor
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from forecasting.code_version import code_version
from forecasting.config import ForecastConfig
from forecasting.data.borrowed_history import borrowed_at_cutoffs
from forecasting.pipeline import PanelForecast, fold_positions, forecast_panel
from forecasting.types import OnProgress
from jobs.clock import Clock
from jobs.execution.executors import ExecutorFactory
from jobs.failures import failure_reason
from jobs.runs import change_attribution
from jobs.runs.alert_rules import evaluate_alert_rules
from jobs.runs.data_hash import hash_panel
from jobs.runs.event_inputs import load_events
from jobs.runs.indicator_inputs import load_indicators
from jobs.runs.kept_fits import FitFolder, fit_folder
from jobs.runs.published_totals import hash_into, lent_totals, totals_of_folds
from jobs.runs.regressor_inputs import load_regressors
from jobs.runs.run_panel import donors, own_panel, read_panel
from jobs.runs.run_writer import write_run
from jobs.runs.scenario_updates import update_stored_scenarios
from jobs.runs.scoring import score_published
from jobs.runs.vintage_folds import months_of, vintage_values_of_folds
from services.runs.run_requests import request_run
from store.errors import NoEarlierRun, StoreError
from store.queries import catalog, observations, releases, run_inputs, run_status, runs
from store.queries.run_status import RunMovedOn

log = structlog.get_logger(__name__)

REPORT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """Published, unchanged (`run_id` is that of the identical run), cancelled, or busy (another process runs it)."""

    status: str
    run_id: int | None = None


def run_forecast(
    *,
    dataset: str,
    as_of: date,
    config: ForecastConfig,
    engine: Engine,
    make_executor: ExecutorFactory,
    clock: Clock,
    run_id: int | None = None,
    fits: Path | None = None,
    on_progress: OnProgress | None = None,
) -> Outcome:
    """Publish forecasts of a dataset from the data known on `as_of`, unless the latest run is identical.

    `run_id` is a queued run to execute; by default a new run is queued. `fits` is a folder in which fits are kept until
    publication, so that a run whose process was killed is resumed by the next one with the same data.

    Raises:
        UnknownDataset: there is no such dataset.
        PanelError: the data are no panel; the run is kept as failed.
    """
    with run_status.try_lock(engine, dataset) as acquired:
        if not acquired:
            log.info("run.busy", dataset=dataset)
            return Outcome("busy")
        with Session(engine) as session:
            run_status.fail_orphans(session, dataset, clock())
            session.commit()
            request = _RunExecution(session, dataset, as_of, config, clock, run_id)
            identical = request.identical_run()
            if identical is None:
                with fit_folder(fits, dataset, now=clock()) as folder:
                    outcome = request.carry_out(engine, make_executor, folder, on_progress)
            else:
                request.end_unchanged(identical)
                outcome = Outcome("unchanged", identical)
            if outcome.run_id is not None and run_status.awaits_follow_up(session, outcome.run_id):
                _follow_up(session, dataset, outcome.run_id, make_executor, clock)
            return outcome


def _follow_up(session: Session, dataset: str, run_id: int, make_executor: ExecutorFactory, clock: Clock) -> None:
    """Scores, scenarios, alerts and attribution after publication; a failure here does not affect the published run.

    Every step may be repeated: the next run of the dataset does so if this process ends before the last one.
    """
    # A run as of a past day is scored at once on later observations.
    score_published(session, dataset)
    session.commit()
    update_stored_scenarios(session, run_id, clock=clock)
    evaluate_alert_rules(session, dataset, run_id, now=clock())
    session.commit()
    _attribute_changes(session, run_id, make_executor)
    run_status.end_follow_up(session, run_id, clock())
    session.commit()


def _attribute_changes(session: Session, run_id: int, make_executor: ExecutorFactory) -> None:
    try:
        change_attribution.attribute_changes(session, run_id, make_executor=make_executor)
    except NoEarlierRun:
        return
    except (StoreError, ValueError, BrokenExecutor) as error:
        session.rollback()
        log.warning("changes.not_explained", run=run_id, reason=failure_reason(error))


class _RunExecution:
    """Execution of one run from request to publication, with its session."""

    def __init__(
        self,
        session: Session,
        dataset: str,
        as_of: date,
        config: ForecastConfig,
        clock: Clock,
        run_id: int | None,
    ) -> None:
        self.session, self.as_of, self.config, self.clock = session, as_of, config, clock
        self.dataset = catalog.dataset(session, dataset)
        self.frame = observations.panel_frame(session, dataset, as_of)
        self.indicators = load_indicators(session, dataset, as_of)
        self.events = load_events(session, reporter=self.dataset.reporter, as_of=as_of)
        self.regressors = load_regressors(session, dataset, as_of)
        last = self.frame["ds"].max()
        data_hash = self.indicators.hash_into(hash_panel(self.frame), last)
        data_hash = self.regressors.hash_into(self.events.hash_into(data_hash, self.frame))
        self.data_hash = hash_into(data_hash, lent_totals(session, self.dataset, self.frame, as_of), last)
        self.queued = run_id
        self.vintage_cutoffs: list[date] = []

    def identical_run(self) -> int | None:
        """The latest run, if this one would be identical.

        Only the latest run counts: after a revision is reverted, the corrected figures must replace the error.
        """
        latest = runs.latest_published(self.session, self.dataset.id, self.as_of)
        mine = (self.data_hash, self.config.digest, code_version())
        if latest is None or mine != (latest.data_hash, latest.config_hash, latest.code_version):
            return None
        return latest.id

    def end_unchanged(self, identical: int) -> None:
        """Record that the run is unchanged."""
        log.info("run.unchanged", dataset=self.dataset.id, run=identical)
        if self.queued is not None:
            run_status.mark_unchanged(self.session, self.queued, identical_run=identical, finished_at=self.clock())
            self.session.commit()

    def carry_out(
        self,
        engine: Engine,
        make_executor: ExecutorFactory,
        folder: FitFolder | None,
        on_progress: OnProgress | None,
    ) -> Outcome:
        """Forecast, write and publish; a failed run is kept with its reason, and its fits in `folder`."""
        run_id = self.queued if self.queued is not None else self._queue()
        with structlog.contextvars.bound_contextvars(run=run_id, dataset=self.dataset.id):
            try:
                self._start(run_id)
                report = _report_to_store(engine, run_id, on_progress)
                self._publish(run_id, self._forecast(make_executor, folder, report))
            except RunMovedOn:
                # Cancelled meanwhile: the row has the reason already.
                self.session.rollback()
                log.warning("run.cancelled")
                return Outcome("cancelled", run_id)
            except BaseException as error:
                self._fail(run_id, error)
                raise
            if folder is not None:
                folder.remove()
            return Outcome("published", run_id)

    def _queue(self) -> int:
        run_id = request_run(
            self.session,
            dataset=self.dataset.id,
            as_of=self.as_of,
            config=self.config,
            now=self.clock(),
        )
        self.session.commit()
        return run_id

    def _start(self, run_id: int) -> None:
        cutoff = as_date(self.frame["ds"].max()) if len(self.frame) else self.as_of
        run_status.start(self.session, run_id, cutoff=cutoff, data_hash=self.data_hash, started_at=self.clock())
        self.session.commit()
        log.info("run.started", as_of=str(self.as_of), cutoff=str(cutoff), observations=len(self.frame))

    def _forecast(self, make_executor: ExecutorFactory, folder: FitFolder | None, report: OnProgress) -> PanelForecast:
        """The forecasts; repeated once if a worker died, usually by an operator's `kill`."""
        panel = read_panel(self.session, self.dataset, self.frame, self.as_of)
        vintage_values = vintage_values_of_folds(
            self.session, self.dataset, panel, as_of=self.as_of, config=self.config
        )
        self.vintage_cutoffs = months_of(panel, vintage_values)
        if lenders := donors(self.session, self.dataset, self.as_of):
            folds = fold_positions(panel, self.config)
            original = own_panel(self.dataset, self.frame)
            vintage_values = borrowed_at_cutoffs(panel, original, lenders, folds, vintage_values)
        terms: dict[str, Any] = {"config": self.config, "reporter": self.dataset.reporter, "on_progress": report}
        terms |= {"vintage_values": vintage_values}
        if folder is not None:
            terms |= {"open_record": folder.open_record, "new_array": folder.new_arrays()}
        terms |= {"indicators": self.indicators.panel(panel)}
        terms |= {"events": self.events.panel(panel, release_day=self.dataset.release_day)}
        terms |= {"regressors": self.regressors.panel(panel, release_day=self.dataset.release_day)}
        terms["given"] = totals_of_folds(
            self.session, self.dataset, panel, as_of=self.as_of, config=self.config, vintage_values=vintage_values
        )
        # Of a January released together with its February no forecast can be made, and none is scored.
        terms |= {"unscored": releases.combined_januaries_of(self.session, self.dataset.id)}
        try:
            with make_executor() as executor:
                return forecast_panel(panel, executor=executor, **terms)
        except BrokenExecutor as error:
            log.warning("run.worker_died", reason=str(error))
        with make_executor() as executor:
            return forecast_panel(panel, executor=executor, **terms)

    def _publish(self, run_id: int, forecast: PanelForecast) -> None:
        """Write everything and publish it, in one transaction."""
        ids = observations.series_ids(self.session, self.dataset.id)
        series_ids = np.array([ids[uid] for uid in forecast.unique_ids])
        run_inputs.write(self.session, run_id, ids=ids, frame=self.frame)
        write_run(self.session, run_id, ids, series_ids, forecast)
        run_status.analyze_tables(self.session)
        failures = [asdict(failure) for failure in forecast.failures]
        run_status.publish(
            self.session,
            run_id,
            finished_at=self.clock(),
            failures=failures,
            vintage_cutoffs=self.vintage_cutoffs,
            conditional_coverage=[asdict(row) for row in forecast.backtest.conditional_coverage],
        )
        self.session.commit()
        for failure in forecast.failures:
            log.warning("forecaster.failed", **asdict(failure))
        for unique_id, status in zip(forecast.unique_ids, forecast.statuses, strict=True):
            if status:
                log.info("series.status", unique_id=unique_id, status=status)
        log.info("run.published", series=len(series_ids), failures=len(failures))

    def _fail(self, run_id: int, error: BaseException) -> None:
        self.session.rollback()
        reason = failure_reason(error)
        run_status.fail(self.session, run_id, finished_at=self.clock(), reason=reason)
        self.session.commit()
        log.error("run.failed", reason=reason)


def as_date(moment: Any) -> date:
    """The day of a timestamp or a month."""
    return pd.Timestamp(moment).date()


def _report_to_store(engine: Engine, run_id: int, on_progress: OnProgress | None) -> OnProgress:
    """Report progress to the caller at once, and to the run's row about once a second."""
    last = [-REPORT_SECONDS]

    def report(stage: str, done: int, total: int) -> None:
        if on_progress:
            on_progress(stage, done, total)
        now = time.monotonic()
        if done < total and now - last[0] < REPORT_SECONDS:
            return
        last[0] = now
        with Session(engine) as session:
            run_status.progress(session, run_id, stage=stage, done=done, total=total)
            session.commit()
        log.debug("run.progress", stage=stage, done=done, total=total)

    return report
