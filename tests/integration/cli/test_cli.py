"""The command line: its output, and one line and exit code 2 for a fault."""

import json
import os
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import new_database
from tests.integration.jobs.test_fetch import FEEDS
from tests.integration.jobs.test_file_forecasts import panel_file
from tests.support.command import run_command
from tests.support.http_providers.comtrade import ComtradeApi
from tests.support.http_providers.local import local_provider
from tests.support.panels import grid_panel

REPOSITORY = Path(__file__).resolve().parents[3]
QUICK = {"TRADEWIND_FORECASTERS": "naive,seasonal_naive", "TRADEWIND_FOLDS": "3", "TRADEWIND_WORKERS": "1"}


def tradewind(*words, cwd=None, **environment):
    variables = {**os.environ, **QUICK, "PYTHONPATH": str(REPOSITORY), **environment}
    return run_command([str(word) for word in words], variables, cwd or REPOSITORY)


@pytest.fixture
def panel_csv(tmp_path):
    return panel_file(tmp_path / "panel.csv", grid_panel(60))


def test_forecast_writes_a_row_a_series_month_forecaster_and_level(panel_csv, tmp_path):
    output = tmp_path / "out.parquet"
    done = tradewind("forecast", panel_csv, "--horizon", 4, "--level", 80, "--level", 95, "--output", output)
    assert (done.returncode, done.stdout.strip()) == (0, f"12 series, 4 months from 2020-01: {output}")
    table = pd.read_parquet(output)
    assert len(table) == 12 * 4 * 3 * 2
    assert set(table["forecaster"]) == {"naive", "seasonal_naive", "combination"}


def test_a_wide_table_of_an_office_is_forecast_by_one_command(tmp_path):
    months = pd.date_range("2023-01-01", periods=20, freq="MS")
    lines = [f"{month:%B %Y};1,{100 + row}.5;.." for row, month in enumerate(months)]
    (tmp_path / "office.csv").write_text("\n".join(["Month;Exports;Imports", *lines]).replace("..", "7", 15))
    options = ["--wide", "--thousands", ",", "--missing", "..", "--reporter", "Viet Nam", "--horizon", 2]
    done = tradewind("forecast", "office.csv", *options, "--output", "o.csv", cwd=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "2 series, 2 months from 2024-09: o.csv"), done.stderr
    assert set(pd.read_csv(tmp_path / "o.csv")["unique_id"]) == {"Exports", "Imports"}


def test_a_last_value_far_beyond_the_others_needs_force(tmp_path):
    months = pd.date_range("2023-01-01", periods=20, freq="MS")
    rows = [f"a,{month:%Y-%m},{5000 if row == 19 else 2}" for row, month in enumerate(months)]
    (tmp_path / "jump.csv").write_text("\n".join(["unique_id,ds,y", *rows]))
    words = ["forecast", "jump.csv", "--horizon", 2, "--output", "o.csv"]
    refused = tradewind(*words, cwd=tmp_path)
    assert (refused.returncode, "row 21, y: is 2,500 times the largest" in refused.stderr) == (2, True)
    forced = tradewind(*words, "--force", cwd=tmp_path)
    assert (forced.returncode, "1,000 times the months before: a 2024-08 (5000)" in forced.stderr) == (0, True)


def test_evaluate_prints_the_score_table(panel_csv, tmp_path):
    output = tmp_path / "out.csv"
    done = tradewind(
        "evaluate", panel_csv, "--horizon", 3, "--cutoffs", "2018-12:2019-06", "--every", 3, "--output", output
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["name", "mase", "rmsse"] or "mase" in lines[0]
    assert [line.split()[0] for line in lines[2:4]] == ["combination", "seasonal_naive"]
    assert lines[-1] == f"12 series, 3 folds from 2018-12 to 2019-06: {output}"
    assert set(pd.read_csv(output)["cutoff"]) == {"2018-12-01", "2019-03-01", "2019-06-01"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["forecast", "nowhere.csv", "--output", "o.csv"], "nowhere.csv"),
        (["forecast", "gap.csv", "--output", "o.csv"], "row 3, ds"),
        (["forecast", "panel.csv", "--output", "o.xls"], "the ending must be one of"),
        (["evaluate", "panel.csv", "--output", "o.csv", "--cutoffs", "2019"], "FIRST:LAST"),
        (["evaluate", "panel.csv", "--output", "o.csv", "--cutoffs", "2031-01:2031-02"], "outside the panel"),
        (["evaluate", "panel.csv", "--output", "o.csv", "--cutoffs", "2018-01:2018-02", "--folds", "3"], "not both"),
        (["evaluate", "one.csv", "--output", "o.csv"], "has 1 month of history (2026-07), and an evaluation needs 2"),
        (["forecast", "panel.csv", "--output", "folder.csv"], "folder.csv: this is a folder"),
        (["forecast", "panel.csv", "--output", "o.csv", "--reporter", "Chna"], "perhaps China (CHN)"),
        (["forecast", "panel.csv", "--output", "o.csv", "--separator", "ab"], "separator 'ab': it is one of"),
        (["forecast", "panel.csv", "--output", "o.csv", "--map", "when=ds"], "map 'when': the table has no such name"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(panel_csv, tmp_path, words, expected):
    (tmp_path / "gap.csv").write_text("unique_id,ds,y\na,2024-01,1\na,2024-03,2\n")
    (tmp_path / "one.csv").write_text("unique_id,ds,y\na,2026-07,1\n")
    (tmp_path / "folder.csv").mkdir()
    done = tradewind(*words, cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("tradewind: ")
    assert expected in line
    assert not list(tmp_path.glob("o.*"))


@pytest.mark.parametrize(
    ("words", "environment", "expected"),
    [
        (["forecast", "p.csv", "--output", "o.csv", "--level", "100"], {}, "between 0 and 100"),
        (["forecast", "p.csv", "--output", "o.csv", "--horizon", "0"], {}, "horizon"),
        (["schedule"], {"TRADEWIND_FOLDS": "many"}, "TRADEWIND_FOLDS"),
        (["ingest", "file", "p.csv", "--dataset", "NEW", "--create"], {}, "--title"),
        (["run"], {}, "dataset"),
        (["simulate-year", "--dataset", "MINE"], {}, "CN_TRADE"),
        (["migrate"], {"TRADEWIND_DATABASE_URL": "foo"}, "TRADEWIND_DATABASE_URL must be a PostgreSQL URL"),
        (["migrate"], {"TRADEWIND_DATABASE_URL": "postgresql://h:port/d"}, "URL must be a PostgreSQL URL"),
        (["migrate"], {"TRADEWIND_DATABASE_URL": "mysql://h/d"}, "TRADEWIND_DATABASE_URL must be a PostgreSQL URL"),
        (["sources"], {"TRADEWIND_SOURCE_ADDRESSES": "x"}, "TRADEWIND_SOURCE_ADDRESSES: a JSON object is wanted"),
        (["sources"], {"TRADEWIND_SOURCE_ADDRESSES": '{"ember": 1}'}, "TRADEWIND_SOURCE_ADDRESSES: Input should be"),
        (["report", "CN_TRADE", "--output", "nowhere/x.html"], {}, "nowhere/x.html: the folder nowhere does not exist"),
        (["run", "CN_TRADE", "--as-of", "2062-05-31"], {}, "as_of 2062-05-31 is in the future; today is "),
    ],
)
def test_a_wrong_option_or_setting_is_exit_code_2(tmp_path, words, environment, expected):
    done = tradewind(*words, cwd=tmp_path, **environment)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_a_dataset_that_cannot_be_made_is_one_line_and_exit_code_2(own_url, tmp_path):
    panel = tmp_path / "panel.csv"
    panel.write_text("month,flow,partner,sector,value\n2020-01,X,WLD,TOTAL,1\n")
    described = ["--create", "--title", "t", "--publisher", "p", "--licence", "l"]
    words = ["--dataset", "KR_STEEL", "--release-day", "31"]
    done = tradewind("ingest", "file", panel, *words, *described, TRADEWIND_DATABASE_URL=own_url)
    expected = "tradewind: release day 31: it is 1 to 28, a day that every month has"
    assert (done.returncode, done.stderr.strip()) == (2, expected)


def test_an_unknown_forecaster_is_named(panel_csv, tmp_path):
    done = tradewind("forecast", panel_csv, "--output", tmp_path / "o.csv", TRADEWIND_FORECASTERS="naive,oracle")
    assert done.returncode == 2
    assert "there is no forecaster 'oracle'" in done.stderr


def test_a_database_that_is_away_is_one_line_and_exit_code_1():
    done = tradewind("migrate", TRADEWIND_DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    assert done.returncode == 1
    assert done.stderr.startswith("tradewind: the database does not answer")


@pytest.mark.parametrize(
    "command",
    [("ingest", "bundled"), ("ingest", "file", "{file}", "--dataset", "OWN"), ("backtest", "CN_TRADE"), ("runs",)],
)
def test_a_database_without_tables_is_one_line_that_says_what_to_do(server_url, command, tmp_path):
    (tmp_path / "own.csv").write_text("month,flow,partner,sector,value\n2024-01,X,USA,TOTAL,5\n")
    words = [word.format(file=tmp_path / "own.csv") for word in command]
    done = tradewind(*words, TRADEWIND_DATABASE_URL=new_database(server_url, "bare"))
    assert done.returncode == 1
    expected = "the database has not been migrated to this release: run `tradewind migrate` on the same database"
    assert [line for line in done.stderr.splitlines() if line.startswith(f"tradewind: {expected}")], done.stderr
    assert "does not exist" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_panel_is_ingested_whole_run_and_read_back(own_url, tmp_path):
    panel = grid_panel(60).values[0]
    rows = [
        f"{month},X,WLD,TOTAL,{value:.3f}"
        for month, value in zip(pd.period_range("2020-01", periods=60, freq="M"), panel, strict=True)
    ]
    path = tmp_path / "panel.csv"
    path.write_text("\n".join(["month,flow,partner,sector,value", *rows]) + "\n")
    database = {"TRADEWIND_DATABASE_URL": own_url}
    described = ["--create", "--title", "Mine", "--publisher", "me", "--licence", "mine"]
    first = tradewind("ingest", "file", path, "--dataset", "MINE", *described, **database)
    assert (first.returncode, first.stdout.splitlines()) == (
        0,
        [
            "MINE: 60 observations of 1 series in USD m",
            "exports: 2020-01 to 2024-12, 1 partners (WLD), 1 sectors (TOTAL)",
            "MINE: 60 observations stored, 0 already stored",
        ],
    )
    again = tradewind("ingest", "file", path, "--dataset", "MINE", **database)
    assert again.stdout == "MINE: 0 observations stored, 60 already stored\n"
    assert tradewind("run", "MINE", **database).stdout == "MINE: run 1 published\n"
    assert tradewind("run", "MINE", **database).stdout == "MINE: nothing new since run 1\n"
    assert tradewind("run", "THEIRS", **database).returncode == 2


def test_forecasts_from_outside_and_what_changed(own_url, panel_csv, tmp_path):
    def ask(*words, **environment):
        return tradewind(*words, TRADEWIND_DATABASE_URL=own_url, **environment)

    panel = tmp_path / "mine.csv"
    rows = [f"{month},X,WLD,TOTAL,{100 + month.month}" for month in pd.period_range("2020-01", periods=60, freq="M")]
    panel.write_text("\n".join(["month,flow,partner,sector,value", *rows]) + "\n")
    ask("ingest", "file", panel, "--dataset", "MINE", "--create", "--title", "t", "--publisher", "p", "--licence", "l")
    poll = tmp_path / "poll.csv"
    header = "model_id,reference_date,target,horizon,location,target_end_date,output_type,output_type_id,value"
    poll.write_text(f"{header}\npoll,2025-01-15,X TOTAL,0,WLD,2025-01-31,median,NA,120.5\n")
    stored = ask("ingest", "external-forecasts", poll, "--dataset", "MINE")
    assert (stored.returncode, stored.stdout) == (0, "MINE: 1 values stored, 0 already stored\n")
    assert ask("ingest", "external-forecasts", panel, "--dataset", "MINE").returncode == 2
    for seed in ("1", "2"):
        assert ask("run", "MINE", TRADEWIND_SEED=seed).returncode == 0
    reported = ask("changes", 2)
    assert (reported.returncode, reported.stdout.split(":")[0]) == (0, "run 2")
    assert "/v1/runs/2/changes?against=1" in reported.stdout
    first = ask("changes", 1)
    assert (first.returncode, first.stderr.strip().splitlines()[-1]) == (
        2,
        "tradewind: no run of the dataset was published before run 1",
    )


def test_a_key_is_shown_once_and_a_name_is_taken_once(own_url):
    database = {"TRADEWIND_DATABASE_URL": own_url}
    made = tradewind("key", "create", "desk", "--scope", "write", **database)
    assert made.returncode == 0
    assert made.stdout.startswith("tw_")
    assert tradewind("key", "create", "desk", "--scope", "write", **database).returncode == 2
    assert tradewind("key", "create", "other", "--scope", "rule", **database).returncode == 2


def test_keys_are_listed_end_on_a_day_and_are_revoked(own_url):
    def ask(*words):
        return tradewind("key", *words, TRADEWIND_DATABASE_URL=own_url)

    assert ask("list").stdout == "There are no keys.\n"
    made = ask("create", "desk", "--scope", "read", "--scope", "write", "--expires", "2099-01-31").stdout.strip()
    ask("create", "newsroom", "--scope", "write")
    desk, newsroom = ask("list").stdout.splitlines()
    assert desk.split()[:3] == ["desk", f"{made[:12]}...", "read,write"]
    assert "expires 2099-01-31  last used never" in desk
    assert newsroom.split()[0] == "newsroom"
    assert "expires never" in newsroom
    assert made not in desk
    assert ask("revoke", "desk").stdout == "desk: revoked\n"
    assert [line.split()[0] for line in ask("list").stdout.splitlines()] == ["newsroom"]
    again = ask("revoke", "desk")
    assert (again.returncode, again.stderr) == (2, "tradewind: no key is called desk\n")
    over = ask("create", "late", "--scope", "read", "--expires", "2020-01-01")
    assert (over.returncode, "the day must be in the future" in over.stderr) == (2, True)


def test_a_calendar_is_imported_and_shown(own_url, tmp_path):
    def ask(*words):
        return tradewind(*words, TRADEWIND_DATABASE_URL=own_url)

    assert ask("ingest", "bundled").returncode == 0
    plan = tmp_path / "plan.csv"
    plan.write_text("dataset,period,due_on,time\nCN_TRADE,2099-01,2099-03-07,11:00+08:00\n")
    assert ask("calendar", "import", plan).stdout == "1 due dates planned\n"
    assert "2099-01  due   2099-03-07 03:00 UTC" in ask("calendar", "show", "CN_TRADE").stdout.splitlines()
    plan.write_text("dataset,period,due_on\nNOWHERE,2099-01,2099-03-07\n")
    refused = ask("calendar", "import", plan)
    assert (refused.returncode, refused.stderr.strip()) == (
        2,
        "tradewind: row 2, dataset: no dataset has this code ('NOWHERE')",
    )


def test_fetch_and_sources_ask_the_feeds_of_the_file(server_url, template, tmp_path):
    url = new_database(server_url, "cli_fetch", template=template)
    feeds = tmp_path / "feeds.toml"
    feeds.write_text(FEEDS, encoding="utf-8")
    api = ComtradeApi({(month, "X", "0", "TOTAL"): 5e6 for month in ("202501", "202502")})
    with local_provider() as provider:
        provider.answer = api
        environment = {
            "TRADEWIND_DATABASE_URL": url,
            "TRADEWIND_FEEDS": str(feeds),
            "TRADEWIND_COMTRADE_KEY": "s3cret",
            "TRADEWIND_SOURCE_ADDRESSES": json.dumps({"comtrade": provider.address}),
        }
        api.key = "s3cret"
        done = tradewind("fetch", **environment)
        assert (done.returncode, done.stdout) == (0, "CN_PARTNERS: 2 observations stored\n"), done.stderr
        listed = tradewind("sources", **environment).stdout.splitlines()
        assert listed[0] == f"comtrade  UN Comtrade: {provider.address}, key set, reachable"
        assert listed[1].startswith("  CN_PARTNERS  last success ")
        api.key = "another"
        failed = tradewind("fetch", "CN_PARTNERS", **environment)
    assert failed.returncode == 1
    assert failed.stdout.startswith("CN_PARTNERS: Refused: ")
    assert "s3cret" not in failed.stdout + failed.stderr
    for words, expected in (
        (("fetch", "NOTHING"), "tradewind: no feed delivers NOTHING; there are feeds of CN_PARTNERS"),
        (("fetch",), "tradewind: no feeds: set TRADEWIND_FEEDS or TRADEWIND_LIVE, "),
    ):
        given = environment if len(words) == 2 else {"TRADEWIND_DATABASE_URL": url}
        refused = tradewind(*words, **given)
        assert (refused.returncode, refused.stderr.startswith(expected)) == (2, True), refused.stderr


def test_the_version_is_shown():
    done = tradewind("--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"tradewind {version('tradewind')}")


def test_the_schedule_and_retention_name_every_dataset(own_url):
    database = {"TRADEWIND_DATABASE_URL": own_url}
    assert tradewind("ingest", "bundled", **database).returncode == 0
    listed = tradewind("schedule", "--list", **database)
    assert listed.returncode == 0, listed.stderr
    (trade,) = (line for line in listed.stdout.splitlines() if line.startswith("CN_TRADE "))
    assert trade.split() == ["CN_TRADE", "run", "waiting", "follows", "new", "observations", "or", "indicators"]
    pruned = tradewind("prune", "--keep-runs", 2, "--keep-months", 0, "--dry-run", **database)
    assert "CN_TRADE: 0 runs would be thinned, 0 runs would be deleted" in pruned.stdout
