"""Where series are fitted: the one seam for fan-out is `concurrent.futures.Executor`.

This module imports nothing numerical: a worker sets its thread limits here before anything reads them.
"""

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager

from jobs.execution.process_supervisor import stop_with_parent

ExecutorFactory = Callable[[], AbstractContextManager[Executor]]
THREAD_LIMITS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@contextmanager
def process_pool(workers: int | None = None) -> Iterator[Executor]:
    """A pool of `workers` processes, by default one a core, each with one numerical thread.

    Leaving the block by an exception drops what has not begun.
    """
    count = workers or available_cores()
    with _one_thread_each():
        # Spawned, not forked: a fork would share our connections, locks and thread pools.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(count, context, initializer=_prepare_worker, initargs=(os.getpid(),))
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()


def available_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def silence_plots() -> None:
    """Keep prophet from complaining that plotly, which nothing here draws with, is missing."""
    # prophet sets this logger's level itself when it is imported.
    logging.getLogger("prophet.plot").disabled = True


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Set the limits that workers inherit, and put back what was there."""
    before = {name: os.environ.get(name) for name in THREAD_LIMITS}
    os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _prepare_worker(owner: int) -> None:
    stop_with_parent(owner)
    # Ctrl-C reaches every process of a terminal; only the one that owns the pool answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    silence_plots()
