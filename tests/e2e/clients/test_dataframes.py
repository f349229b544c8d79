"""pandas, polars and duckdb read tables by their address."""

import duckdb
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


def test_duckdb_reads_a_table_over_http(address: str) -> None:
    connection = duckdb.connect()
    try:
        connection.execute("INSTALL httpfs; LOAD httpfs")
    except duckdb.Error as error:
        pytest.skip(f"duckdb's extension httpfs cannot be installed here: {str(error).splitlines()[0]}")
    query = f"SELECT count(*), count(DISTINCT unique_id) FROM read_parquet('{address}{OBSERVATIONS}?format=parquet')"
    found = connection.execute(query).fetchone()
    assert found is not None
    assert (found[0] > 100, found[1]) == (True, 12)
