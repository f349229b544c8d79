from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sources.client import RequestPolicy
from sources.errors import ChangedShape, Refused, TooLarge, Truncated, UnknownCode, Unreachable
from sources.provider import Access, Window
from sources.providers import table
from sources.providers.table import TableQuery
from tests.support.http_providers.local import LocalProvider, Reply, html, quick_client

WINDOW = Window(date(2025, 1, 1), date(2025, 2, 1))
STEEL = pd.DataFrame(
    {
        "Period": ["01/2025", "02/2025", "01/2025", "02/2025", "12/2024"],
        "Country": ["Japan", "Japan", "Viet Nam", "Viet Nam", "Japan"],
        "Direction": ["export", "export", "export", "export", "export"],
        "Kind": ["goods", "goods", "goods", "goods", "goods"],
        "USD 1000": [10.5, 11, 20, 21.25, 9],
    }
)
MAPPING = {
    "columns": {"month": "Period", "partner": "Country", "flow": "Direction", "value": "USD 1000"},
    "constant": {"sector": "72"},
    "month_format": "%m/%Y",
    "currency": "USD",
    "multiple": 1000,
    "scheme": "name",
    "flows": {"export": "X"},
}
EXPECTED = [
    ["2025-01", "X", "JPN", "72", 10_500.0],
    ["2025-02", "X", "JPN", "72", 11_000.0],
    ["2025-01", "X", "VNM", "72", 20_000.0],
    ["2025-02", "X", "VNM", "72", 21_250.0],
]


def ask(location: str | Path, policy: RequestPolicy | None = None, **changes: Any) -> list[list[Any]]:
    with quick_client(policy) as client:
        query = TableQuery.model_validate({"location": str(location), **MAPPING, **changes})
        frame = table.figures(query, client, Access(""), WINDOW).frame
    return frame[["month", "flow", "partner", "sector", "value"]].to_numpy().tolist()


def written(frame: pd.DataFrame, form: str) -> bytes:
    buffer = BytesIO()
    if form == "csv":
        frame.to_csv(buffer, index=False)
    elif form == "parquet":
        frame.to_parquet(buffer)
    else:
        frame.to_excel(buffer, index=False, sheet_name="Steel")
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_a_table_at_a_path_is_read_by_its_columns_names(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"steel.{form}"
    path.write_bytes(written(STEEL, form))
    assert ask(path) == EXPECTED


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_a_table_at_an_address_is_too(provider: LocalProvider, form: str) -> None:
    provider.answer = lambda _: Reply(written(STEEL, form))
    assert ask(f"{provider.address}/steel.{form}?version=2") == EXPECTED
    assert ask(f"{provider.address}/download", form=form) == EXPECTED


def test_a_workbook_s_dates_and_sheets_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "steel.xlsx"
    dated = STEEL.assign(Period=pd.to_datetime(STEEL["Period"], format="%m/%Y"))
    with pd.ExcelWriter(path) as writer:
        pd.DataFrame({"Note": ["see the next sheet"]}).to_excel(writer, sheet_name="Notes", index=False)
        dated.to_excel(writer, sheet_name="Steel", index=False)
    assert ask(path, sheet="Steel") == EXPECTED
    with pytest.raises(ChangedShape, match="expected columns Period, Country, Direction, USD 1000"):
        ask(path)
    with pytest.raises(ChangedShape, match=r"expected a table as xlsx, found .*Tin"):
        ask(path, sheet="Tin")


def test_rows_are_chosen_and_added_up(tmp_path: Path) -> None:
    path = tmp_path / "steel.csv"
    parts = pd.concat([STEEL, STEEL, STEEL.assign(Kind="services")])
    path.write_bytes(written(parts, "csv"))
    rows = ask(path, where={"Kind": ["goods"]}, add_up=True, partners={"Viet Nam": ""})
    assert rows == [["2025-01", "X", "JPN", "72", 21_000.0], ["2025-02", "X", "JPN", "72", 22_000.0]]


def test_sectors_and_partners_of_one_s_own(tmp_path: Path) -> None:
    path = tmp_path / "steel.csv"
    path.write_bytes(written(STEEL, "csv"))
    columns = {**MAPPING["columns"], "sector": "Kind"}  # type: ignore[dict-item]
    rows = ask(path, columns=columns, constant={}, sectors={"goods": "G1"}, partners={"Japan": "JP_X"})
    assert {(row[2], row[3]) for row in rows} == {("JP_X", "G1"), ("VNM", "G1")}
    with pytest.raises(UnknownCode, match="unknown sector 'goods'"):
        ask(path, columns=columns, constant={}, sectors={"bads": "B1"})


def test_a_mapping_has_to_be_whole() -> None:
    with pytest.raises(ValueError, match="columns or constant has to say partner, sector"):
        TableQuery(location="x.csv", columns={"month": "a", "value": "b", "flow": "c"}, currency="USD")


CSV = written(STEEL, "csv")


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        (html("Not here any more"), ChangedShape, "expected a table, found HTML"),
        (
            Reply(CSV.replace(b"USD 1000", b"EUR 1000")),
            ChangedShape,
            "expected columns USD 1000, found a header of Per",
        ),
        (
            Reply(CSV.replace(b"02/2025", b"2025-02")),
            ChangedShape,
            "expected months as %m/%Y, found row 3, month: is not written as",
        ),
        (Reply(CSV.replace(b"10.5", b"10,5")), ChangedShape, "expected a table as csv, found row 2 has 6 cells"),
        (
            Reply(CSV.replace(b"10.5", b"n/a")),
            ChangedShape,
            r"expected numbers, found row 2, value: is a missing value",
        ),
        (Reply(CSV.replace(b"Japan", b"Atlantis")), UnknownCode, "unknown partner .name. 'Atlantis'"),
        (Reply(CSV.replace(b"export", b"transit")), UnknownCode, "unknown flow 'transit'"),
        (Reply(b""), ChangedShape, "expected a table as csv, found the file is empty"),
        (Reply(CSV, cut=1000), Truncated, "cut short"),
        (Reply(status=404), Refused, "answered 404"),
        (Reply(status=500), Refused, "answered 500"),
        (Reply(status=429, headers={"Retry-After": "9999"}), Refused, "retry after 9999 s"),
    ],
)
def test_a_table_that_reads_otherwise_is_named(
    provider: LocalProvider, reply: Reply, error: type[Exception], message: str
) -> None:
    provider.answer = lambda _: reply
    with pytest.raises(error, match=message):
        ask(f"{provider.address}/steel.csv")


def test_a_workbook_that_is_none_is_named(provider: LocalProvider) -> None:
    provider.answer = lambda _: html("Please sign in")
    with pytest.raises(ChangedShape, match="expected a table, found HTML"):
        ask(f"{provider.address}/steel.xlsx")


def test_a_path_that_leads_nowhere_or_to_too_much_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="no such file"):
        ask(tmp_path / "steel.csv")
    path = tmp_path / "steel.csv"
    path.write_bytes(CSV)
    with pytest.raises(TooLarge):
        ask(path, RequestPolicy(limit_bytes=10))


CASES = Path(__file__).resolve().parents[4] / "shared" / "data" / "cases"
FROM_WORKBOOK: dict[str, Any] = {
    "columns": {"month": "Period", "partner": "Country", "value": "Value"},
    "constant": {"flow": "X", "sector": "TOTAL"},
    "month_format": None,
    "scheme": "iso2",
    "multiple": 1,
}


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not on this machine")
def test_serial_months_and_rows_of_a_workbook_are_those_of_excel() -> None:
    rows = ask(CASES / "x_serial.xlsx", flows={}, **FROM_WORKBOOK)
    assert [row[:3] for row in rows] == [["2025-01", "X", "VNM"], ["2025-02", "X", "VNM"]]
    later = Window(date(2026, 1, 1), date(2026, 6, 1))
    query = TableQuery(location=str(CASES / "x_dup.xlsx"), currency="USD", **FROM_WORKBOOK)
    with quick_client(None) as client, pytest.raises(ChangedShape, match="row 32, month: appears in an earlier row"):
        table.figures(query, client, Access(""), later)


def test_marks_encoding_and_missing_values_are_fields_of_a_feed(tmp_path: Path) -> None:
    path = tmp_path / "steel.csv"
    path.write_bytes("Mês;País;Valor\nJan-25;NA;1.234,5\nFev-25;;..\n".replace("Fev", "Feb").encode("cp1252"))
    mapping: dict[str, Any] = {
        "columns": {"month": "Mês", "partner": "País", "value": "Valor"},
        "constant": {"flow": "X", "sector": "1"},
    }
    marks: dict[str, Any] = {
        "separator": ";",
        "decimal": ",",
        "thousands": ".",
        "encoding": "cp1252",
        "missing": [".."],
    }
    rows = ask(path, **mapping, **marks, month_format=None, flows={}, scheme="iso2", multiple=1)
    assert rows == [["2025-01", "X", "NAM", "1", 1234.5]]
    with pytest.raises(ValueError, match="thousands"):
        ask(path, **mapping, thousands="x")
