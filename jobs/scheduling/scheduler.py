"""The scheduler: a process that fetches due releases of datasets and indicators, forecasts new data and sends alerts.

Two schedulers are harmless: a run takes its dataset's advisory lock, and a run that would repeat the latest
one ends unchanged.
"""

import signal
import threading
from queue import SimpleQueue

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from jobs.scheduling.ticker import Ticker

log = structlog.get_logger(__name__)
STOP_SECONDS = 20.0


def run_scheduler(ticker: Ticker, *, tick_seconds: int) -> bool:
    """Tick until SIGTERM or Ctrl-C; a run in progress is then discarded as a whole.

    Returns whether the tick in progress has ended: one that waits for a remote server is abandoned after STOP_SECONDS.
    """
    # Triggers missed during a sleep of the machine fire once.
    scheduler = BackgroundScheduler(timezone="UTC", job_defaults={"coalesce": True, "misfire_grace_time": None})

    def tick() -> None:
        ticker.tick()
        due = ticker.next_poll()
        if due is not None and ticker.polls:
            # The next release is polled at its due time, not at the first tick after it.
            scheduler.add_job(tick, DateTrigger(due), id="release", replace_existing=True)

    every = IntervalTrigger(seconds=tick_seconds, jitter=min(tick_seconds // 10, 30) or None, timezone="UTC")
    scheduler.add_job(tick, every, id="tick", next_run_time=ticker.clock())
    scheduler.add_job(ticker.prune, IntervalTrigger(days=1, jitter=600, timezone="UTC"), id="retention")

    # APScheduler logs an exception that a handler raises in one of its threads, and continues.
    signals: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: signals.put(number))
    scheduler.start()
    log.info("scheduler.started", tick_seconds=tick_seconds)
    log.info("scheduler.stopping", signal=signal.Signals(signals.get()).name)
    ticker.stopping.set()
    # The tick runs in a thread of the scheduler and ends at the next series.
    shutdown = threading.Thread(target=scheduler.shutdown, daemon=True)
    shutdown.start()
    shutdown.join(STOP_SECONDS)
    log.info("scheduler.stopped", abandoned=shutdown.is_alive())
    return not shutdown.is_alive()
