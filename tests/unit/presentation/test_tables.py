"""Parquet in parts."""

import io
from datetime import date

import pandas as pd
import pyarrow.parquet as pq
import pytest

from presentation.tables import parquet_parts

COLUMNS = ("name", "value", "day", "nothing")
ROWS = [(f"series {number}", number / 3, date(2026, 1, 1 + number % 28), None) for number in range(1000)]


@pytest.mark.parametrize("group", [1, 7, 1000, 5000])
def test_parts_together_are_one_table(group: int) -> None:
    parts = list(parquet_parts(COLUMNS, iter(ROWS), {"licence": "CC BY 4.0"}, group=group))
    assert len(parts) == -(-len(ROWS) // group) + 1
    content = io.BytesIO(b"".join(parts))
    pd.testing.assert_frame_equal(pd.read_parquet(content), pd.DataFrame(ROWS, columns=list(COLUMNS)))
    assert pq.read_schema(content).metadata[b"licence"] == b"CC BY 4.0"


def test_rows_are_taken_as_they_are_sent() -> None:
    taken = 0

    def rows():
        nonlocal taken
        for row in ROWS:
            taken += 1
            yield row

    parts = parquet_parts(COLUMNS, rows(), {}, group=100)
    next(parts)
    assert taken == 100


def test_a_table_without_rows_has_its_columns() -> None:
    content = b"".join(parquet_parts(COLUMNS, [], {}))
    assert list(pd.read_parquet(io.BytesIO(content))) == list(COLUMNS)


def test_a_column_that_is_missing_at_first_keeps_its_type() -> None:
    rows = [("a", 1.0, date(2026, 1, 1), None), ("b", None, None, None), ("c", 2.5, None, "text")]
    content = b"".join(parquet_parts(COLUMNS, rows, {}, group=1))
    assert pd.read_parquet(io.BytesIO(content))["nothing"].tolist() == [None, None, "text"]
