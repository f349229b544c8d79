"""Process pool in which series are fitted; the interface is `concurrent.futures.Executor`.

This module imports no numerical library, so that a worker can set thread limits before one reads them.
"""

import logging
import multiprocessing
import os
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

from jobs.execution.process_supervisor import stop_with_parent

ExecutorFactory = Callable[[], AbstractContextManager[Executor]]
REPEATS = 3
"""How often a task is repeated after the death of a worker."""
THREAD_LIMITS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@contextmanager
def process_pool(workers: int | None = None) -> Iterator[Executor]:
    """A pool of `workers` processes, by default one per core, each with one numerical thread.

    The death of a worker costs the tasks in progress, which are repeated. Leaving the block by an exception cancels
    pending tasks and stops the workers, one of which may hang.
    """
    count = workers or available_cores()
    others = set(multiprocessing.active_children())
    with _one_thread_each():
        pool = ReplacingPool(partial(_spawn_pool, count))
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in set(multiprocessing.active_children()) - others:
                worker.kill()
            raise
        pool.shutdown()


class SharedFailed(Exception):
    """A block that used a shared executor failed; its own caller has the exception."""


@contextmanager
def shared(make_executor: ExecutorFactory) -> Iterator[ExecutorFactory]:
    """A factory whose blocks, also in several threads, use one executor, so that workers start once.

    The executor ends with the outer block, and by an exception if one of its blocks did: a worker may hang.
    """
    failures = list[Exception]()

    @contextmanager
    def lend() -> Iterator[Executor]:
        try:
            yield executor
        except Exception as error:
            failures.append(error)
            raise

    with suppress(SharedFailed), make_executor() as executor:
        yield lend
        if failures:
            raise SharedFailed(*failures)


def _spawn_pool(workers: int) -> ProcessPoolExecutor:
    # Spawned, not forked: a fork would share connections, locks and thread pools.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, initializer=_prepare_worker, initargs=(os.getpid(),))


class _Task(NamedTuple):
    """A task, its future, and how often it may still be repeated."""

    work: Callable[[], Any]
    future: Future[Any]
    repeats: int


class ReplacingPool(Executor):
    """A process pool that is replaced when it breaks: the death of one worker breaks a `ProcessPoolExecutor`.

    Tasks without a result are submitted again, up to REPEATS times each: one that always kills its worker raises
    `BrokenProcessPool` in the end. After `shutdown` nothing is submitted again, and such tasks are cancelled.
    """

    def __init__(self, make_pool: Callable[[], ProcessPoolExecutor]) -> None:
        self._make_pool, self._pool = make_pool, make_pool()
        self._lock, self._closed = threading.Lock(), False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """The future of a call in a worker process."""
        task = _Task(partial(fn, *args, **kwargs), Future(), REPEATS)
        self._send(task)
        return task.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def _send(self, task: _Task) -> None:
        with self._lock:
            try:
                inner = self._pool.submit(task.work)
            except BrokenProcessPool:
                if self._closed:
                    raise
                self._pool = self._make_pool()
                inner = self._pool.submit(task.work)
        inner.add_done_callback(partial(self._finish, task))
        # A block that fails cancels its tasks, which must not occupy a pool that others share. With a reference to one
        # another, the two futures would keep the result until the next garbage collection.
        waiting = weakref.ref(inner)
        task.future.add_done_callback(lambda _: _cancel(waiting()))

    def _repeat(self, task: _Task) -> None:
        try:
            self._send(task._replace(repeats=task.repeats - 1))
        except RuntimeError:  # shut down meanwhile
            task.future.cancel()

    def _finish(self, task: _Task, inner: Future[Any]) -> None:
        if inner.cancelled():
            task.future.cancel()
            return
        error = inner.exception()
        if isinstance(error, BrokenProcessPool) and task.repeats and not task.future.cancelled():
            # In a thread of its own: from Python 3.12 on, the broken pool holds its lock during this call.
            threading.Thread(target=self._repeat, args=(task,), daemon=True).start()
        elif task.future.set_running_or_notify_cancel():
            if error is None:
                task.future.set_result(inner.result())
            else:
                task.future.set_exception(error)


def _cancel(future: Future[Any] | None) -> None:
    if future is not None:
        future.cancel()


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
