"""`python -m benchmarks.scale_report`: processor time by stage, memory and stored bytes of runs of two sizes.

The runs have the folds, horizon and draws of scheduled runs and the forecasters of `benchmarks.scale`, which cost
little; the fits of all forecasters are measured on a few series. Figures of larger runs lie on the line through the two
sizes, and the report marks them as computed. Processor time does not depend on the machine's other work.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import sqlalchemy as sa
from sqlmodel import Session

from benchmarks.scale import CONFIG, Peak, made_up_panel
from forecasting.config import ForecastConfig
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.pipeline import forecast_panel
from jobs.execution.executors import process_pool
from jobs.runs.run_writer import write_run
from services.datasets.datasets import add_codes
from services.runs.run_requests import request_run
from store import embedded_postgres
from store.database import make_engine
from store.migration import migrate
from store.models import Table
from store.queries import catalog

FITTED = 20
"""About as many series are forecast with all forecasters."""
RUNS = 4
"""So many runs of them are stored and counted."""
SIZES = (200, 1_000)
LARGER = (1_000, 10_000, 100_000)
STAGES = {
    "fit_all": "fit, all forecasters (workers)",
    "evaluate": "combine, evaluate folds, draw paths (driver)",
    "store": "write (driver)",
}


def measure(size: int) -> dict[str, float]:
    """Processor seconds by stage, megabytes and stored bytes of a run of about so many series."""
    panel = made_up_panel(size)
    config = ForecastConfig(forecasters=CONFIG.forecasters)
    fitted_at: list[float] = []

    def note_fit(stage: str, done: int, total: int) -> None:
        if stage == "fit" and done == total:
            fitted_at.append(time.process_time())

    with Peak() as peak:
        with process_pool() as pool:
            made = forecast_panel(panel, config=config, reporter="CHN", executor=pool, on_progress=note_fit)
        evaluated = time.process_time()
        with _empty_store(made.unique_ids) as (session, ids):
            ready = time.process_time()
            _write(session, made, ids, days=range(1))
            stored = time.process_time() - ready
    driver = psutil.Process().memory_info().rss / 1e6
    return {
        "series": len(panel.unique_ids),
        "evaluate": evaluated - fitted_at[0],
        "store": stored,
        "driver_megabytes": driver,
        "peak_megabytes": peak.megabytes,
    }


def measure_all() -> dict[str, Any]:
    """Processor seconds of the fits of one series, and its stored bytes by table, with all forecasters."""
    panel, config = made_up_panel(FITTED), ForecastConfig()
    # The first call loads libraries.
    forecast_at_cutoffs(panel, cutoffs=[len(panel.months) - 1], horizon=config.horizon, reporter="CHN")
    started, fitted_at = time.process_time(), []

    def note_fit(stage: str, done: int, total: int) -> None:
        if stage == "fit" and done == total:
            fitted_at.append(time.process_time())

    made = forecast_panel(panel, config=config, reporter="CHN", on_progress=note_fit)
    series = len(panel.unique_ids)
    stored = {table: size / series for table, size in _stored_bytes(made).items()}
    return {"series": series, "fit": (fitted_at[0] - started) / series, "bytes": stored}


@contextmanager
def _empty_store(unique_ids: tuple[str, ...]) -> Iterator[tuple[Session, dict[str, int]]]:
    """A server of its own with the tables, the made-up series and no run."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory,
        embedded_postgres.start(Path(directory), durable=False) as url,
    ):
        engine = make_engine(url)
        migrate(engine)
        with Session(engine) as session:
            yield session, _series(session, unique_ids)
        engine.dispose()


def _stored_bytes(made: Any) -> dict[str, float]:
    """The bytes that a run adds to each table, indexes included.

    The first run is not counted: it pays for the first page of every table and index.
    """
    with _empty_store(made.unique_ids) as (session, ids):
        _write(session, made, ids, days=range(1))
        before = _sizes(session)
        _write(session, made, ids, days=range(1, 1 + RUNS))
        return {table: (size - before[table]) / RUNS for table, size in _sizes(session).items()}


def _write(session: Session, made: Any, ids: dict[str, int], *, days: range) -> None:
    """A run for each of so many days of January."""
    for day in days:
        moment = datetime(2026, 1, 1 + day, tzinfo=UTC)
        run = request_run(session, dataset="SCALE", as_of=moment.date(), config=ForecastConfig(), now=moment)
        write_run(session, run, ids, np.array(list(ids.values())), made)
        session.commit()


def _sizes(session: Session) -> dict[str, float]:
    tables = [name for name, table in Table.metadata.tables.items() if "run_id" in table.c]
    query = sa.text(
        "SELECT name, pg_total_relation_size(CAST(name AS regclass)) FROM unnest(CAST(:names AS text[])) name"
    )
    return {name: float(size) for name, size in session.execute(query, {"names": tables})}


def _series(session: Session, unique_ids: tuple[str, ...]) -> dict[str, int]:
    """Numbers of made-up series under the names of the panel."""
    add_codes(session)
    about = dict.fromkeys(("title", "unit", "publisher", "licence", "citation"), "made up")
    catalog.add_dataset(session, id="SCALE", reporter="CHN", currency="USD", release_day=9, **about)
    parts = [name.split(".")[-2:] for name in unique_ids]
    for table, column, value, place in (
        ("partner", "is_group", "false", 0),
        ("sector", "classification", "'made up'", 1),
    ):
        statement = (
            f"INSERT INTO {table} (code, name, {column}) SELECT c, c, {value} "
            "FROM unnest(CAST(:codes AS text[])) c ON CONFLICT DO NOTHING"
        )
        session.execute(sa.text(statement), {"codes": sorted({part[place] for part in parts})})
    statement = (
        "INSERT INTO series (dataset_id, flow, partner, sector) SELECT 'SCALE', 'X', p, s "
        "FROM unnest(CAST(:partners AS text[]), CAST(:sectors AS text[])) AS u (p, s) RETURNING id"
    )
    given = {"partners": [part[0] for part in parts], "sectors": [part[1] for part in parts]}
    return dict(zip(unique_ids, session.execute(sa.text(statement), given).scalars(), strict=True))


def report(measured: list[dict[str, float]], whole: dict[str, Any]) -> str:
    """The measured runs and those that follow from them, as Markdown."""
    small, large = measured
    for row in measured:
        row["fit_all"] = whole["fit"] * row["series"]
    sizes = [*LARGER] if large["series"] < LARGER[0] else [*LARGER[1:]]
    heads = [f"{row['series']:,.0f} series, measured" for row in measured] + [
        f"{size:,} series, computed" for size in sizes
    ]
    lines = ["| | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]

    def line(name: str, key: str, unit: str) -> None:
        slope = (large[key] - small[key]) / (large["series"] - small["series"])
        values = [row[key] for row in measured] + [large[key] + slope * (size - large["series"]) for size in sizes]
        lines.append(f"| {name} | " + " | ".join(f"{value:,.0f} {unit}" for value in values) + " |")

    for key, name in STAGES.items():
        line(name, key, "s")
    line("memory of the driver after the run", "driver_megabytes", "MB")
    line("greatest memory, workers included", "peak_megabytes", "MB")
    config, kilobytes = ForecastConfig(), sum(whole["bytes"].values()) / 1000
    about = (
        f"`make bench-scale`: processor seconds and memory of runs with {config.folds} folds, {config.horizon} months",
        f"and {config.draws:,} draws, with four forecasters that cost little. Computed columns lie on the line through",
        f"the two measured sizes. With all forecasters, measured on {whole['series']} series, the fits of a series",
        f"take {whole['fit']:.2f} s of the workers, and a run stores {kilobytes:,.0f} kB for a series,",
        "indexes included:",
    )
    return "\n".join(["# Scale", "", *about, "", *_by_table(whole["bytes"]), "", *lines, ""])


def _by_table(stored: dict[str, float]) -> list[str]:
    """The tables in which a series takes a kilobyte or more."""
    large = sorted((table for table in stored if stored[table] >= 1000), key=lambda table: -stored[table])
    return [
        "| table | kB a series |",
        "|---|---:|",
        *(f"| `{table}` | {stored[table] / 1000:,.0f} |" for table in large),
    ]


def main() -> None:
    """Measure each size in a process of its own and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs=2, default=SIZES)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure is not None:
        print(json.dumps(measure(given.measure) if given.measure else measure_all()))
        return
    found = [_measured_apart(size) for size in (*given.sizes, 0)]
    text = report(found[:2], found[2])
    print(text)
    if given.output:
        given.output.write_text(text)


def _measured_apart(size: int) -> Any:
    command = [sys.executable, "-m", "benchmarks.scale_report", "--measure", str(size)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
