"""Processor seconds and memory of a process and its workers, by stage of a run."""

import os
import threading
import time
from collections import defaultdict

import psutil

SAMPLED_SECONDS, CHILDREN_SECONDS = 0.05, 2.0


class StageMeter:
    """Measures the stages of a run, from `enter` to the next `enter` or to the end of the block.

    By stage: `driver` and `workers` are seconds of processor, `resident` is the greatest resident memory of this
    process and `anonymous` that part of it which the system cannot take back, in megabytes; a mapped file is not in it.
    `worker_megabytes` is the greatest resident memory of one worker.
    """

    def __init__(self) -> None:
        self.driver, self.workers = defaultdict[str, float](float), defaultdict[str, float](float)
        self.resident, self.anonymous = defaultdict[str, float](float), defaultdict[str, float](float)
        self.worker_megabytes = 0.0
        self._here, self._stage, self._before = psutil.Process(os.getpid()), "start", (0.0, 0.0)
        self._ended, self._thread = threading.Event(), threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "StageMeter":
        self._before = self._seconds()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.enter("end")
        self._ended.set()
        self._thread.join()

    def enter(self, stage: str) -> None:
        """The stage so far ends, another begins."""
        if stage == self._stage:
            return
        now = self._seconds()
        self.driver[self._stage] += now[0] - self._before[0]
        # Workers that ended meanwhile count no longer.
        self.workers[self._stage] += max(now[1] - self._before[1], 0.0)
        self._stage, self._before = stage, now

    def _seconds(self) -> tuple[float, float]:
        own = self._here.cpu_times()
        workers = sum(sum(usage[:2]) for usage in map(_times, self._here.children()) if usage)
        return own.user + own.system, workers

    def _watch(self) -> None:
        workers, looked_at = list[psutil.Process](), -CHILDREN_SECONDS
        while not self._ended.wait(SAMPLED_SECONDS):
            # Finding them takes milliseconds, which would count as the driver's.
            if time.monotonic() - looked_at > CHILDREN_SECONDS:
                workers, looked_at = self._here.children(), time.monotonic()
            held = self._here.memory_info()
            for most, size in ((self.resident, held.rss), (self.anonymous, held.rss - held.shared)):
                most[self._stage] = max(most[self._stage], size / 1e6)
            for worker in workers:
                try:
                    self.worker_megabytes = max(self.worker_megabytes, worker.memory_info().rss / 1e6)
                except psutil.NoSuchProcess:
                    continue


def _times(process: psutil.Process) -> tuple[float, ...]:
    try:
        return tuple(process.cpu_times())
    except psutil.NoSuchProcess:
        return ()
