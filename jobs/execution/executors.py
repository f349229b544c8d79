"""Process pool in which series are fitted; the interface is `concurrent.futures.Executor`.

This module imports no numerical library, so that a worker can set thread limits before one reads them.
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
    """A pool of `workers` processes, by default one per core, each with one numerical thread.

    Leaving the block by an exception cancels pending tasks and stops the workers, one of which may hang.
    """
    count = workers or available_cores()
    others = set(multiprocessing.active_children())
    with _one_thread_each():
        # Spawned, not forked: a fork would share connections, locks and thread pools.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(count, context, initializer=_prepare_worker, initargs=(os.getpid(),))
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in set(multiprocessing.active_children()) - others:
                worker.kill()
            raise
        pool.shutdown()


def available_cores() -> int:
    """Number of cores available to this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def silence_plots() -> None:
    """Silence the warning of prophet that plotly, which is not used, is missing."""
    # prophet sets the level of this logger when it is imported.
    logging.getLogger("prophet.plot").disabled = True


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Set the limits that workers inherit, and restore the previous ones afterwards."""
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
    # Ctrl-C reaches every process of a terminal; only the owner of the pool handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    silence_plots()
