"""Tables of others' making: wide, renamed, in workbooks."""

import io
import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tables import (
    BadLayout,
    BadRows,
    Layout,
    UnreadableTable,
    arrange,
    check_observations,
    check_panel,
    make_dialect,
    panel_frame,
    parse_pairs,
    read_table,
    unpivot,
)

TODAY = date(2026, 11, 27)
LIMIT = 1_000_000
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared tables are not on this machine")


def table(text: str, layout: Layout = Layout()) -> pd.DataFrame:  # noqa: B008 - it is frozen
    return read_table(text.encode(), media="csv", limit_bytes=LIMIT, dialect=layout.dialect)


def panel(text: str, layout: Layout) -> dict[str, list[float]]:
    clean = check_panel(
        panel_frame(table(text, layout), layout, today=TODAY),
        today=TODAY,
        negative=True,
        dialect=layout.dialect,
        after_gaps=layout.after_gaps,
    )
    return {str(name): group["y"].tolist() for name, group in clean.groupby("unique_id")}


def workbook(rows: dict[int, list[object]], title: str = "Sheet") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for number, cells in rows.items():
        for column, value in enumerate(cells, start=1):
            sheet.cell(number, column, value)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


WIDE = Layout(wide=True)


def test_months_down_and_months_across_give_the_same_panel() -> None:
    down = "Month,China,Viet Nam\n2024M01,1,3\n2024M02,2,4\n"
    across = "Partner,2024M01,2024M02\nChina,1,2\nViet Nam,3,4\n"
    assert panel(down, WIDE) == panel(across, WIDE) == {"China": [1.0, 2.0], "Viet Nam": [3.0, 4.0]}


@settings(deadline=None)
@given(
    values=st.dictionaries(
        st.sampled_from(["China", "Korea, Rep.", "USA", "Total"]),
        st.lists(st.integers(10**3, 10**5), min_size=3, max_size=3),
        min_size=1,
    ),
    form=st.sampled_from(["%Y-%m", "%YM%m", "%b-%y", "%m/%Y", "%B %Y"]),
)
def test_a_table_made_wide_comes_back_long(values: dict[str, list[int]], form: str) -> None:
    frame = pd.DataFrame({"Period": pd.date_range("2023-11-01", periods=3, freq="MS").strftime(form), **values})
    transposed = frame.set_index("Period").T.rename_axis("Partner").reset_index()
    for wide in (frame, transposed):
        found = panel(wide.to_csv(index=False), WIDE)
        assert found == {name: list(map(float, numbers)) for name, numbers in values.items()}


def test_columns_of_text_beside_the_months_name_the_series_too() -> None:
    text = "Country,Date,Exports,Imports\nChina,2024-01,1,2\nKorea,2024-01,3,4\n"
    assert sorted(panel(text, WIDE)) == ["China.Exports", "China.Imports", "Korea.Exports", "Korea.Imports"]


def test_empty_and_missing_cells_of_a_wide_table_are_left_out() -> None:
    layout = Layout(wide=True, dialect=make_dialect(missing=["NA"]))
    assert panel("m,A,B\n2024-01,NA,1\n2024-02,5,2\n2024-03,,3\n", layout) == {"A": [5.0], "B": [1.0, 2.0, 3.0]}
    with pytest.raises(BadRows, match=r"row 2, A: is a missing value.*--missing 'NA'"):
        panel("m,A,B\n2024-01,NA,1\n2024-02,5,2\n", WIDE)


def test_a_fault_of_a_wide_table_is_named_by_its_row_and_heading() -> None:
    with pytest.raises(BadRows, match=r"row 3, Viet Nam: is not a number \('oops'\)"):
        panel("m,China,Viet Nam\n2024-01,1,2\n2024-02,1,oops\n2024-03,1,2\n", WIDE)


def test_series_of_a_wide_table_are_kept_or_dropped_by_name() -> None:
    down, across = "m,A,B,C\n2024-01,1,2,3\n", "name,2024-01,2024-02\nA,1,1\nB,2,2\nC,3,3\n"
    for text in (down, across):
        assert list(panel(text, Layout(wide=True, keep=("B",)))) == ["B"]
        assert list(panel(text, Layout(wide=True, drop=("B",)))) == ["A", "C"]
        with pytest.raises(BadLayout, match="keep 'Bb': the table has no such name"):
            panel(text, Layout(wide=True, keep=("Bb",)))


def test_a_table_without_months_is_not_wide() -> None:
    with pytest.raises(UnreadableTable, match="neither a column nor the header holds months"):
        unpivot(table("a,b\n1,2\n"), today=TODAY)


def test_a_series_with_a_gap_starts_after_it_where_that_is_asked_for() -> None:
    text = "unique_id,ds,y\na,2024-01,1\na,2024-03,3\na,2024-04,4\nb,2024-01,5\n"
    assert panel(text, Layout(after_gaps=True)) == {"a": [3.0, 4.0], "b": [5.0]}
    with pytest.raises(BadRows, match="--after-gaps"):
        panel(text, Layout())


def test_columns_are_renamed_by_their_headings() -> None:
    layout = Layout(columns={"date": "ds", "Value, USD": "y"}, constant={"unique_id": "a"})
    assert panel('Date,"Value, USD"\n2024-01,1\n', layout) == {"a": [1.0]}
    with pytest.raises(BadLayout, match="map 'Dat': the table has no such name; it has Date"):
        arrange(table("Date,y\n2024-01,1\n"), Layout(columns={"Dat": "ds"}), today=TODAY, month="ds", value="y")
    with pytest.raises(BadLayout, match="constant 'y': the table has a column of that name"):
        arrange(table("ds,y\n2024-01,1\n"), Layout(constant={"y": "1"}), today=TODAY, month="ds", value="y")


def test_pairs_are_read_with_commas_in_names() -> None:
    assert parse_pairs("map", ["date=month,Value, USD=value", "a=b"]) == {
        "date": "month",
        "Value, USD": "value",
        "a": "b",
    }
    with pytest.raises(BadLayout, match="write NAME=VALUE"):
        parse_pairs("map", ["date"])


def test_a_workbook_is_read_with_the_rows_of_excel() -> None:
    data = workbook({2: ["unique_id", "ds", "y"], 3: ["a", "2024-01", 1], 6: ["a", date(2024, 2, 1), "oops"]})
    frame = read_table(data, media="xlsx", limit_bytes=LIMIT)
    assert frame.index.tolist() == [3, 6]
    with pytest.raises(BadRows, match="row 6, y: is not a number"):
        check_panel(frame.assign(ds=["2024-01-01", "2024-02-01"]), today=TODAY)


def test_sheets_are_chosen_by_name_or_number() -> None:
    data = workbook({1: ["a"], 2: [1]}, title="monthly")
    for sheet in ("monthly", "0"):
        frame = read_table(data, media="xlsx", limit_bytes=LIMIT, dialect=make_dialect(sheet=sheet))
        assert frame["a"].tolist() == [1]
    with pytest.raises(UnreadableTable, match="there is no sheet 'annual'; there are monthly"):
        read_table(data, media="xlsx", limit_bytes=LIMIT, dialect=make_dialect(sheet="annual"))


@pytest.mark.parametrize("titles", [1, 2, 4])
@pytest.mark.parametrize("width", [2, 3, 9])
def test_title_rows_above_the_header_of_a_workbook_are_skipped(titles: int, width: int) -> None:
    names = ["month", *(f"p{place}" for place in range(1, width))]
    above: dict[int, list[object]] = {row: ["Exports, USD m", *([""] * (width - 1))] for row in range(1, titles + 1)}
    body: dict[int, list[object]] = {titles + 3 + row: [f"2024-0{row}", *([row] * (width - 1))] for row in range(1, 7)}
    data = workbook({**above, titles + 2: [*names], **body})
    frame = read_table(data, media="xlsx", limit_bytes=LIMIT)
    assert frame.columns.tolist() == names
    assert frame.index.tolist() == sorted(body)


def test_a_header_above_sparse_rows_is_no_title() -> None:
    rows: dict[int, list[object]] = {row: [f"20{row:02}-01", *([None] * 7), row] for row in range(2, 30)}
    frame = read_table(workbook({1: ["month", *"abcdefgh"], **rows}), media="xlsx", limit_bytes=LIMIT)
    assert frame.columns.tolist() == ["month", *"abcdefgh"]
    assert len(frame) == 28


def test_a_small_workbook_that_unpacks_beyond_the_limit_is_refused() -> None:
    data = workbook({1: ["a"], 2: [1]})
    buffer = io.BytesIO(data)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/zeros.bin", b"0" * 5 * LIMIT)
    assert len(buffer.getvalue()) < LIMIT
    with pytest.raises(UnreadableTable, match=r"it unpacks to 5\.0 MB"):
        read_table(buffer.getvalue(), media="xlsx", limit_bytes=LIMIT)


def test_a_small_workbook_of_endless_rows_or_columns_is_refused() -> None:
    far_down = workbook({1: ["a"], 1_048_576: [1]})
    assert len(far_down) < 10_000
    with pytest.raises(UnreadableTable, match="more than the 1,000,000 cells accepted"):
        read_table(far_down, media="xlsx", limit_bytes=LIMIT)
    with pytest.raises(UnreadableTable, match="2,500 cells, and 2,000 are accepted"):
        read_table(workbook({1: ["a"] * 2500}), media="xlsx", limit_bytes=LIMIT)


@pytest.mark.parametrize("data", [b"\xd0\xcf\x11\xe0 old", b"PK\x03\x04 cut", workbook({1: []})])
def test_what_is_no_workbook_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableTable):
        read_table(data, media="xlsx", limit_bytes=LIMIT)


MIRROR = {
    "japan-china-trade-data.csv": ({}, {"Exports": 231700220.0, "Imports": 586529635.0}),
    "korea-china-trade-data.csv": ({}, {"China, peoples' republic of.Exports": 1239083.0}),
    "usa-china-trade-data.csv": ({"thousands": ","}, {"Exports": 1187.5, "Imports": 8427.5, "Balance": -7240.0}),
}


@pytest.mark.parametrize("name", MIRROR)
@needs_data
def test_the_tables_of_three_offices_are_read_unchanged(name: str) -> None:
    marks, first = MIRROR[name]
    found = panel((SHARED / "mirror_2001_2019" / name).read_text(), Layout(wide=True, dialect=make_dialect(**marks)))
    assert {len(values) for values in found.values()} == {228}
    assert {series: found[series][0] for series in first} == first


@needs_data
def test_the_workbook_of_the_world_bank_is_read_unchanged() -> None:
    dialect = make_dialect(sheet="monthly", missing=["NA"])
    frame = read_table(SHARED / "gem_exports" / "exports_nsa.xlsx", limit_bytes=LIMIT, dialect=dialect)
    layout = Layout(wide=True, dialect=dialect, after_gaps=True)
    clean = check_panel(panel_frame(frame, layout, today=TODAY), today=TODAY, after_gaps=True)
    assert clean["unique_id"].nunique() == 140
    china = clean[clean["unique_id"] == "China"]
    assert (f"{china['ds'].iloc[-1]:%Y-%m}", len(china)) == ("2024-12", 357)


def test_what_does_not_apply_to_a_file_is_refused_and_not_ignored() -> None:
    data = workbook({1: ["unique_id", "ds", "y"], 2: ["a", "2024-01", 1]})
    with pytest.raises(UnreadableTable, match="no separator or encoding"):
        read_table(data, media="xlsx", limit_bytes=LIMIT, dialect=make_dialect(separator=";"))
    with pytest.raises(UnreadableTable, match="has no sheets"):
        read_table(b"a,b\n1,2\n", media="csv", limit_bytes=LIMIT, dialect=make_dialect(sheet="monthly"))
    with pytest.raises(BadLayout, match=r"in a wide table only \(--wide\)"):
        panel("unique_id,ds,y\na,2024-01,1\n", Layout(keep=("a",)))


def test_empty_vintages_of_a_workbook_and_of_a_wide_table_are_not_stated() -> None:
    columns = ["month", "flow", "partner", "sector", "value", "vintage"]
    rows: dict[int, list[object]] = {1: [*columns], 2: ["2024-01", "X", "USA", "EV", 1, None]}
    rows[3] = ["2024-02", "X", "USA", "EV", 1, date(2024, 3, 9)]
    clean = check_observations(read_table(workbook(rows), media="xlsx", limit_bytes=LIMIT), today=TODAY)
    assert clean["vintage"].tolist() == [pd.NaT, pd.Timestamp("2024-03-09")]
    wide = table("month,vintage,USA,DEU\n2024-01,2024-02-09,1,2\n2024-02,,3,4\n")
    long = unpivot(wide, today=TODAY, month="month").rename(columns={"series": "partner"}).assign(flow="X", sector="EV")
    assert check_observations(long, today=TODAY)["vintage"].notna().tolist() == [True, False, True, False]
