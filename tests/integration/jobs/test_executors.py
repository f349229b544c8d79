"""The processes that fit series, and what becomes of them."""

import gc
import os
import signal
import subprocess
import sys
import time
import weakref
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from jobs.execution.executors import process_pool, shared

OWNER = """
import os, time
from jobs.execution.executors import process_pool

if __name__ == "__main__":
    with process_pool(1) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        time.sleep(60)
"""


def is_alive(process):
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


def has_ended(process, *, seconds=10.0):
    """Whether a process ends within some seconds."""
    deadline = time.monotonic() + seconds
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not is_alive(process)


def test_workers_end_with_the_process_that_they_work_for(tmp_path):
    script = tmp_path / "owner.py"
    script.write_text(OWNER)
    path = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, env=path, text=True) as owner:
        assert owner.stdout
        worker = int(owner.stdout.readline())
        assert is_alive(worker)
        owner.send_signal(signal.SIGKILL)
        owner.wait(10)
        assert has_ended(worker, seconds=30)


def test_a_worker_that_hangs_ends_with_the_block():
    workers, tasks = [], []

    def hang():
        with process_pool(1) as pool:
            workers.append(pool.submit(os.getpid).result())
            tasks.append(pool.submit(time.sleep, 600))
            tasks[0].result(timeout=0.5)

    with pytest.raises(TimeoutError):
        hang()
    assert has_ended(workers[0])
    # The task is not repeated, which would take another worker.
    with pytest.raises(CancelledError):
        tasks[0].result(timeout=10)


def kill_once(marker):
    """Kill the worker at the first call, and give its number at later ones."""
    try:
        Path(marker).touch(exist_ok=False)
    except FileExistsError:
        return os.getpid()
    os.kill(os.getpid(), signal.SIGKILL)
    return None


def kill_always():
    os.kill(os.getpid(), signal.SIGKILL)


def test_the_death_of_a_worker_costs_the_tasks_in_progress(tmp_path):
    with process_pool(2) as pool:
        done = pool.submit(pow, 2, 5)
        assert done.result() == 32
        tasks = [pool.submit(pow, 2, power) for power in range(20)]
        dying = pool.submit(kill_once, str(tmp_path / "killed"))
        assert [task.result() for task in tasks] == [2**power for power in range(20)]
        assert dying.result() > 0


def test_a_task_that_always_kills_its_worker_is_given_up_and_others_go_on():
    with process_pool(1) as pool:
        with pytest.raises(BrokenProcessPool):
            pool.submit(kill_always).result()
        assert pool.submit(pow, 2, 5).result() == 32


def test_an_exception_of_a_task_is_its_own():
    with process_pool(1) as pool:
        with pytest.raises(ZeroDivisionError):
            pool.submit(divmod, 1, 0).result()
        assert pool.submit(pow, 2, 5).result() == 32


def test_a_result_is_freed_with_its_future():
    gc.disable()
    try:
        with process_pool(1) as pool:
            future = pool.submit(np.arange, 3)
            result = weakref.ref(future.result())
            del future
            # Ends after the callbacks of the first.
            assert pool.submit(pow, 2, 5).result() == 32
            assert result() is None
    finally:
        gc.enable()


def test_blocks_of_a_shared_pool_use_the_same_workers():
    with shared(partial(process_pool, 1)) as lend:
        with lend() as first:
            worker = first.submit(os.getpid).result()
        with pytest.raises(ZeroDivisionError), lend() as failing:
            failing.submit(divmod, 1, 0).result()
        with lend() as last:
            assert last.submit(os.getpid).result() == worker
    assert has_ended(worker)


def test_a_worker_that_hangs_in_a_shared_pool_ends_with_the_outer_block():
    workers = []

    def hang(make_executor):
        with make_executor() as pool:
            workers.append(pool.submit(os.getpid).result())
            pool.submit(time.sleep, 600).result(timeout=0.5)

    with shared(partial(process_pool, 1)) as lend:
        with pytest.raises(TimeoutError):
            hang(lend)
        assert is_alive(workers[0])
    assert has_ended(workers[0])


def test_a_cancelled_task_does_not_reach_a_worker(tmp_path):
    with process_pool(1) as pool:
        pool.submit(os.getpid).result()
        # Two tasks are with the worker or on their way to it.
        busy = [pool.submit(time.sleep, 0.3) for _ in range(3)]
        cancelled = pool.submit(Path.touch, tmp_path / "done")
        assert cancelled.cancel()
        assert [task.result() for task in busy] == [None] * 3
        assert pool.submit(pow, 2, 5).result() == 32
    assert not (tmp_path / "done").exists()
