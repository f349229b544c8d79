"""pandas, polars and duckdb read tables by their address."""

import subprocess
import sys

import pandas as pd
import polars as pl
import pytest

FORECASTS = "/v1/datasets/CN_CLEANTECH/forecasts"
OBSERVATIONS = "/v1/datasets/CN_CLEANTECH/observations"


@pytest.mark.parametrize("path", [FORECASTS, OBSERVATIONS])
def test_pandas_reads_every_format(address: str, path: str) -> None:
    whole = pd.read_csv(f"{address}{path}?format=csv")
    assert whole["unique_id"].nunique() == 12
    for other in (
        pd.read_parquet(f"{address}{path}?format=parquet"),
        pd.read_excel(f"{address}{path}?format=xlsx", sheet_name="Data"),
    ):
        assert (list(other), len(other)) == (list(whole), len(whole))


@pytest.mark.parametrize("path", [FORECASTS, OBSERVATIONS])
def test_polars_scans_csv_and_parquet(address: str, path: str) -> None:
    rows = pd.read_csv(f"{address}{path}?format=csv")
    lazily = pl.scan_csv(f"{address}{path}?format=csv").collect()
    assert lazily.shape == rows.shape
    scanned = pl.scan_parquet(f"{address}{path}?format=parquet").select("unique_id").unique().collect()
    assert sorted(scanned["unique_id"]) == sorted(set(rows["unique_id"]))


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_duckdb_reads_a_table_over_http(address: str, duckdb_with_httpfs: dict[str, str], form: str) -> None:
    table = f"read_{form}('{address}{OBSERVATIONS}?format={form}')"
    query = f"LOAD httpfs; SELECT count(*), count(DISTINCT unique_id) FROM {table}"
    code = f'import duckdb; print(*duckdb.execute("{query}").fetchone())'
    done = subprocess.run(
        [sys.executable, "-c", code], env=duckdb_with_httpfs, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = pd.read_csv(f"{address}{OBSERVATIONS}?format=csv")
    assert done.stdout.split() == [str(len(rows)), "12"]
