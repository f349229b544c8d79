"""The processes that fit series, and what becomes of them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jobs.execution.executors import process_pool

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
        deadline = time.monotonic() + 30
        while is_alive(worker) and time.monotonic() < deadline:
            time.sleep(0.1)
    assert not is_alive(worker)


def test_a_worker_that_hangs_ends_with_the_block():
    workers = []

    def hang():
        with process_pool(1) as pool:
            workers.append(pool.submit(os.getpid).result())
            pool.submit(time.sleep, 600).result(timeout=0.5)

    with pytest.raises(TimeoutError):
        hang()
    deadline = time.monotonic() + 10
    while is_alive(workers[0]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_alive(workers[0])
