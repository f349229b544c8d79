"""Backup, restore, upgrade and rollback work as the manual prints them, on an embedded server."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from jobs.runs.forecast_run import run_forecast
from store import embedded_postgres
from store.database import make_engine
from store.models import Table
from tests.support.command import shell_function
from tests.support.documents import ROOT, blocks
from tests.support.scheduler_world import QUICK, TODAY, TickingClock, add_small_dataset, here

PRELUDE = "set -euo pipefail\npip() { :; }\n"


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A script in a folder whose `data` is the data directory; `pip` does nothing, for there is one release here."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("TRADEWIND_DATA_DIR", None)
    with shell_function() as tradewind:
        command = ["bash", "-c", PRELUDE + tradewind + script]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def run(script: str, folder: Path) -> str:
    ran = shell(script, folder)
    assert ran.returncode == 0, f"{script}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def keys(folder: Path) -> set[str]:
    """Names of the keys in the database, of those that a test makes."""
    listed = run("tradewind key list", folder)
    return {name for name in ("before", "after", "mistake") if name in listed}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    # The database server may not run as root, and has to reach its directory.
    tmp_path.chmod(0o711)
    return tmp_path


def test_the_commands_of_the_manual_bring_everything_back(folder: Path) -> None:
    scripts = [block.text for block in blocks("docs/operations/database.md") if block.language == "sh"]
    backup, restore, upgrade, rollback = (text for text in scripts if "docker" not in text and "prune" not in text)
    run("tradewind migrate; tradewind key create before --scope read", folder)
    run(backup, folder)
    run("tradewind key create after --scope read", folder)
    run(restore, folder)
    assert keys(folder) == {"before"}
    run(upgrade, folder)
    run("tradewind key create mistake --scope read", folder)
    assert keys(folder) == {"before", "mistake"}
    run(rollback, folder)
    assert keys(folder) == {"before"}


def publish(folder: Path) -> None:
    """Publish a run of a small dataset."""
    with embedded_postgres.start(folder / "data") as url:
        engine = make_engine(url)
        add_small_dataset(engine)
        terms: dict[str, Any] = {"config": QUICK, "make_executor": here, "clock": TickingClock()}
        assert run_forecast(dataset="SMALL", as_of=TODAY, engine=engine, **terms).status == "published"
        engine.dispose()


def published(folder: Path) -> dict[str, str]:
    """The number and the MD5 of the rows of every table with results of runs."""
    tables = [name for name, table in Table.metadata.tables.items() if "run_id" in table.c]
    query = "SELECT count(*) || ' ' || md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} AS t"
    with embedded_postgres.start(folder / "data") as url:
        engine = make_engine(url)
        with engine.connect() as connection:
            found = {name: connection.execute(sa.text(query.format(name))).scalar_one() for name in tables}
        engine.dispose()
    return {name: rows for name, rows in found.items() if rows}


def test_forecasts_folds_draws_and_scores_are_the_same_after_a_restore(folder: Path) -> None:
    run("tradewind migrate", folder)
    publish(folder)
    before = published(folder)
    arrays = {"forecast_path", "backtest_forecast", "backtest_period", "score"}
    assert before.keys() >= {"forecast", "forecast_quantile", "forecast_weight", "decomposition"} | arrays
    run("tradewind backup all.dump; mv data data-before; tradewind restore all.dump", folder)
    assert published(folder) == before
    assert "2025-03" in run("tradewind ask SMALL --flow X --partner USA --sector EV --period 2025-03", folder)


def test_a_backup_is_not_restored_over_data_and_a_bad_file_leaves_nothing(folder: Path) -> None:
    run("tradewind migrate; tradewind backup all.dump", folder)
    refused = shell("tradewind restore all.dump", folder)
    assert (refused.returncode, "restore into an empty one" in refused.stderr) == (2, True)
    run("head -c 20000 all.dump > half.dump; mv data other", folder)
    broken = shell("tradewind restore half.dump", folder)
    assert (broken.returncode, "pg_restore failed" in broken.stderr) == (2, True)
    run("tradewind restore all.dump", folder)
