"""Tables of another's making become datasets of their own."""

from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from jobs.ingestion.ingest import ingest_file, ingest_panel
from services.datasets.datasets import Imported, ImportOptions
from sources.errors import BadDefinition, UnknownPartnerName
from sources.observation_batch import DatasetDefinition
from store.queries import catalog, observations
from tables import BadRows, Layout, UnreadableTable, make_dialect

TODAY = date(2024, 6, 1)
VIETNAM = DatasetDefinition("VN_TRADE", "Vietnam's trade", "VNM", "USD", "USD m", "GSO", "official", "GSO", 28)
LONG = "Date;Country;Direction;Amount\n" + "".join(
    f"{month};{country};Exports;{value}\n"
    for month in ("Jan-24", "Feb-24")
    for country, value in (("CHINA", "1.234,5"), ("Korea, Republic of", "900,25"), ("World", "5.000,0"))
)
LAYOUT = Layout(
    dialect=make_dialect(decimal=",", thousands="."),
    columns={"Date": "month", "Country": "partner", "Direction": "flow", "Amount": "value"},
)


def bring_in(session: Session, tmp_path: Path, text: str, **more: Any) -> Imported:
    path = tmp_path / "table.csv"
    path.write_text(text)
    options = ImportOptions(
        **{name: more.pop(name) for name in ("layout", "partners", "backfill", "force") if name in more}
    )
    words: dict[str, Any] = {"dataset": "VN_TRADE", "today": TODAY, "limit_bytes": 10**6, "create": VIETNAM, **more}
    return ingest_file(session, path, options=options, **words)


def values(session: Session, as_of: date | None = None) -> dict[str, list[float]]:
    frame = observations.panel_frame(session, "VN_TRADE", as_of)
    return {str(name).removeprefix("VN_TRADE."): part["y"].tolist() for name, part in frame.groupby("unique_id")}


def test_a_table_of_an_office_becomes_a_dataset_by_its_headings_and_names(session: Session, tmp_path: Path) -> None:
    imported = bring_in(session, tmp_path, LONG, layout=LAYOUT)
    assert values(session) == {
        "X.CHN.TOTAL": [1234.5, 1234.5],
        "X.KOR.TOTAL": [900.25, 900.25],
        "X.WLD.TOTAL": [5000.0, 5000.0],
    }
    summary = "\n".join(imported.summary)
    assert "partners read by name: CHINA = CHN, Korea, Republic of = KOR, World = WLD" in summary
    assert "exports: the listed partners are 43% to 43% of the World" in summary


def test_a_table_whose_columns_are_not_named_is_refused_with_the_options(session: Session, tmp_path: Path) -> None:
    with pytest.raises(UnreadableTable, match="--map Date=month,Direction=flow,Country=partner,Amount=value"):
        bring_in(session, tmp_path, LONG)
    with pytest.raises(UnreadableTable, match="--map 'USD bn=value' --constant flow=X,partner=WLD"):
        bring_in(session, tmp_path, "month,USD bn\n2024-01,1\n")


def test_columns_and_partners_are_asked_for_where_somebody_answers(session: Session, tmp_path: Path) -> None:
    questions: list[tuple[str, list[str]]] = []
    answers = iter(["Date", "Direction", "Country", "Amount", "China (CHN)"])

    def ask(question: str, suggestions: Any) -> str:
        questions.append((question, list(suggestions)))
        return next(answers)

    layout = Layout(dialect=LAYOUT.dialect)
    bring_in(session, tmp_path, LONG.replace("CHINA", "Chinna"), layout=layout, ask=ask)
    assert questions[0] == ("Which column is the month?", ["Date"])
    assert questions[-1] == ("Which partner is 'Chinna'?", ["China (CHN)"])
    assert "X.CHN.TOTAL" in values(session)


def test_an_answer_that_is_no_column_is_asked_for_again_and_a_flow_may_be_one(session: Session, tmp_path: Path) -> None:
    questions: list[str] = []
    answers = iter(["1", "Period", "X", "Country", "Product", "Exports"])

    def ask(question: str, suggestions: Any) -> str:
        questions.append(question)
        return next(answers)

    text = "Period,Country,Product,Exports\n2024-01,China,EV,1\n2024-01,China,SOLAR,2\n"
    bring_in(session, tmp_path, text, layout=Layout(), ask=ask)
    assert questions[1] == "No column is called '1'. Which column is the month?"
    assert sorted(values(session)) == ["X.CHN.EV", "X.CHN.SOLAR"]


def test_names_that_are_not_known_are_refused_with_those_most_like_them(session: Session, tmp_path: Path) -> None:
    with pytest.raises(UnknownPartnerName, match=r"--partner NAME=CODE.*'Chinna' \(perhaps China \(CHN\)\)"):
        bring_in(session, tmp_path, LONG.replace("CHINA", "Chinna"), layout=LAYOUT)
    bring_in(session, tmp_path, LONG.replace("CHINA", "Chinna"), layout=LAYOUT, partners={"chinna": "CHN"})
    assert "X.CHN.TOTAL" in values(session)


def test_without_a_world_the_total_is_the_sum_and_the_summary_says_so(session: Session, tmp_path: Path) -> None:
    text = "\n".join(line for line in LONG.splitlines() if "World" not in line) + "\n"
    imported = bring_in(session, tmp_path, text, layout=LAYOUT)
    assert values(session)["X.WLD.TOTAL"] == [2134.75, 2134.75]
    assert "exports: no World series, so the total is the sum of the partners" in imported.summary
    assert catalog.dataset(session, "VN_TRADE").derives_total


def test_a_single_partner_is_not_called_the_world(session: Session, tmp_path: Path) -> None:
    bring_in(session, tmp_path, "month,flow,partner,value\n2024-01,X,China,1\n")
    assert list(values(session)) == ["X.CHN.TOTAL"]


def test_the_rest_is_derived_where_that_is_asked_for(session: Session, tmp_path: Path) -> None:
    create = replace(VIETNAM, derives_rest=True)
    bring_in(session, tmp_path, LONG, layout=LAYOUT, create=create)
    assert values(session)["X.RST.TOTAL"] == [2865.25, 2865.25]
    with pytest.raises(BadDefinition, match="no World series"):
        bring_in(session, tmp_path, "month,flow,partner,value\n2024-01,X,China,1\n", dataset="OTHER", create=create)


def test_backfilled_history_is_known_from_the_day_each_month_was_due(session: Session, tmp_path: Path) -> None:
    bring_in(session, tmp_path, LONG, layout=LAYOUT, backfill=True)
    assert values(session, date(2024, 2, 27)) == {}
    assert values(session, date(2024, 2, 28))["X.CHN.TOTAL"] == [1234.5]
    assert values(session, date(2024, 3, 28))["X.CHN.TOTAL"] == [1234.5, 1234.5]


def test_months_down_with_flows_and_months_across_with_partners(session: Session, tmp_path: Path) -> None:
    down = Layout(wide=True, constant={"partner": "China", "sector": "TOTAL"}, drop=("Balance",))
    bring_in(session, tmp_path, "Month,Exports,Imports,Balance\nJanuary 2024,1,2,-1\n", layout=down)
    assert values(session) == {"M.CHN.TOTAL": [2], "X.CHN.TOTAL": [1]}
    across = Layout(wide=True, constant={"flow": "X"})
    text = "Partner name,2024M01,2024M02\nJapan,5,6\nViet Nam,7,\n"
    bring_in(session, tmp_path, text, layout=across, create=None)
    assert (values(session)["X.JPN.TOTAL"], values(session)["X.VNM.TOTAL"]) == ([5, 6], [7])
    with pytest.raises(UnreadableTable, match="are flows and Balance is not: --drop it"):
        bring_in(session, tmp_path, "Month,Exports,Imports,Balance\nJanuary 2024,1,2,1\n", layout=Layout(wide=True))


def test_a_new_month_a_thousand_times_those_stored_needs_force(session: Session, tmp_path: Path) -> None:
    bring_in(session, tmp_path, "month,flow,partner,value\n2024-01,X,China,1\n2024-02,X,China,2\n")
    jump = "month,flow,partner,value\n2024-03,X,China,5000\n"
    with pytest.raises(BadRows, match=r"row 2, value: is 2,500 times .*--force"):
        bring_in(session, tmp_path, jump)
    notices: list[str] = []
    bring_in(session, tmp_path, jump, force=True, create=None, notify=notices.append)
    assert notices == ["1,000 times the months before: X.CHN.TOTAL 2024-03 (5000)"]


def test_series_start_after_their_last_gap_where_that_is_asked_for(session: Session, tmp_path: Path) -> None:
    text = "month,flow,partner,value\n2024-01,X,China,1\n2024-03,X,China,3\n2024-04,X,China,4\n"
    bring_in(session, tmp_path, text, layout=Layout(after_gaps=True))
    assert values(session) == {"X.CHN.TOTAL": [3, 4]}


@pytest.mark.parametrize(
    ("text", "series"),
    [
        ("unique_id,ds,y\nDEU.TOTAL,2024-01,1\nUSA.TOTAL,2024-01,2\n", ["X.DEU.TOTAL", "X.USA.TOTAL", "X.WLD.TOTAL"]),
        ("unique_id,ds,y\nRice,2024-01,1\nTea,2024-01,-2\n", ["X.WLD.Rice", "X.WLD.Tea"]),
        ("month,flow,partner,sector,value\n2024-01,M,CHN,TOTAL,1\n", ["M.CHN.TOTAL"]),
    ],
)
def test_a_panel_becomes_a_dataset_that_is_known_as_history(
    session: Session, tmp_path: Path, text: str, series: list[str]
) -> None:
    path = tmp_path / "panel.csv"
    path.write_text(text)
    for _ in range(2):
        ingest_panel(session, path, definition=VIETNAM, today=TODAY, limit_bytes=10**6)
    assert sorted(values(session, date(2024, 3, 1))) == series


def test_other_headings_of_observations_are_named_or_mapped(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "exports.csv"
    rows = "2024-01,China,All products,1\n2024-01,Rest of Asia,Total,2\n"
    path.write_text(f"Period,Country,Product,Exports (USD m)\n{rows}")
    known = partial(ingest_panel, session, path, definition=VIETNAM, today=TODAY, limit_bytes=10**6)
    with pytest.raises(
        UnreadableTable, match=r"--map 'Period=month,Country=partner,Exports \(USD m\)=value'.* --constant flow=X"
    ):
        known()
    headings = {"Period": "month", "Country": "partner", "Product": "sector", "Exports (USD m)": "value"}
    path.with_name("imports.csv").write_text("Period,Country,Imports\n2024-01,China,1\n")
    with pytest.raises(UnreadableTable, match="Imports=value --constant flow=M"):
        ingest_panel(session, path.with_name("imports.csv"), definition=VIETNAM, today=TODAY, limit_bytes=10**6)
    layout = Layout(columns=headings, constant={"flow": "X"})
    with pytest.raises(UnknownPartnerName, match="'Rest of Asia'"):
        known(options=ImportOptions(layout=layout))
    known(options=ImportOptions(layout=layout, partners={"Rest of Asia": "ASIA_X"}), ask=None)
    assert sorted(values(session)) == ["X.ASIA_X.TOTAL", "X.CHN.TOTAL", "X.WLD.TOTAL"]


def test_a_dataset_that_exists_keeps_its_definition_and_says_so(session: Session, tmp_path: Path) -> None:
    bring_in(session, tmp_path, LONG, layout=LAYOUT)
    notices: list[str] = []
    other = replace(VIETNAM, title="Another")
    bring_in(session, tmp_path, LONG, layout=LAYOUT, create=other, notify=notices.append)
    assert notices == ["VN_TRADE exists and keeps its definition"]
    assert catalog.dataset(session, "VN_TRADE").title == "Vietnam's trade"
