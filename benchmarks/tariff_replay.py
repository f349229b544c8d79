"""The tariff of April 2025, replayed: a scenario on the forecast of 1 April 2025, beside the outcomes.

The forecast of China's exports by partner rests on the data known on 1 April 2025, to February 2025. The scenario adds
a shock to exports to the United States for each month: the change of the import price since the end of February that
follows from the duties in the event calendar, with the default elasticity of import demand of 1.5 to 2.5 (Fajgelbaum,
Goldberg, Kennedy and Khandelwal 2020). Half of the loss goes to all other partners in proportion to their level, which
is an assumption. Two paths of duties are replayed: the duties as known on 10 April 2025, and as set later.
"""

import argparse
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from sqlalchemy import Engine
from sqlmodel import Session

from benchmarks.tables import machine, markdown, write
from forecasting.config import ForecastConfig
from forecasting.data.events import exposures
from jobs.execution.executors import process_pool
from jobs.ingestion.ingest import ingest_bundled
from jobs.runs.event_inputs import load_events
from jobs.runs.forecast_run import run_forecast
from services.queries.scenarios import Question, Scenario, Shock, ShockProfile, Tariff
from services.runs.published_run import open_run
from services.scenarios.scenarios import ScenarioRow, evaluate_scenario
from services.series.catalog_cache import CatalogCache
from store import embedded_postgres
from store.database import make_engine
from store.migration import migrate
from store.queries import observations

DATASET, AS_OF, LAST_KNOWN = "CN_PARTNERS", date(2025, 4, 1), date(2026, 8, 21)
CONFIG = ForecastConfig(horizon=12)
MONTHS = np.arange("2025-03", "2026-03", dtype="datetime64[M]")
DIVERSION, LEVEL = 0.5, 80.0
SERIES = {"X.USA": "United States", "X.ASEAN": "ASEAN", "X.WLD": "total"}
KNOWN = {"duties as known on 10 April": date(2025, 4, 10), "duties as set later": LAST_KNOWN}


def main() -> None:
    """Forecast, replay and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory,
        embedded_postgres.start(Path(directory), durable=False) as url,
    ):
        engine = make_engine(url)
        migrate(engine)
        duties, table = replay(engine)
        engine.dispose()
    print(table.round(0).to_string())
    prices = "## Import price in the United States since February 2025, per cent"
    parts = [__doc__ or "", prices, markdown(duties, 1), "## Exports by quarter, CNY bn", markdown(table, 0), machine()]
    write(given.output, "# The tariff of April 2025, replayed (`python -m benchmarks.tariff_replay`)", parts)


def replay(engine: Engine) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The duty by month on each path, and forecasts, scenarios and outcomes by quarter."""
    with Session(engine) as session:
        ingest_bundled(session, today=LAST_KNOWN)
        session.commit()
    run_forecast(
        dataset=DATASET,
        as_of=AS_OF,
        config=CONFIG,
        engine=engine,
        make_executor=process_pool,
        clock=lambda: datetime.now(UTC),
    )
    with Session(engine) as session:
        catalogs = CatalogCache()
        published = open_run(session, catalogs, DATASET)
        changes = {name: _price_changes(session, day) for name, day in KNOWN.items()}
        answers = {
            name: evaluate_scenario(session, catalogs, published.run, _scenario(name, change)).rows
            for name, change in changes.items()
        }
        table = _table(answers, _outcomes(session))
    return pd.DataFrame(changes, index=MONTHS.astype(str)), table


def _price_changes(session: Session, day: date) -> list[float]:
    """The change of the import price by month since February 2025, in per cent, by the duties known on a day."""
    events = load_events(session, reporter="CHN", as_of=day)
    known = events.covering(("X", "USA", "TOTAL"))
    months = np.append(MONTHS[0] - 1, MONTHS)
    cost = exposures(known, months, np.datetime64(day))[0]
    return [float(value) for value in 100 * np.expm1(cost[1:] - cost[0])]


def _scenario(name: str, changes: list[float]) -> Scenario:
    """A shock of one month for each month."""
    profile = ShockProfile(trough_months=1, remaining=0.0)
    shocks = [
        Shock(
            partner="USA",
            start=month.astype("datetime64[D]").astype(date),
            tariff=Tariff(rate_change=change),
            profile=profile,
            diversion=DIVERSION,
        )
        for month, change in zip(MONTHS, changes, strict=True)
    ]
    report = [Question(series=series, frequency="Q") for series in SERIES]
    return Scenario(name=name, shocks=shocks, report=report, level=[LEVEL])


def _outcomes(session: Session) -> dict[str, dict[str, float]]:
    """Observed exports by series and quarter, in the dataset's unit."""
    frame = observations.panel_frame(session, DATASET, LAST_KNOWN)
    found = {}
    for series in SERIES:
        own = frame[frame["unique_id"] == f"{DATASET}.{series}.TOTAL"]
        labels = [f"{month.year}-Q{(month.month + 2) // 3}" for month in own["ds"]]
        found[series] = {str(label): float(total) for label, total in own["y"].groupby(np.array(labels)).sum().items()}
    return found


def _table(answers: dict[str, Sequence[ScenarioRow]], outcomes: dict[str, dict[str, float]]) -> pd.DataFrame:
    """A row for each series and quarter: the forecast, each scenario with its interval, the outcome and the misses."""
    first = next(iter(answers.values()))
    rows = []
    for place, row in enumerate(first):
        series = row.question.series
        actual = outcomes[series][row.period.label]
        cells: dict[str, object] = {"forecast": row.baseline.mean}
        for name, found in answers.items():
            lo, hi = found[place].scenario.bounds[0]
            cells[name] = f"{found[place].scenario.mean:.0f} ({lo:.0f} to {hi:.0f})"
        cells |= {"outcome": actual, "forecast less outcome, %": _miss(row.baseline.mean, actual)}
        cells |= {
            f"{name} less outcome, %": _miss(found[place].scenario.mean, actual) for name, found in answers.items()
        }
        rows.append((f"{SERIES[series]}, {row.period.label}", cells))
    return pd.DataFrame([cells for _, cells in rows], index=[label for label, _ in rows])


def _miss(value: float | None, actual: float) -> float:
    # Adding zero turns -0 into 0.
    return float("nan") if value is None else round(100 * (value / actual - 1)) + 0.0


if __name__ == "__main__":
    main()
