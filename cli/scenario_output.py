"""Terminal output of `tradewind scenario`."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError
from sqlmodel import Session

from forecasting.analysis.period_draws import answer_unit
from services.errors import QueryError
from services.queries.scenarios import Scenario
from services.runs.run_selection import latest_run, run_of
from services.scenarios.scenarios import ScenarioRow, evaluate_scenario
from services.series.catalog_cache import CatalogCache


class UnreadableScenario(QueryError):
    """A file that does not state a scenario."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")


def read_scenario(path: Path) -> Scenario:
    """The scenario of a TOML file. Raises UnreadableScenario."""
    try:
        return Scenario.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UnreadableScenario(path, f"the file cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnreadableScenario(path, f"the file is not TOML: {error}") from error
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise UnreadableScenario(path, "; ".join(faults)) from error


def scenario_lines(session: Session, dataset: str, scenario: Scenario) -> Iterator[str]:
    """A scenario beside the baseline, a line for each series and period.

    Raises UnknownDataset, UnknownRun, UnknownSeries, QueryError, and `Contradiction`.
    """
    run = latest_run(session, dataset) if scenario.run is None else run_of(session, dataset, scenario.run)
    catalogs = CatalogCache()
    _, catalog = catalogs.of_run(session, run.id)
    found = evaluate_scenario(session, catalogs, run, scenario)
    yield f"{scenario.name}: {dataset}, run {run.id}, figures to {run.cutoff:%Y-%m}"
    yield f"method: {'; '.join(found.methods)}; {found.draws:.0f} effective draws"
    if found.unusualness is not None:
        distance, probability = found.unusualness.distance, found.unusualness.probability
        yield f"distance from the forecast: {distance:.1f} standard deviations, probability {probability:.2g}"
    level = max(scenario.level)
    yield f"{'series':<34}{'period':<10}{'unit':<10}{'baseline':>12}{'scenario':>12}{f'{level:g} % interval':>26}"
    yield from (_line(row, catalog.unit_of(row.series), scenario.level.index(level)) for row in found.rows)


def _line(row: ScenarioRow, unit: str, place: int) -> str:
    head = f"{row.series.unique_id:<34}{row.period.label:<10}{answer_unit(row.question.units, unit):<10}"
    if row.reason is not None:
        return f"{head}  {row.reason}"
    lo, hi = row.scenario.bounds[place]
    line = f"{head}{row.baseline.median:>12,.1f}{row.scenario.median:>12,.1f}{f'{lo:,.1f} to {hi:,.1f}':>26}"
    before, after = row.baseline.probability, row.scenario.probability
    return line if after is None else f"{line}  probability {before:.2f}, in the scenario {after:.2f}"
