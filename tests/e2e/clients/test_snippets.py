"""The snippets of docs/api/tools.md and the notebook, as written, against a served instance on the bundled data."""

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import matplotlib as mpl
import pandas as pd
import polars as pl
import pytest

from api.app import create_app
from store.database import make_engine
from tests.conftest import database_copy
from tests.integration.api.conftest import options
from tests.support.documents import ROOT, text
from tests.support.web_service import served

PAGE = "docs/api/tools.md"
NOTEBOOK = "docs/forecasts.ipynb"
DOCUMENTED = "http://127.0.0.1:8000"
BLOCK = re.compile(r"^## ([^\n]+)\n|^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def snippets(language: str) -> list[tuple[str, str]]:
    """Heading and code of every block of a language."""
    found, heading = [], ""
    for block in BLOCK.finditer(text(PAGE)):
        heading = block[1] or heading
        if block[2] == language:
            found.append((heading, block[3]))
    assert found
    return found


@pytest.fixture(scope="module")
def bundled_address(server_url: str, documented: str) -> Iterator[str]:
    with database_copy(server_url, "snippets", documented) as url:
        reading = make_engine(url, autocommit=True)
        with served(create_app(engine=reading, options=options())) as address:
            yield address


def run(code: str, address: str) -> dict[str, Any]:
    """The names that Python code defines, its address replaced."""
    names: dict[str, Any] = {}
    exec(code.replace(DOCUMENTED, address), names)
    return names


IN_PROCESS = [(tool, code) for tool, code in snippets("python") if tool != "DuckDB"]


@pytest.mark.parametrize(("tool", "code"), IN_PROCESS, ids=lambda given: given.split("\n")[0])
def test_python_snippets_run(tool: str, code: str, bundled_address: str) -> None:
    names = run(code, bundled_address)
    frames = [value.collect() if isinstance(value, pl.LazyFrame) else value for value in names.values()]
    lengths = [len(frame) for frame in frames if isinstance(frame, pd.DataFrame | pl.DataFrame)]
    assert lengths
    assert min(lengths) > 0


def test_the_snippet_of_duckdb_runs(bundled_address: str, duckdb_with_httpfs: dict[str, str]) -> None:
    ((_, code),) = [(tool, code) for tool, code in snippets("python") if tool == "DuckDB"]
    code = f"{code.replace(DOCUMENTED, bundled_address)}\nprint(len(years))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=duckdb_with_httpfs, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10


def test_curl_saves_tables(bundled_address: str, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    ((_, code),) = snippets("bash")
    script = f"export TRADEWIND={bundled_address}\nset -e\n{code}"
    subprocess.run(["bash", "-c", script], cwd=tmp_path, check=True)
    forecasts = pd.read_csv(tmp_path / "forecasts.csv")
    assert {"value", "median"} <= set(forecasts)
    assert len(pd.read_parquet(tmp_path / "observations.parquet")) > 100


@pytest.mark.parametrize(("tool", "code"), snippets("r"))
def test_r_snippets_run(tool: str, code: str, bundled_address: str) -> None:
    rscript = shutil.which("Rscript")
    if rscript is None:
        pytest.skip("R is not installed")
    for package in re.findall(r"library\((\w+)\)", code):
        if subprocess.run([rscript, "-e", f"library({package})"], capture_output=True, check=False).returncode:
            pytest.skip(f"the R package {package} is not installed")
    done = subprocess.run(
        [rscript, "-e", code.replace(DOCUMENTED, bundled_address)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("language", ["r", "stata", "powerquery", "text"])
def test_addresses_in_snippets_of_other_tools_are_answered(language: str, bundled_address: str) -> None:
    for _, code in snippets(language):
        for url in re.findall(rf'"({re.escape(DOCUMENTED)}[^"]*)"', code):
            params = {"period": "2026", "above": "4000", "flow": "X"} if url.endswith("/probability") else None
            answer = httpx.get(url.replace(DOCUMENTED, bundled_address), params=params)
            assert answer.status_code == 200, answer.text
            if "format=csv" in url:
                assert answer.headers["content-type"].startswith("text/csv")


def test_columns_named_in_the_power_query_exist(bundled_address: str) -> None:
    ((_, code),) = snippets("powerquery")
    (url,) = re.findall(r'Web\.Contents\("([^"]+)"\)', code)
    columns = set(pd.read_csv(url.replace(DOCUMENTED, bundled_address)))
    typed = set(re.findall(r'\{"(\w+)", type', code))
    assert typed
    assert typed <= columns


def test_the_notebook_runs(bundled_address: str) -> None:
    mpl.use("agg")
    notebook = json.loads((ROOT / NOTEBOOK).read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    names: dict[str, Any] = {}
    results = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            results.append(_last_value("".join(cell["source"]).replace(DOCUMENTED, bundled_address), names))
    assert set(results[0]["id"]) >= {"CN_TRADE", "CN_CLEANTECH"}
    assert (results[1]["lo"] < results[1]["hi"]).all()
    assert re.fullmatch(r"\d+% \(standard error \d+\.\d%, run \d+, data to \d{4}-\d{2}\)", results[3])
    assert len(results[4]) == 6


def _last_value(code: str, names: dict[str, Any]) -> Any:
    """Run a cell, and give the value of its last line, as a notebook shows it."""
    tree = ast.parse(code)
    last = tree.body[-1]
    if not isinstance(last, ast.Expr):
        exec(compile(tree, NOTEBOOK, "exec"), names)
        return None
    exec(compile(ast.Module(tree.body[:-1], []), NOTEBOOK, "exec"), names)
    return eval(compile(ast.Expression(last.value), NOTEBOOK, "eval"), names)


def test_every_row_of_works_with_names_a_test_that_exists() -> None:
    section = text("README.md").partition("## Works with")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| tool")]
    assert len(rows) > 8
    for row in rows:
        (test,) = re.findall(r"\]\((tests/[\w/]+\.py)\)", row)
        assert (ROOT / test).exists(), row
        assert all((ROOT / page.partition("#")[0]).exists() for page in re.findall(r"\]\((docs/[^)]+)\)", row)), row
