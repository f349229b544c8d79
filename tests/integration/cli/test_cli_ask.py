"""`tradewind ask`: answers on standard output, one line and exit code 2 for a question that cannot be."""

from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from api.app import create_app
from store.database import make_engine
from tests.integration.api.conftest import options
from tests.integration.cli.test_cli import tradewind
from tests.support.factories import build_catalog, publish_run
from tests.support.web_service import served


def test_ask_answers_from_the_latest_run_and_refuses_in_one_line(own_engine: Engine, own_url: str) -> None:
    with Session(own_engine) as session:
        build_catalog(session)
        publish_run(session, "CN_CLEANTECH")
        session.commit()
    database = {"TRADEWIND_DATABASE_URL": own_url}
    chosen = ["ask", "CN_CLEANTECH", "--partner", "EU27", "--sector", "EV"]
    table = tradewind(*chosen, "--frequency", "Q", "--units", "pc1", "--level", 80, "--quantile", 0.1, **database)
    assert table.returncode == 0, table.stderr
    head, columns, *rows = table.stdout.splitlines()
    assert head == "CN_CLEANTECH.X.EU27.EV, %, run 1, data to 2025-12"
    assert columns.split()[-1] == "q0.1"
    assert [row.split()[0] for row in rows] == ["2026-Q1", "2026-Q2"]
    likely = tradewind(*chosen, "--period", "2026-03", "--below", 100, "--coverage", **database)
    assert likely.stdout.splitlines()[1].startswith("probability ")
    reported = tradewind(*chosen, "--period", "2026-03", "--run", 1, **database)
    assert (reported.returncode, reported.stdout.splitlines()[-1].split()[0]) == (0, "2026-03")
    early = tradewind(*chosen, "--as-of", "2026-01-14", **database)
    assert (early.returncode, early.stdout) == (2, "")
    assert early.stderr.startswith("tradewind: no published run of CN_CLEANTECH is as of 2026-01-14 or earlier")
    over = tradewind(*chosen, "--period", "2025", "--above", 1, **database)
    assert (over.returncode, over.stdout) == (2, "")
    assert (
        over.stderr.strip()
        == "tradewind: 2025 is over: run 1 has observed every month up to 2025-12; ask for observations"
    )


def test_reads_of_a_server_and_of_its_database_are_the_same(own_engine: Engine, own_url: str) -> None:
    with Session(own_engine) as session:
        build_catalog(session)
        runs = [publish_run(session, "CN_TRADE", data_hash=64 * str(seed), seed=seed).run_id for seed in (1, 2)]
        session.commit()
    autocommit = make_engine(own_url, autocommit=True)
    questions: list[list[Any]] = [
        ["ask", "CN_TRADE", "--flow", "B", "--frequency", "Q", "--units", "ch1"],
        ["ask", "CN_TRADE", "--flow", "X", "--period", "2026-03", "--above", 100],
        ["runs"],
        ["backtest", "CN_TRADE", "--flow", "X"],
        ["compare", *runs, "--flow", "X"],
        ["ask", "NOWHERE"],
    ]
    with served(create_app(engine=autocommit, options=options())) as address:
        for question in questions:
            remote = tradewind(
                *question, "--server", address, TRADEWIND_DATABASE_URL="postgresql://nobody@127.0.0.1:1/no"
            )
            local = tradewind(*question, TRADEWIND_DATABASE_URL=own_url)
            assert (remote.stdout, remote.stderr, remote.returncode) == (local.stdout, local.stderr, local.returncode)
            assert local.returncode == (2 if "NOWHERE" in question else 0), local.stderr
    unreachable = tradewind("runs", "--server", "http://127.0.0.1:9")
    assert (unreachable.returncode, unreachable.stdout) == (1, "")
    assert "http://127.0.0.1:9" in unreachable.stderr
