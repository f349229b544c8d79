"""Separators, marks, quotes, line ends, encodings and months in generated variants: read alike, or named."""

import csv
import io
from calendar import month_name, monthrange
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tables import BadRows, TableError, UnreadableTable, check_panel, make_dialect, read_table
from tables.faults import BadDialect

TODAY = date(2026, 11, 27)
LIMIT = 1_000_000
CASES = Path(__file__).resolve().parents[4] / "shared" / "data" / "cases"
MONTHS = pd.period_range("2019-11", "2021-03", freq="M")
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not on this machine")

FORMS = {
    "2024-01": lambda month: f"{month:%Y-%m}",
    "2024-1": lambda month: f"{month.year}-{month.month}",
    "2024-01-01": lambda month: f"{month:%Y-%m-%d}",
    "2024-01-01 00:00:00": lambda month: f"{month:%Y-%m-%d} 00:00:00",
    "2024-01-31": lambda month: f"{last_day(month):%Y-%m-%d}",
    "2024M01": lambda month: f"{month:%YM%m}",
    "2024M1": lambda month: f"{month.year}M{month.month}",
    "2024/01": lambda month: f"{month:%Y/%m}",
    "2024.01": lambda month: f"{month:%Y.%m}",
    "202401": lambda month: f"{month:%Y%m}",
    "20240101": lambda month: f"{month:%Y%m%d}",
    "01/2024": lambda month: f"{month:%m/%Y}",
    "01/01/2024, day first": lambda month: f"{month:%d/%m/%Y}",
    "01/01/2024, month first": lambda month: f"{month:%m/%d/%Y}",
    "31.01.2024": lambda month: f"{last_day(month):%d.%m.%Y}",
    "01/31/2024": lambda month: f"{last_day(month):%m/%d/%Y}",
    "Jan-24": lambda month: f"{month_name[month.month][:3]}-{month:%y}",
    "JAN 2024": lambda month: f"{month_name[month.month][:3].upper()} {month.year}",
    "January 2024": lambda month: f"{month_name[month.month]} {month.year}",
    "2024-Jan": lambda month: f"{month.year}-{month_name[month.month][:3]}",
    "1 January 2024": lambda month: f"1 {month_name[month.month]} {month.year}",
    "2024年1月": lambda month: f"{month.year}年{month.month}月",
    "45292": lambda month: str((month - date(1899, 12, 30)).days),
    "45322": lambda month: str((last_day(month) - date(1899, 12, 30)).days),
}


def last_day(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


def panel(text: str | bytes, **marks: str | list[str]) -> pd.DataFrame:
    dialect = make_dialect(**marks)  # type: ignore[arg-type]
    data = text.encode() if isinstance(text, str) else text
    frame = read_table(data, media="csv", limit_bytes=LIMIT, dialect=dialect)
    return check_panel(frame, today=TODAY, negative=True, dialect=dialect)


def months_of(texts: list[str]) -> list[str]:
    clean = panel("unique_id;ds;y\n" + "".join(f"a;{text};1\n" for text in texts), separator=";")
    return list(clean["ds"].dt.strftime("%Y-%m"))


@pytest.mark.parametrize("form", FORMS)
def test_months_as_offices_write_them_are_read(form: str) -> None:
    first_days = [month.to_timestamp().date() for month in MONTHS]
    assert months_of([FORMS[form](day) for day in first_days]) == [str(month) for month in MONTHS]


@settings(deadline=None)
@given(
    form=st.sampled_from(sorted(FORMS)), start=st.dates(date(1950, 1, 1), date(2024, 12, 31)), length=st.integers(2, 20)
)
def test_a_span_of_months_of_any_form_comes_back(form: str, start: date, length: int) -> None:
    months = pd.period_range(start, periods=length, freq="M")
    assert months_of([FORMS[form](month.to_timestamp().date()) for month in months]) == [str(month) for month in months]


@settings(deadline=None)
@given(start=st.dates(date(2000, 1, 1), date(2024, 12, 31)), form=st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d"]))
def test_days_within_a_month_are_never_taken_for_months(start: date, form: str) -> None:
    # Up to the twelfth, the days of a January are the first days of months for a reader who writes the month first.
    days = [start.replace(day=13) + timedelta(days=offset) for offset in range(3)]
    with pytest.raises(BadRows):
        months_of([f"{day:{form}}" for day in days])


@pytest.mark.parametrize(
    "text", ["2001.1", "24-01", "1/2/24", "2024-Q1", "2024", "Q1 2024", "Janvier 2024", "99999", "2024-00"]
)
def test_what_may_be_several_months_is_refused_with_the_form_that_is_wanted(text: str) -> None:
    with pytest.raises(BadRows, match="months are written YYYY-MM"):
        months_of([text])


def test_a_month_to_come_in_two_digits_is_not_taken_for_one_of_the_last_century() -> None:
    with pytest.raises(BadRows, match="is in the future"):
        months_of(["Jan-27"])
    assert months_of(["Jan-98", "Feb-98"]) == ["1998-01", "1998-02"]


sizes = st.decimals(20_000, 10**7, places=2).map(float)
values_strategy = st.lists(sizes | sizes.map(lambda size: -size), min_size=2, max_size=12)
MARKS = [(".", None), (",", None), (".", ","), (",", "."), (",", " "), (".", " "), (".", "'"), (",", "\u202f")]


@settings(deadline=None)
@given(
    values=values_strategy,
    separator=st.sampled_from(",;\t|"),
    marks=st.sampled_from(MARKS),
    ends=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_values_come_back_whatever_the_separator_marks_and_line_ends(
    values: list[float], separator: str, marks: tuple[str, str | None], ends: str
) -> None:
    decimal, thousands = marks
    table = str.maketrans({".": decimal, ",": thousands or ""})
    rows = [["unique_id", "ds", "y"]]
    rows += [
        ["a", str(pd.Period("2020-01", "M") + row), f"{value:,.2f}".translate(table)]
        for row, value in enumerate(values)
    ]
    output = io.StringIO(newline="")
    csv.writer(output, delimiter=separator, lineterminator=ends).writerows(rows)
    named = "space" if thousands == "\u202f" else thousands
    clean = panel(output.getvalue(), separator=separator, decimal=decimal, **({"thousands": named} if named else {}))
    assert clean["y"].tolist() == values


names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=12
)


@settings(deadline=None)
@given(
    ids=st.lists(names.map(str.strip).filter(bool), min_size=1, max_size=4, unique=True),
    heading=names,
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_quoted_cells_of_any_letters_come_back(ids: list[str], heading: str, quoting: int) -> None:
    output = io.StringIO(newline="")
    writer = csv.writer(output, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(["unique_id", "ds", "y", f'a "quoted", {heading}\nheading'])
    writer.writerows([[name, "2024-01", "1.5", 'a note, with\na "line" break'] for name in ids])
    assert sorted(panel(output.getvalue(), separator=",")["unique_id"]) == sorted(ids)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_separator_and_a_decimal_comma_are_found_where_only_one_reading_is_possible(separator: str) -> None:
    text = "unique_id;ds;y\na;2024-01;1234,5\na;2024-02;1,125\n".replace(";", separator)
    assert panel(text)["y"].tolist() == [1234.5, 1.125]


@pytest.mark.parametrize(
    ("cell", "advice"),
    [
        ("1,234", "name it with --thousands , or --decimal ,"),
        ("1,234,567", "--thousands ,"),
        ("1,234.5", "--thousands ,"),
        ("1.234,5", "--thousands . with --decimal ,"),
        ("1 234", "--thousands space"),
        ("1\u00a0234,5", "--thousands space with --decimal ,"),
        ("1'234", "--thousands apostrophe"),
        (":", "is a missing value: leave the row out, or name the sign with --missing ':'"),
        ("..", "--missing '..'"),
        ("-", "--missing '-'"),
        ("NaN", "--missing 'NaN'"),
        (": c", "--missing ': c'"),
        ("1e308", "is beyond 1e+18"),
        ("inf", "is not a finite number"),
        ("12 p", "is not a number"),
    ],
)
def test_a_cell_that_is_no_plain_number_is_named_with_what_to_do(cell: str, advice: str) -> None:
    with pytest.raises(BadRows) as refused:
        panel(f'unique_id\tds\ty\na\t2024-01\t1\na\t2024-02\t"{cell}"\n')
    (fault,) = refused.value.faults
    assert (fault.row, fault.column) == (3, "y")
    assert advice in fault.reason


def test_rows_of_named_missing_values_are_left_out() -> None:
    text = "unique_id,ds,y\na,2024-01,..\na,2024-02,2\na,2024-03,:\n"
    assert panel(text, missing=["..", ":"])["y"].tolist() == [2.0]
    with pytest.raises(UnreadableTable, match="every y is missing"):
        panel("unique_id,ds,y\na,2024-01,..\n", missing=[".."])


def test_misplaced_thousands_marks_are_refused() -> None:
    for cell in ("1,18", "12345,678", "1,2345"):
        with pytest.raises(BadRows, match="row 2, y"):
            panel(f'unique_id,ds,y\na,2024-01,"{cell}"\n', thousands=",")
    assert panel('unique_id,ds,y\na,2024-01,"12,34,567.5"\n', thousands=",")["y"].tolist() == [1234567.5]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252", "gb18030", "shift_jis", "utf-16-le"])
def test_text_of_any_encoding_is_read_where_it_is_named_or_marked(encoding: str) -> None:
    name = "Cote" if encoding == "shift_jis" else "Côte" if encoding != "gb18030" else "越南"
    data = f"unique_id,ds,y\n{name},2024-01,1\n".encode(encoding)
    marked = encoding in ("utf-8-sig", "utf-16")
    assert panel(data, **({} if marked else {"encoding": encoding}))["unique_id"].tolist() == [name]


def test_text_of_another_encoding_is_refused_with_the_option() -> None:
    with pytest.raises(UnreadableTable, match="row 2 is not UTF-8 text: name its encoding with --encoding"):
        panel("unique_id,ds,y\nCôte,2024-01,1\n".encode("cp1252"))
    for wrong in ("klingon", "hex", "rot13"):
        with pytest.raises(BadDialect, match="no text encoding has this name"):
            make_dialect(encoding=wrong)


def test_a_mark_that_is_none_is_refused() -> None:
    with pytest.raises(BadDialect, match="it is one of"):
        make_dialect(separator="ab")
    with pytest.raises(BadDialect, match="the decimal mark is the same"):
        make_dialect(decimal=",", thousands="comma")


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("unique_id,ds,y\na;2024-01;1\n", "row 2 has 1 cells, the header 3: its cells may be separated by ;"),
        ("unique_id,ds,y\na,2024-01,112,5\n", "row 2 has 4 cells, the header 3: a cell with a comma in it"),
        ("a,b;c,d;e\n1,2;3,4;5\n", "its cells may be separated by , or ;: name the separator with --separator"),
    ],
)
def test_a_separator_that_is_the_fault_is_named(text: str, advice: str) -> None:
    with pytest.raises(UnreadableTable) as refused:
        panel(text)
    assert advice in str(refused.value)


def test_trailing_separators_are_read_with_or_without_the_header_having_them() -> None:
    with_header = panel("unique_id,ds,y,,\na,2024-01,1,,\na,2024-02,2,,\n,,,,\n")
    rows_only = panel("unique_id,ds,y\na,2024-01,1,,\n\na,2024-02,2,\n")
    assert with_header["y"].tolist() == rows_only["y"].tolist() == [1.0, 2.0]
    assert rows_only.index.tolist() == [2, 4]


def test_blank_lines_before_the_header_count_as_rows() -> None:
    with pytest.raises(BadRows, match="row 5, y"):
        panel("\n\nunique_id,ds,y\na,2024-01,1\na,2024-02,?\n")


def test_a_quoted_line_break_is_within_one_row() -> None:
    with pytest.raises(BadRows, match="row 3, y"):
        panel('unique_id,ds,y,"a\nnote"\na,2024-01,1,"b\nc"\na,2024-02,?,d\n')


@pytest.mark.parametrize("reads", ["i_cr", "i_deccomma", "i_hdrcomma", "i_trailcommas"])
@needs_cases
def test_the_cases_that_have_one_reading_are_read(reads: str) -> None:
    values = panel((CASES / f"{reads}.csv").read_bytes())["y"]
    assert (len(values), values.iloc[0], values.iloc[-1]) == (36, 112.5, 122.9)


@pytest.mark.parametrize(
    ("case", "advice"),
    [("i_v_colon", "--missing ':'"), ("i_v_dots", "--missing '..'"), ("i_thousands", "--thousands ,")],
)
@needs_cases
def test_the_cases_that_have_none_say_what_to_do(case: str, advice: str) -> None:
    with pytest.raises(BadRows) as refused:
        panel((CASES / f"{case}.csv").read_bytes())
    assert advice in str(refused.value)


def test_headers_and_cells_are_capped() -> None:
    with pytest.raises(UnreadableTable, match="2,001 cells"):
        panel(",".join(f"c{number}" for number in range(2001)) + "\n1\n")
    with pytest.raises(UnreadableTable, match="the header is longer than"):
        panel("," * 300_000 + "\n1\n")
    rows = ",".join(f'{{"k{number}": 1}}' for number in range(5000))
    with pytest.raises(UnreadableTable, match="2,001 cells"):
        read_table(f"[{rows}]".encode(), media="json", limit_bytes=LIMIT)


@settings(deadline=None)
@given(st.text(st.sampled_from('ab01,;\t|"\n\r.-: '), max_size=60))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    try:
        panel("unique_id,ds,y\n" + text)
        panel(text)
    except TableError:
        return


def jumping(last: float, before: float = 1.0) -> str:
    rows = [f"a,{month},{before}" for month in pd.period_range("2023-01", periods=14, freq="M")]
    return "unique_id,ds,y\n" + "\n".join([*rows, f"a,2024-03,{last}"]) + "\n"


def test_a_last_value_a_thousand_times_those_before_is_refused_with_the_reason() -> None:
    with pytest.raises(BadRows, match=r"row 16, y: is 2,000 times the largest of the 12 months before it.*--force"):
        panel(jumping(2000.0))
    assert len(panel(jumping(999.0))) == 15
    assert len(panel(jumping(5.0, before=0.0))) == 15


def test_a_jump_that_is_forced_or_past_is_accepted_and_reported() -> None:
    notices: list[str] = []
    frame = read_table(jumping(2000.0).encode(), media="csv", limit_bytes=LIMIT)
    check_panel(frame, today=TODAY, force=True, notify=notices.append)
    past = jumping(1.0).replace("2023-11,1.0", "2023-11,5000")
    check_panel(read_table(past.encode(), media="csv", limit_bytes=LIMIT), today=TODAY, notify=notices.append)
    assert [notice.rpartition(": ")[2] for notice in notices] == ["a 2024-03 (2000)", "a 2023-11 (5000)"]


def test_numbers_that_are_numbers_already_are_bounded_too() -> None:
    frame = pd.DataFrame({"unique_id": "a", "ds": ["2024-01", "2024-02"], "y": np.array([1.0, 1e308])})
    with pytest.raises(BadRows, match=r"is beyond 1e\+18"):
        check_panel(frame, today=TODAY)
