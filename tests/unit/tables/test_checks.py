import io
import re
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables import (
    BadRows,
    MisspeltColumns,
    UnreadableTable,
    check_observations,
    check_panel,
    check_releases,
    read_table,
)

TODAY = date(2026, 3, 15)
HEADER = "month,flow,partner,sector,value\n"
LIMIT = 1_000_000


def read(text: str | bytes) -> pd.DataFrame:
    return read_table(text.encode() if isinstance(text, str) else text, media="csv", limit_bytes=LIMIT)


def observations(*rows: str, header: str = HEADER) -> pd.DataFrame:
    return check_observations(read(header + "\n".join(rows)), today=TODAY)


def panel(*rows: str, header: str = "unique_id,ds,y\n") -> pd.DataFrame:
    return check_panel(read(header + "\n".join(rows)), today=TODAY)


def faults(*rows: str, header: str = HEADER) -> list[tuple[int | None, str, str]]:
    with pytest.raises(BadRows) as caught:
        observations(*rows, header=header)
    return [(fault.row, fault.column, fault.reason) for fault in caught.value.faults]


def test_good_observations_come_back_as_they_were() -> None:
    clean = observations("2024-01,X,USA,TOTAL,1.5", "2024-02,M,WLD,8507.60,0")
    assert clean["month"].tolist() == [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-02-01")]
    assert clean["value"].tolist() == [1.5, 0.0]
    assert clean["sector"].tolist() == ["TOTAL", "8507.60"]
    assert clean["months"].tolist() == [1, 1]
    assert clean["vintage"].isna().all()
    assert clean.index.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("2024", "is not a month"),
        ("2024-13", "is not a month"),
        ("2024-01-15", "is not a month, nor the first or last day"),
        ("2024-Q1", "is a quarter"),
        ("2024.1", "may be January, or October"),
        ("", "is empty"),
        ("٢٠٢٤-٠١", "is not a month"),
        ("2026-04", "is in the future"),
        ("0202-01", "is before 1900"),
        ("9999-01", "is in the future"),
    ],
)
def test_a_wrong_month_is_named(cell: str, reason: str) -> None:
    ((row, column, expected),) = faults("2024-01,X,USA,TOTAL,1", f"{cell},X,USA,TOTAL,1")
    assert (row, column) == (3, "month")
    assert expected.startswith(reason)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", "is empty"),
        ("n/a", "is a missing value: leave the row out, or name the sign with --missing 'n/a'"),
        ("NaN", "is a missing value: leave the row out, or name the sign with --missing 'NaN'"),
        ("inf", "is not a finite number"),
        ("1e999", "is not a finite number"),
        ("1_000", "is not a number"),
        ("0x10", "is not a number"),
        ("1 000", "has thousands marks: name the mark with --thousands space"),
        ("1e300", "is beyond 1e+18, the largest value accepted: correct it, or use a larger unit"),
        ("-0.1", "is negative, which this dataset does not allow; one created with --allow-negative does"),
    ],
)
def test_a_wrong_value_is_named(cell: str, reason: str) -> None:
    assert faults(f"2024-01,X,USA,TOTAL,{cell}") == [(2, "value", reason)]


def test_the_current_month_may_be_reported() -> None:
    assert len(observations("2026-03,X,USA,TOTAL,1")) == 1


def test_formats_of_months_are_not_mixed() -> None:
    assert faults("2024-01,X,USA,TOTAL,1", "2024-02-01,X,USA,TOTAL,1") == [
        (3, "month", "is not written like the other months; months are written YYYY-MM, such as 2024-01")
    ]


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("2024-01,B,USA,TOTAL,1", "flow"),
        ("2024-01,X,,TOTAL,1", "partner"),
        ("2024-01,X,usa,TOTAL,1", "partner"),
        ("2024-01,X,USA,a sector,1", "sector"),
    ],
)
def test_a_wrong_code_is_named(row: str, column: str) -> None:
    assert [fault[:2] for fault in faults(row)] == [(2, column)]


def test_all_faults_are_counted_and_the_first_are_reported() -> None:
    rows = [f"2024-01,X,USA,S{number},oops" for number in range(1000)]
    with pytest.raises(BadRows) as caught:
        observations(*rows)
    assert caught.value.total == 1000
    assert len(caught.value.faults) == 50
    message = str(caught.value)
    assert message.startswith("row 2, value: is not a number ('oops'); row 3")
    assert message.endswith("and 997 more")


def test_a_month_twice_is_a_fault_of_the_later_row() -> None:
    expected = faults("2024-01,X,USA,TOTAL,1", "2024-02,X,USA,TOTAL,1", "2024-01,X,USA,TOTAL,1")
    assert expected == [(4, "month", "appears in an earlier row of the same series")]


def test_a_month_may_come_in_two_vintages() -> None:
    clean = observations(
        "2024-01,X,USA,TOTAL,1,2024-02-09",
        "2024-01,X,USA,TOTAL,2,2024-03-09",
        header="month,flow,partner,sector,value,vintage\n",
    )
    assert clean["vintage"].tolist() == [pd.Timestamp("2024-02-09"), pd.Timestamp("2024-03-09")]


@pytest.mark.parametrize(
    ("vintage", "reason"),
    [
        ("2024-01-01", "a value cannot be known"),
        ("2026-03-16", "is in the future"),
        ("2024-02-30", "is not a day"),
    ],
)
def test_a_wrong_vintage_is_named(vintage: str, reason: str) -> None:
    header = "month,flow,partner,sector,value,vintage\n"
    ((row, column, expected),) = faults(f"2024-01,X,USA,TOTAL,1,{vintage}", header=header)
    assert (row, column) == (2, "vintage")
    assert expected.startswith(reason)


def test_only_february_holds_two_months() -> None:
    header = "month,flow,partner,sector,value,months\n"
    assert observations("2024-02,X,USA,TOTAL,1,2", header=header)["months"].tolist() == [2]
    assert [fault[:2] for fault in faults("2024-03,X,USA,TOTAL,1,2", header=header)] == [(2, "months")]
    assert [fault[:2] for fault in faults("2024-02,X,USA,TOTAL,1,3", header=header)] == [(2, "months")]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (HEADER.encode(), "there is no row in it"),
        (HEADER.encode() + b"2024-01,X,USA,TOTAL,1\n2024-02,X,USA\n", "row 3 has 3 cells, the header 5"),
        (HEADER.encode() + b"2024-01,X,USA,TOTAL,1,9\n", "row 2 has 6 cells"),
        (HEADER.encode() + b"2024-01,X,USA,C\xf4te,1\n", "row 2 is not UTF-8 text"),
        (HEADER.encode("utf-16"), "there is no row in it"),
        (HEADER.encode("utf-16-le"), "zero bytes"),
        (b"month,month\n1,2\n", "names month more than once"),
        (b"a,b\n\0,1\n", "zero bytes"),
    ],
)
def test_what_is_no_csv_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableTable, match=reason):
        read(data)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("month;flow;partner\n2024-01;X;USA\n", "lacks sector, value; it has month, flow, partner"),
        ("2024-01,X,USA,TOTAL,1\n2024-02,X,USA,TOTAL,1\n", "lacks month, flow, partner, sector, value; it has 2024-01"),
        ("month:flow:partner\n2024-01:X:USA\n", "name what separates them: --separator"),
    ],
)
def test_a_header_without_the_columns_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UnreadableTable, match=reason):
        check_observations(read(text), today=TODAY)


def test_spreadsheets_habits_are_accepted() -> None:
    text = '\ufeffmonth , flow,"partner",sector,value\r\n2024-01, X ,"USA",TOTAL, 1.50 \r\n\r\n'
    assert check_observations(read(text), today=TODAY)["value"].tolist() == [1.5]


def test_a_blank_line_does_not_shift_the_rows_after_it() -> None:
    assert {row for row, _, _ in faults("2024-01,X,USA,TOTAL,1", "", "2024-02,X,USA,TOTAL,oops")} == {4}


def test_size_is_checked_before_reading(tmp_path: Path) -> None:
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(UnreadableTable, match=r"200.0 MB is more than the 32 MB accepted"):
        read_table(huge, limit_bytes=32_000_000)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTable, match=r"gone.csv: no such file"):
        read_table(tmp_path / "gone.csv", limit_bytes=LIMIT)
    with pytest.raises(UnreadableTable, match="is a directory"):
        read_table(tmp_path, media="csv", limit_bytes=LIMIT)
    with pytest.raises(UnreadableTable, match="must end in one of"):
        read_table(tmp_path / "table.docx", limit_bytes=LIMIT)


def test_parquet_reads_like_csv(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "month": pd.to_datetime(["2024-01-01", "2024-02-01"]),
            "flow": "X",
            "partner": "USA",
            "sector": 336,
            "value": [1.0, 2.0],
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    clean = check_observations(read_table(tmp_path / "t.parquet", limit_bytes=LIMIT), today=TODAY)
    assert clean["sector"].tolist() == ["336", "336"]
    assert clean["month"].tolist() == frame["month"].tolist()
    frame["month"] = [date(2024, 1, 1), date(2024, 2, 2)]
    frame.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(BadRows, match="row 2, month"):
        check_observations(read_table(tmp_path / "t.parquet", limit_bytes=LIMIT), today=TODAY)


def test_a_small_parquet_that_unfolds_beyond_the_limit_is_refused() -> None:
    buffer = io.BytesIO()
    pd.DataFrame({"y": np.zeros(2_000_000)}).to_parquet(buffer)
    assert len(buffer.getvalue()) < LIMIT
    with pytest.raises(UnreadableTable, match="2000000 cells"):
        read_table(buffer.getvalue(), media="parquet", limit_bytes=LIMIT)
    with pytest.raises(UnreadableTable, match="not a Parquet file"):
        read_table(b"PAR1 nonsense", media="parquet", limit_bytes=LIMIT)


def test_json_rows_read_like_csv() -> None:
    row = '{"month": "2024-01", "flow": "X", "partner": "USA", "sector": "TOTAL", "value": %s}'
    good = read_table(f"[{row % '1.5'}]".encode(), media="json", limit_bytes=LIMIT)
    assert check_observations(good, today=TODAY)["value"].tolist() == [1.5]
    text = '"text"'
    mixed = read_table(f"[{row % 'null'}, {row % text}]".encode(), media="json", limit_bytes=LIMIT)
    with pytest.raises(BadRows, match="row 1, value: is empty; row 2, value: is not a number"):
        check_observations(mixed, today=TODAY)


@pytest.mark.parametrize("text", ['{"a": 1}', "[1]", "[{]", '[{"a": NaN}]', '[{"a": [1]}]', '[{"a": true}]', "[]"])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(UnreadableTable):
        read_table(text.encode(), media="json", limit_bytes=LIMIT)


def test_json_rows_of_ever_new_keys_are_refused_at_the_largest_number_of_columns() -> None:
    rows = ",".join(f'{{"k{place}": 1}}' for place in range(2500))
    with pytest.raises(UnreadableTable, match="2,000 are accepted"):
        read_table(f"[{rows}]".encode(), media="json", limit_bytes=LIMIT)


def test_a_panel_comes_back_sorted() -> None:
    clean = panel("b,2024-02,3", "b,2024-01,2", "a,2024-01,1")
    assert clean["unique_id"].tolist() == ["a", "b", "b"]
    assert clean["y"].tolist() == [1.0, 2.0, 3.0]


def test_a_panel_with_a_missing_month_is_refused() -> None:
    with pytest.raises(BadRows, match=r"row 3, ds: the month before it is missing .*--after-gaps .*2024-03"):
        panel("a,2024-01,1", "a,2024-03,1", "b,2024-05,1")


def test_a_series_of_a_panel_keeps_its_partner() -> None:
    header = "unique_id,ds,y,partner,sector\n"
    assert panel("a,2024-01,1,USA,TOTAL", "a,2024-02,1,USA,TOTAL", header=header)["partner"].tolist() == ["USA", "USA"]
    with pytest.raises(BadRows, match="row 3, partner: changes within its series"):
        panel("a,2024-01,1,USA,TOTAL", "a,2024-02,1,DEU,TOTAL", header=header)


@given(st.floats(min_value=0, max_value=1e18, allow_infinity=False, allow_nan=False))
def test_numbers_read_from_text_are_the_same_to_the_last_bit(value: float) -> None:
    assert observations(f"2024-01,X,USA,TOTAL,{value!r}")["value"].tolist() == [value]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_by_name(data: bytes) -> None:
    for media in ("csv", "json", "parquet", "xlsx"):
        try:
            check_observations(read_table(data, media=media, limit_bytes=LIMIT), today=TODAY)
        except (UnreadableTable, BadRows):
            continue
        raise AssertionError(data)


def calendar(*rows: str, header: str = "dataset,period,due_on,time") -> pd.DataFrame:
    return check_releases(read_table("\n".join([header, *rows]).encode(), media="csv", limit_bytes=10_000))


def test_due_dates_come_with_their_moment_in_utc() -> None:
    frame = calendar(
        "CN_TRADE,2025-04,2025-05-09,11:00+08:00", "CN_TRADE,2025-05,2025-06-09,11:00", "A,2025-05,2025-06-09,"
    )
    assert frame["period"].dt.strftime("%Y-%m").tolist() == ["2025-04", "2025-05", "2025-05"]
    moments = [None if pd.isna(entry) else f"{entry:%m-%d %H:%M%z}" for entry in frame["due_at"]]
    assert moments == ["05-09 03:00+0000", "06-09 11:00+0000", None]
    assert calendar("A,2025-05,2025-06-09", header="dataset,period,due_on")["due_at"].isna().all()


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("a,2025-05,2025-06-09,", "row 2, dataset: is not a code"),
        ("A,2025,2025-06-09,", "row 2, period: is not a month"),
        ("A,2025-05,9 June,", "row 2, due_on: is not a day"),
        ("A,2025-05,2025-05-31,", "row 2, due_on: is before its month is over"),
        ("A,2025-05,2025-06-09,25:00", "row 2, time: is not a time"),
        ("A,2025-05,2025-06-09,11:00+8", "row 2, time: is not a time"),
        ("A,2025-05,2025-06-09,\nA,2025-05,2025-06-10,", "row 3, period: appears in an earlier row"),
    ],
)
def test_a_fault_in_a_calendar_is_named_by_row_and_column(row: str, fault: str) -> None:
    with pytest.raises(BadRows, match=re.escape(fault)):
        calendar(row)


def test_a_calendar_needs_its_columns() -> None:
    with pytest.raises(UnreadableTable, match="lacks due_on"):
        calendar("A,2025-05", header="dataset,period")


def test_a_column_that_is_like_none_is_passed_over() -> None:
    header = "month,flow,partner,sector,value,note,partner_name\n"
    assert len(observations("2024-01,X,USA,EV,1.5,first print,United States", header=header)) == 1
    assert "flow" not in panel("a,2024-01,1,X", header="unique_id,ds,y,flow\n")


@pytest.mark.parametrize("name", ["Vintage", "vintages", "vin tage", "vintgae", "STATUS"])
def test_a_column_that_is_one_misspelt_is_refused_by_name(name: str) -> None:
    with pytest.raises(MisspeltColumns, match=r"which is not read; the columns are month, .*, vintage") as refused:
        observations("2024-01,X,USA,EV,1.5,2024-02-09", header=f"month,flow,partner,sector,value,{name}\n")
    assert refused.value.columns == (name,)
    with pytest.raises(MisspeltColumns, match="partner"):
        panel("a,2024-01,1,DEU", header="unique_id,ds,y,Partner\n")
    with pytest.raises(MisspeltColumns, match="time"):
        check_releases(read("dataset,period,due_on,Time\nCN,2026-01,2026-02-09,11:00\n"))
