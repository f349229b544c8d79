"""How fast it is, beside what would be used instead, as ratios measured in one run.

`python -m benchmarks.speed [--quick] [--only PART ...] [--output FILE]`: a run of CN_CLEANTECH beside stock prophet and
statsforecast, processes beside a dask cluster, growth with the number of series, storing beside a raw COPY, serving
beside a bare handler. Quick samples less, and stops at 1,000 series. Serving answers from the run of Fitting, or from
one of few folds and forecasters where Fitting is left out.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from benchmarks import panels, scale
from benchmarks.fitting import CONFIG, fit_rate, ours_a_fold, peers_a_fold, whole_run
from benchmarks.routing import measure_routing
from benchmarks.serving import measure_serving
from benchmarks.storing import storing_ratio
from forecasting.evaluation.series_fits import SeriesTask
from forecasting.forecasters import DEFAULT_FORECASTERS
from jobs.execution.dask_cluster import dask_cluster
from jobs.execution.executors import available_cores, process_pool
from store import embedded_postgres
from store.database import make_engine
from store.migration import migrate
from store.queries.runs import latest_published

Row = tuple[str, ...]


def fits_and_run(engine: Engine, *, quick: bool) -> Iterator[str]:
    """The run beside the peers, and its profile."""
    problem = panels.cn_cleantech()
    last = len(problem.panel.months) - 1
    count, cutoffs = (3, (last - 20, last - 8)) if quick else (8, (last - 23, last - 12, last))
    config = replace(CONFIG, folds=3, burn_in=3) if quick else CONFIG
    taken, profile = whole_run(engine, process_pool, config=config)
    peers = peers_a_fold(problem, series=count, cutoffs=cutoffs, horizon=CONFIG.horizon)
    prophet = ours_a_fold(problem, ("prophet",), series=count, cutoffs=cutoffs)
    every = ours_a_fold(problem, DEFAULT_FORECASTERS, series=count, cutoffs=cutoffs)
    long = panels.cn_trade()
    end = len(long.panel.months)
    longest = ours_a_fold(long, DEFAULT_FORECASTERS, series=1, cutoffs=range(end - 2 * count, end))
    series, folds = len(problem.panel.unique_ids), config.folds + 1
    rows = [(name, f"{1000 * single.wall:.0f}", f"{1000 * single.processor:.0f}") for name, single in peers.items()]
    rows += [
        ("our Prophet", f"{1000 * prophet.wall:.1f}", f"{1000 * prophet.processor:.1f}"),
        (f"all {len(DEFAULT_FORECASTERS)} of ours", f"{1000 * every.wall:.1f}", f"{1000 * every.processor:.1f}"),
        (f"the same, {end} months", f"{1000 * longest.wall:.1f}", f"{1000 * longest.processor:.1f}"),
    ]
    wall, processor = (sum(getattr(single, field) for single in peers.values()) * series * folds for field in _FIELDS)
    stock = peers["Prophet"]
    yield _table(("a series and fold, ms", "by the clock", "processor"), rows)
    yield _table(
        ("what", "ratio", "target"),
        [
            ("stock Prophet over ours, a fold, processor", f"{stock.processor / prophet.processor:.0f}", ">= 40"),
            (
                f"stock peers one by one over the whole run, {series} series x {folds} folds, by the clock",
                f"{wall / taken.wall:.1f} ({wall:.0f} s from the sample, {taken.wall:.0f} s)",
                ">= 20",
            ),
            (
                "the same in processor time",
                f"{processor / taken.processor:.1f} ({processor:.0f} s, {taken.processor:.0f} s)",
                "",
            ),
        ],
    )
    yield (
        f"The run fits {config.burn_in} folds more, from which its first weights and intervals are learnt, and draws\n"
        "paths, reconciles, scores and stores; the peers only fit and forecast, with their own intervals. Their time\n"
        f"is the mean over {count} series x {len(cutoffs)} cutoffs, their libraries loaded before."
    )
    yield f"### Where the run's own process spends its time\n\nFits are the workers'.\n\n```\n{profile}\n```"


PARTS = ("Fitting", "Serving", "Storing", "Executors", "Growth")
SERVED_FORECASTERS = ("naive", "seasonal_naive")
_FIELDS = ("wall", "processor")


def executors(*, quick: bool) -> Iterator[str]:
    """Series fitted a second by processes and by the workers of a cluster on this machine."""
    problem = panels.cn_cleantech()
    last = len(problem.panel.months) - 1
    tasks = [
        SeriesTask(uid, problem.panel.months[0], y, problem.reporter, tuple(range(last - 5, last)), 24, ())
        for uid, y in zip(problem.panel.unique_ids, problem.panel.values, strict=True)
    ][:: 8 if quick else 4]
    tasks = [replace(task, forecasters=DEFAULT_FORECASTERS) for task in tasks]
    rows = []
    single = 0.0
    for count in range(1, available_cores() + 1):
        rate = fit_rate(tasks, partial(process_pool, count))
        single = single or rate
        rows.append((f"{count} processes", f"{rate:.1f}", f"{rate / single:.2f}"))
    for count in range(1, available_cores() + 1):
        with _cluster(count) as address:
            rate = fit_rate(tasks, partial(dask_cluster, address))
        rows.append((f"dask, {count} workers", f"{rate:.1f}", f"{rate / single:.2f}"))
    yield _table(("where", "series of 5 folds a second", "over one process"), rows)


@contextmanager
def _cluster(workers: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "scheduler.json"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        words = [sys.executable, "-m"]
        scheduler = [*words, "distributed.cli.dask_scheduler", "--no-dashboard", "--host", "127.0.0.1", "--port", "0"]
        worker = [*words, "distributed.cli.dask_worker", "--no-dashboard", "--nthreads", "1", "--no-nanny"]
        given = ["--scheduler-file", str(file)]
        started = [subprocess.Popen([*scheduler, *given], **quiet)]  # type: ignore[call-overload]
        started += [subprocess.Popen([*worker, *given], **quiet) for _ in range(workers)]  # type: ignore[call-overload]
        try:
            while not file.exists():
                time.sleep(0.1)
            time.sleep(10)
            yield json.loads(file.read_text())["address"]
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait()


def growth(sizes: Sequence[int]) -> Iterator[str]:
    """A run by the number of series, each size in a process of its own with its workers."""
    rows = []
    for size in sizes:
        command = [sys.executable, "-m", "benchmarks.scale", str(size)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        milliseconds = 1000 * found["processor"] / found["series"]
        memory = f"{found['megabytes']:,.0f}"
        rows.append(
            (f"{found['series']:,}", f"{milliseconds:.1f}", f"{found['seconds']:,.0f}", memory, f"{found['scores']:,}")
        )
    head = ("series", "processor ms a series", "seconds", "peak MB, workers too", "scores")
    yield _table(head, rows)
    given = scale.CONFIG
    yield (
        f"{given.folds} scored folds and {given.burn_in} before them, {given.draws:,} paths, horizon {given.horizon}, "
        f"{len(given.forecasters)} forecasters that cost little\n({', '.join(given.forecasters)}), on a made-up panel "
        "(`benchmarks/scale.py`), without storing. Memory is the\nresident memory of the parent and its workers "
        "together, shared pages counted in each. Targets: flat, and under 4,000 MB\nat 10,000 series."
    )


def serving(engine: Engine, url: str, *, quick: bool) -> Iterator[str]:
    """The API beside a bare handler, answering from the latest run; one is made where there is none."""
    with Session(engine) as session:
        missing = latest_published(session, "CN_CLEANTECH") is None
    if missing:
        whole_run(engine, process_pool, config=replace(CONFIG, folds=3, burn_in=3, forecasters=SERVED_FORECASTERS))
    yield _table(("what", "figure", "target"), measure_serving(url, seconds=0.5 if quick else 1.0))
    yield "One process of each, asked in turn; the generator has a process of its own on the same machine."
    rows = [(name, f"{milliseconds:.2f}") for name, milliseconds in measure_routing().items()]
    yield _table(("an answer of one byte, in process", "processor ms"), rows)


def storing(engine: Engine, *, quick: bool) -> Iterator[str]:
    """COPY beside COPY."""
    found = storing_ratio(engine, rounds=1 if quick else 2)
    seconds = f"{found['ratio']:.2f} ({found['ours']:.1f} and {found['raw']:.1f} s)"
    yield _table(
        ("what", "ratio", "target"),
        [(f"10,000 series x 24 months, {found['rows']:,.0f} rows: raw COPY over ours", seconds, ">= 0.7")],
    )
    yield "Raw is the same bytes, made before, sent to the same tables with their keys and checks."


def _table(head: Row, rows: Sequence[Row]) -> str:
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    load = os.getloadavg()[0]
    return (
        f"{available_cores()} cores ({platform.machine()}), {memory:.0f} GB, {platform.system()}, "
        f"Python {platform.python_version()}; the load average was {load:.1f} when it began"
    )


def main() -> None:
    """Run every part, print it, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="*", default=list(PARTS), choices=PARTS, help="parts to measure")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    only = f"--only {' '.join(given.only)}" if given.only != list(PARTS) else ""
    words = " ".join(word for word in ("--quick" if given.quick else "", only) if word)
    arguments = f' ARGS="{words}"' if words else ""
    sections = [f"# Speed\n\n`make bench-speed{arguments}` on {_machine()}. Ratios, each measured in this run."]
    sizes = (100, 1000) if given.quick else (100, 1000, 10_000)
    with tempfile.TemporaryDirectory(prefix="tw-") as directory, embedded_postgres.start(Path(directory)) as url:
        engine = make_engine(url)
        migrate(engine)
        parts = {
            "Fitting": fits_and_run(engine, quick=given.quick),
            "Serving": serving(engine, url, quick=given.quick),
            "Storing": storing(engine, quick=given.quick),
            "Executors": executors(quick=given.quick),
            "Growth": growth(sizes),
        }
        for title in given.only:
            paragraphs = parts[title]
            sections.append("\n\n".join([f"## {title}", *paragraphs]))
            print(sections[-1], flush=True)
            # Figures measured so far survive an interruption.
            if given.output:
                given.output.parent.mkdir(parents=True, exist_ok=True)
                given.output.write_text("\n\n".join(sections) + "\n", encoding="utf-8")
        engine.dispose()


if __name__ == "__main__":
    main()
