"""`python -m benchmarks.scale_report`: processor time and memory by stage, and stored bytes, of large runs.

The runs have the folds, horizon and draws of scheduled runs. Those of many series have the forecasters of
`benchmarks.scale`, which cost little; the fits of all forecasters, and the bytes of their results, are measured on
fewer. Figures of larger runs lie on the line through the two sizes, and the report marks them as computed. Processor
time does not depend on the machine's other work.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session

from benchmarks.scale import CONFIG, made_up_panel
from benchmarks.stage_meter import StageMeter
from forecasting.config import ForecastConfig
from forecasting.pipeline import forecast_panel
from jobs.execution.executors import process_pool
from jobs.runs.kept_fits import FitFolder
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
SIZES = (1_000, 4_000)
LARGER = (10_000, 100_000)
MEMORY = {10_000: 4_000, 100_000: 8_000}
"""The targets of the driver's anonymous memory, in megabytes by series."""
CORES, HOURS = 2, 2.0
"""The target for the smaller of LARGER: hours of so many cores."""
STAGES = {
    "fit": "fit",
    "combine": "combine and reconcile the centres",
    "backtest": "draw and score the folds",
    "publish": "decompose, draw the published paths",
    "store": "write",
}


def measure(size: int, *, everything: bool) -> dict[str, Any]:
    """Seconds and megabytes by stage of a run of about so many series.

    With `everything` all forecasters are fitted, and stored bytes counted by table; else those that cost little.
    """
    panel = made_up_panel(size)
    config = ForecastConfig() if everything else ForecastConfig(forecasters=CONFIG.forecasters)
    # The first call loads libraries.
    forecast_panel(made_up_panel(20), config=CONFIG, reporter="CHN")
    with StageMeter() as meter:

        def follow(stage: str, done: int, total: int) -> None:
            after = {"fit": "combine", "backtest": "publish"}
            meter.enter(after[stage] if done == total else stage)

        with process_pool() as pool, tempfile.TemporaryDirectory() as folder:
            meter.enter("fit")
            kept = FitFolder(Path(folder))
            made = forecast_panel(
                panel,
                config=config,
                reporter="CHN",
                executor=pool,
                open_record=kept.open_record,
                new_array=kept.new_arrays(),
                on_progress=follow,
            )
            # The processor time of workers is read while they live.
            meter.enter("end")
        with _empty_store(made.unique_ids) as (session, ids):
            meter.enter("store")
            _write(session, made, ids, days=range(1))
            meter.enter("end")
    return {
        "series": len(panel.unique_ids),
        "driver": {stage: meter.driver[stage] for stage in STAGES},
        "workers": {stage: meter.workers[stage] for stage in STAGES if stage != "store"},
        "resident": {stage: meter.resident[stage] for stage in STAGES},
        "anonymous": {stage: meter.anonymous[stage] for stage in STAGES},
        "worker_megabytes": meter.worker_megabytes,
        "bytes": _stored_bytes(made) if everything else {},
    }


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
    """The bytes that a run adds for a series to each table, indexes included.

    The first run is not counted: it pays for the first page of every table and index.
    """
    with _empty_store(made.unique_ids) as (session, ids):
        _write(session, made, ids, days=range(1))
        before = _sizes(session)
        _write(session, made, ids, days=range(1, 1 + RUNS))
        added = RUNS * len(made.unique_ids)
        return {table: (size - before[table]) / added for table, size in _sizes(session).items()}


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


def report(measured: list[dict[str, Any]], whole: dict[str, Any]) -> str:
    """The measured runs and those that follow from them, as Markdown."""
    config, kilobytes = ForecastConfig(), sum(whole["bytes"].values()) / 1000
    fit = whole["workers"]["fit"] / whole["series"]
    about = (
        f"`make bench-scale`: runs with {config.folds} folds after {config.burn_in} of burn-in, and the forecast,",
        f"{config.horizon} months and {config.draws:,} draws, storing included. Seconds are those of a processor.",
        "The runs in the tables have four forecasters that cost",
        "little; computed columns lie on the line through the two measured sizes. With all forecasters, measured on",
        f"{whole['series']} series, the fits of a series take {fit:.2f} s of the workers, and a further run stores",
        f"{kilobytes:,.0f} kB for it, indexes included.",
    )
    tables = (
        _seconds(measured, "driver", "the driver"),
        _seconds(measured, "workers", "the workers"),
        _memory(measured),
        _by_table(whole["bytes"]),
    )
    targets = _target(measured, fit), _memory_target(measured)
    return "\n\n".join(map("\n".join, (["# Scale"], about, *targets, *tables))) + "\n"


def _target(measured: list[dict[str, Any]], fit: float) -> list[str]:
    """The duration of a run with all forecasters on CORES cores, beside the target; `fit` is seconds for a series."""
    series = LARGER[0]
    driver, workers = (
        {stage: _at(series, measured, key, stage) for stage in measured[0][key]} for key in ("driver", "workers")
    )
    fits, others, alone = fit * series, sum(workers.values()) - workers["fit"], sum(driver.values())
    hours = ((fits + others) / CORES + alone) / 3600
    return [
        f"{series:,} series with all forecasters on {CORES} cores, computed: {fits / 3600:.1f} hours of processor for",
        f"the fits, {others / 3600:.1f} for the folds and {alone / 3600:.1f} for the driver, which works alone, are",
        f"{hours:.1f} hours, {'within' if hours <= HOURS else 'beyond'} the target of {HOURS:g}.",
    ]


def _memory_target(measured: list[dict[str, Any]]) -> list[str]:
    """The greatest anonymous and resident memory of the driver, computed, beside the targets."""
    lines = [
        "The targets of the driver's memory are compared with its anonymous memory, which the system cannot take back.",
        "Resident memory has the pages of mapped files too, which are written back where memory is short.",
    ]
    for series, target in MEMORY.items():
        anonymous, resident = (
            max(_at(series, measured, kind, stage) for stage in STAGES) / 1000 for kind in ("anonymous", "resident")
        )
        reached = "within" if 1000 * anonymous <= target else "beyond"
        lines.append(
            f"{series:,} series, computed: {anonymous:.1f} GB, {reached} the target of {target / 1000:g}"
            f" ({resident:.1f} resident)."
        )
    return lines


def _seconds(measured: list[dict[str, Any]], key: str, who: str) -> list[str]:
    lines = _heading(f"seconds of {who}", measured)
    for stage, name in STAGES.items():
        # A stage without any time was not measured.
        if any(row[key].get(stage) for row in measured):
            values = [row[key][stage] for row in measured] + [_at(size, measured, key, stage) for size in LARGER]
            lines.append(f"| {name} | " + " | ".join(f"{value:,.0f}" for value in values) + " |")
    return lines


def _memory(measured: list[dict[str, Any]]) -> list[str]:
    """Memory of the driver by stage: anonymous, which the system cannot take back, and in all."""
    lines = _heading("megabytes of the driver: anonymous / resident", measured)
    kinds = ("anonymous", "resident")
    for stage, name in STAGES.items():
        pairs = [[row[kind][stage] for kind in kinds] for row in measured]
        pairs += [[_at(size, measured, kind, stage) for kind in kinds] for size in LARGER]
        lines.append(f"| {name} | " + " | ".join(f"{held:,.0f} / {total:,.0f}" for held, total in pairs) + " |")
    most = [row["worker_megabytes"] for row in measured]
    slope = (most[1] - most[0]) / (measured[1]["series"] - measured[0]["series"])
    most += [most[1] + slope * (size - measured[1]["series"]) for size in LARGER]
    return [*lines, "| the largest worker, resident | " + " | ".join(f"{value:,.0f}" for value in most) + " |"]


def _heading(what: str, measured: list[dict[str, Any]]) -> list[str]:
    heads = [f"{row['series']:,} series" for row in measured] + [f"{size:,}, computed" for size in LARGER]
    return [f"| {what} | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]


def _at(size: int, measured: list[dict[str, Any]], key: str, stage: str) -> float:
    """The value at a size on the line through the two measured ones."""
    small, large = measured
    slope = (large[key][stage] - small[key][stage]) / (large["series"] - small["series"])
    return float(large[key][stage] + slope * (size - large["series"]))


def _by_table(stored: dict[str, float]) -> list[str]:
    """The tables in which a series takes a kilobyte or more."""
    large = sorted((table for table in stored if stored[table] >= 1000), key=lambda table: -stored[table])
    return [
        "| table | kB a series |",
        "|---|---:|",
        *(f"| `{table}` | {stored[table] / 1000:,.0f} |" for table in large),
    ]


def main() -> None:
    """Measure each run in a process of its own and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs=2, default=SIZES)
    parser.add_argument("--fitted", type=int, default=FITTED, help="series that all forecasters are fitted on")
    parser.add_argument("--keep", type=Path, help="folder of measurements; those it has are not repeated")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--everything", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure is not None:
        # A size of 0 stands for the run of all forecasters.
        print(json.dumps(measure(given.measure or given.fitted, everything=given.everything or not given.measure)))
        return
    whole = _measured_apart(given.fitted, given.keep, "--everything")
    text = report([_measured_apart(size, given.keep) for size in sorted(given.sizes)], whole)
    print(text)
    if given.output:
        given.output.write_text(text)


def _measured_apart(size: int, keep: Path | None, *options: str) -> Any:
    """A measurement in a process of its own, or one that was kept."""
    kept = keep / f"{size}{''.join(options)}.json" if keep else None
    if kept is not None and kept.exists():
        return json.loads(kept.read_text())
    command = [sys.executable, "-m", "benchmarks.scale_report", "--measure", str(size), *options]
    found = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()[-1]
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(found)
    return json.loads(found)


if __name__ == "__main__":
    main()
