"""The schedule of a deployment: the next and the last fetch and run of each dataset and indicator, with reasons."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session

from store.queries import catalog, fetch_attempts, indicator_releases, indicators, releases, runs
from store.queries.fetch_attempts import SourceRecord
from store.queries.indicator_releases import IndicatorReleaseRecord
from store.queries.releases import ReleaseRecord

FINISHED = ("published", "unchanged", "failed")
RECENT_RUNS = 10
Awaited = ReleaseRecord | IndicatorReleaseRecord


@dataclass(frozen=True, slots=True)
class PollInterval:
    """The pause after the first poll of a source; it doubles after each poll up to the longest."""

    first: timedelta = timedelta(minutes=10)
    longest: timedelta = timedelta(hours=4)

    def next_poll(self, awaited: Awaited) -> datetime:
        """The time of the next poll for an awaited release."""
        if awaited.polled_at is None:
            return awaited.due_from
        pause = self.first
        for _ in range(awaited.polls - 1):
            pause = min(2 * pause, self.longest)
        return awaited.polled_at + min(pause, self.longest)


class ScheduledTask(NamedTuple):
    """A task of the scheduler for a dataset or an indicator (None for the other): fetch or run.

    `next_at` is None where the task waits for an event rather than for a time; a time in the past means the next tick.
    """

    dataset: str | None
    task: str
    next_at: datetime | None
    reason: str
    last_at: datetime | None
    last_outcome: str | None
    last_reason: str | None
    indicator: str | None = None


def scheduled_tasks(
    session: Session, *, now: datetime, interval: PollInterval, receives_data: bool
) -> list[ScheduledTask]:
    """The tasks of every dataset, then of every indicator. `receives_data` says whether the deployment has feeds."""
    sources = {source.dataset: source for source in fetch_attempts.sources(session).rows}
    tasks = []
    for dataset in [record.id for record in catalog.datasets(session)]:
        if receives_data:
            tasks.append(_fetch(dataset, sources.get(dataset), _awaited(session, dataset, now), now, interval))
        tasks.append(_run(session, dataset))
    if receives_data:
        for record in indicators.indicators(session):
            awaited = indicator_releases.next_due(session, record.id)
            fetch = _fetch(record.id, sources.get(record.id), awaited, now, interval)
            tasks.append(fetch._replace(dataset=None, indicator=record.id))
    return tasks


def next_poll(session: Session, *, now: datetime, interval: PollInterval) -> datetime | None:
    """The earliest future time at which a release of any dataset or indicator is to be polled."""
    awaited: list[Awaited | None] = [_awaited(session, record.id, now) for record in catalog.datasets(session)]
    awaited += [indicator_releases.next_due(session, record.id) for record in indicators.indicators(session)]
    times = [interval.next_poll(release) for release in awaited if release is not None]
    return min((time for time in times if time > now), default=None)


def _awaited(session: Session, dataset: str, now: datetime) -> ReleaseRecord | None:
    """The oldest release that is due, or else the next one of the calendar."""
    due = releases.due(session, now, dataset)
    return due[0] if due else releases.next_due(session, dataset)


def _fetch(
    dataset: str, source: SourceRecord | None, awaited: Awaited | None, now: datetime, interval: PollInterval
) -> ScheduledTask:
    last = (source.last_attempt_at, source.outcome, source.last_failure) if source else (None, None, None)
    reason = "no release is in the calendar" if awaited is None else _describe(awaited, now)
    next_at = interval.next_poll(awaited) if awaited else None
    return ScheduledTask(dataset, "fetch", next_at, reason, last[0], last[1], last[2] if last[1] == "failed" else None)


def _describe(awaited: Awaited, now: datetime) -> str:
    state = "was" if awaited.due_from <= now else "is"
    times = "once" if awaited.polls == 1 else f"{awaited.polls} times"
    polls = f", polled {times}" if awaited.polls else ""
    return f"{awaited.period:%Y-%m} {state} due {awaited.due_from:%Y-%m-%d %H:%M} UTC{polls}"


def _run(session: Session, dataset: str) -> ScheduledTask:
    follows = "new observations or indicators" if indicators.uses(session, dataset) else "new observations"
    recent = runs.page(session, dataset_id=dataset, limit=RECENT_RUNS).rows
    waiting = [run for run in recent if run.status not in FINISHED]
    reason = f"run {waiting[-1].id} is {waiting[-1].status}" if waiting else f"follows {follows}"
    next_at = waiting[-1].requested_at if waiting else None
    last = next((run for run in recent if run.status in FINISHED), None)
    if last is None:
        return ScheduledTask(dataset, "run", next_at, reason, None, None, None)
    cause = str(last.failures[0].get("reason")) if last.status == "failed" and last.failures else None
    return ScheduledTask(dataset, "run", next_at, reason, last.finished_at, last.status, cause)
