"""Seconds that scenarios take over the 136 series of CN_CLEANTECH, 1,000 draws and 24 months.

`python -m benchmarks.scenarios [--output FILE]` publishes a run of simple forecasters (the time of a scenario does not
depend on them) on a server of its own, and evaluates each scenario five times; the report has the yearly level and
growth of 68 series. The first answer also finds which series are sums of others; the others have that from the cache.
Processor time is that of the service: it leaves out the database, and other programs on the machine.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
from sqlmodel import Session

from benchmarks.tables import machine, markdown, write
from forecasting.config import ForecastConfig
from jobs.ingestion.ingest import ingest_bundled
from jobs.runs.forecast_run import run_forecast
from services.queries.scenarios import Scenario
from services.runs.run_selection import latest_run
from services.scenarios.scenarios import evaluate_scenario
from services.series.catalog_cache import CatalogCache
from store import embedded_postgres
from store.database import make_engine
from store.migration import migrate
from store.queries.runs import PublishedRunRecord

DATASET, AS_OF, ROUNDS = "CN_CLEANTECH", date(2026, 11, 1), 5
CONFIG = ForecastConfig(folds=6, burn_in=6, forecasters=("seasonal_naive", "naive"))
SERIES, WORLD, YEAR, START = "X.USA.BATTERIES", "X.WLD.BATTERIES", "2027", "2026-03"
GROWTH = {"period": YEAR, "units": "pc1"}
CASES: Mapping[str, dict[str, Any]] = {
    "growth of one series": {"conditions": [{"series": SERIES, **GROWTH, "value": -20}]},
    "growth of a total": {"conditions": [{"series": WORLD, **GROWTH, "value": 0}]},
    "mean growth of a total, within the draws": {"conditions": [{"series": WORLD, **GROWTH, "mean": 8}]},
    "bound on a total": {"conditions": [{"series": WORLD, **GROWTH, "at_least": 0}]},
    "a path of 12 months of one series": {"conditions": [{"series": SERIES, "period": START, "values": [400.0] * 12}]},
    "a shock with diversion": {"shocks": [{"partner": "USA", "start": START, "size": -20, "diversion": 0.5}]},
}


def main() -> None:
    """Print or write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path)
    output: Path | None = parser.parse_args().output
    with tempfile.TemporaryDirectory(prefix="tw-") as directory, embedded_postgres.start(Path(directory)) as url:
        table = _measure(url)
    # Seconds depend on what else runs; the load is that of the last minute.
    sections = [__doc__ or "", f"{machine()}, load {os.getloadavg()[0]:.0f}.", markdown(table, 2)]
    if output is None:
        print("\n\n".join(sections))
    else:
        write(output, "# Scenarios", sections)


def _measure(url: str) -> pd.DataFrame:
    engine = make_engine(url)
    migrate(engine)
    with Session(engine) as session:
        ingest_bundled(session, today=AS_OF)
        session.commit()
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    terms: dict[str, Any] = {"config": CONFIG, "engine": engine, "clock": lambda: moment}
    run_forecast(dataset=DATASET, as_of=AS_OF, make_executor=lambda: ThreadPoolExecutor(1), **terms)
    with Session(engine) as session:
        run = latest_run(session, DATASET)
        rows = {name: _seconds(session, run, stated) for name, stated in CASES.items()}
    engine.dispose()
    return pd.DataFrame.from_dict(rows, orient="index")


def _seconds(session: Session, run: PublishedRunRecord, stated: Mapping[str, Any]) -> dict[str, object]:
    """Seconds of the first answer and of the others (median), with the methods and the effective draws."""
    catalogs, scenario = CatalogCache(), Scenario.model_validate({"name": "benchmark", **stated})
    seconds, processor = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter(), time.process_time()
        answer = evaluate_scenario(session, catalogs, run, scenario)
        seconds.append(time.perf_counter() - began[0])
        processor.append(time.process_time() - began[1])
    return {
        "first answer, s": seconds[0],
        "processor time of it, s": processor[0],
        "later answers, s": median(seconds[1:]),
        "processor time of them, s": median(processor[1:]),
        "effective draws": round(answer.draws),
        "method": ", ".join(answer.methods),
    }


if __name__ == "__main__":
    main()
