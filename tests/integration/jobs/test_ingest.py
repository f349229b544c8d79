from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlmodel import Session

from jobs.ingestion.ingest import ingest, ingest_bundled, ingest_file
from sources import bundled as bundled_source
from sources.errors import BadDefinition, UnknownPartnerName
from sources.observation_batch import DatasetDefinition
from store.errors import BadObservations, UnknownDataset, UnknownPartner
from store.queries import catalog, observations, releases
from tables import BadRows, UnreadableTable
from tests.conftest import BUNDLED_ON, SHARED_DATA

LIMIT = 32_000_000
OWN = DatasetDefinition(
    id="US_IMPORTS",
    title="US imports",
    reporter="USA",
    currency="USD",
    unit="USD m",
    publisher="US Census Bureau",
    licence="public domain",
    citation="US Census Bureau",
    release_day=5,
)
HEADER = "month,flow,partner,sector,value\n"


def wide(session: Session, dataset: str, as_of: date | None = None) -> pd.DataFrame:
    """Values by month, a column a series without the dataset's code."""
    frame = observations.panel_frame(session, dataset, as_of)
    frame["unique_id"] = frame["unique_id"].str.removeprefix(f"{dataset}.")
    return frame.pivot(index="ds", columns="unique_id", values="y")


def file_with(directory: Path, text: str, name: str = "panel.csv") -> Path:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def test_china_s_surplus_is_what_the_headlines_stated(bundled: Session) -> None:
    trade = wide(bundled, "CN_TRADE")
    years = (trade["X.WLD.TOTAL"] - trade["M.WLD.TOTAL"]).groupby(pd.DatetimeIndex(trade.index).year).sum()
    assert years[2024] == pytest.approx(992, abs=5)
    assert years[2025] == pytest.approx(1190, abs=10)


def test_november_2025_is_near_its_first_print(bundled: Session) -> None:
    trade = wide(bundled, "CN_TRADE")
    growth = 100 * trade.pct_change(12).loc["2025-11-01"]
    assert trade.loc["2025-11-01", "X.WLD.TOTAL"] == 330.0
    assert growth["X.WLD.TOTAL"] == pytest.approx(5.9, abs=0.3)
    # Imports of the year before were revised since: 2.6 where 1.9 was first published.
    assert growth["M.WLD.TOTAL"] == pytest.approx(1.9, abs=0.8)


def test_ev_exports_grew_by_a_quarter_to_august_2025(bundled: Session) -> None:
    ev = wide(bundled, "CN_CLEANTECH")["X.WLD.EV"]
    sums = [ev[f"{year}-01" : f"{year}-08"].sum() for year in (2024, 2025)]
    assert 100 * (sums[1] / sums[0] - 1) == pytest.approx(26, abs=3)


def test_clean_technology_is_34_partners_by_4_sectors_without_gaps(bundled: Session) -> None:
    panel = observations.panel_frame(bundled, "CN_CLEANTECH")
    assert (panel["partner"].nunique(), panel["sector"].nunique()) == (34, 4)
    assert panel.groupby("unique_id").size().tolist() == [98] * 136


def test_parts_add_up_to_wholes_and_the_rest_is_never_negative(bundled: Session) -> None:
    panel = observations.panel_frame(bundled, "CN_CLEANTECH")
    cube = panel.pivot(index=["ds", "sector"], columns="partner", values="y")
    np.testing.assert_allclose(cube.drop(columns="WLD").sum(axis="columns"), cube["WLD"], rtol=0, atol=1e-6)
    assert (cube["RST"] >= 0).all()
    by_sector = panel.pivot(index=["ds", "partner"], columns="sector", values="y")
    np.testing.assert_allclose(by_sector.drop(columns="TOTAL").sum(axis="columns"), by_sector["TOTAL"], atol=1e-6)


def test_published_values_are_stored_as_published(bundled: Session) -> None:
    given = bundled_source.delivery("CN_CLEANTECH").frame.astype({"value": float})
    given["unique_id"] = "X." + given["partner"] + "." + given["sector"]
    given["month"] = pd.to_datetime(given["month"])
    published = given.pivot(index="month", columns="unique_id", values="value")
    stored = wide(bundled, "CN_CLEANTECH")[published.columns]
    assert stored.to_numpy().tolist() == published.to_numpy().tolist()


@pytest.mark.parametrize(
    ("dataset", "day", "last"),
    [
        ("CN_TRADE", date(2025, 1, 12), "2024-11"),
        ("CN_TRADE", date(2025, 1, 13), "2024-12"),
        ("CN_TRADE", date(2025, 3, 6), "2024-12"),
        ("CN_TRADE", date(2025, 3, 7), "2025-02"),
        ("CN_CLEANTECH", date(2025, 4, 19), "2025-02"),
        ("CN_CLEANTECH", date(2025, 4, 20), "2025-03"),
    ],
)
def test_as_of_gives_what_was_due_by_then(bundled: Session, dataset: str, day: date, last: str) -> None:
    known = wide(bundled, dataset, day)
    assert f"{known.index.max():%Y-%m}" == last
    assert known.notna().all(axis=None)


def test_bundled_figures_are_brought_in_once(bundled: Session) -> None:
    before = observations.extent(bundled, "CN_CLEANTECH")
    assert ingest_bundled(bundled, today=BUNDLED_ON) == {}
    again = ingest(bundled, bundled_source.delivery("CN_CLEANTECH"), today=BUNDLED_ON)
    assert again == (0, 9702, 0)
    assert observations.extent(bundled, "CN_CLEANTECH") == before


def test_the_calendar_goes_on_after_the_bundled_figures(bundled: Session) -> None:
    awaited = releases.next_due(bundled, "CN_TRADE")
    assert awaited is not None
    assert (awaited.period, awaited.due_on) == (date(2026, 8, 1), date(2026, 9, 9))
    today = datetime(2026, 5, 1, tzinfo=UTC)
    assert [row.period for row in releases.due(bundled, today, "CN_CLEANTECH")] == [date(2026, 3, 1)]


def test_the_customs_own_dates_of_2025_come_with_the_figures(bundled: Session) -> None:
    year = releases.releases(bundled, "CN_TRADE", since=date(2024, 12, 1))[:12]
    days = [f"{row.due_at:%m-%d %H:%M}" for row in year]
    assert days == [
        *("01-13 03:00", "03-07 03:00", "03-07 03:00", "04-14 03:00", "05-09 03:00", "06-09 03:00"),
        *("07-14 03:00", "08-07 03:00", "09-08 03:00", "10-13 03:00", "11-07 03:00", "12-08 03:00"),
    ]
    assert all(row.published_at is not None and row.published_at.date() == row.due_on for row in year)


def test_groups_hold_the_members_that_are_listed(bundled: Session) -> None:
    labels = {group.code: group.label for group in catalog.groups(bundled, "CN_CLEANTECH")}
    assert labels["ASEAN"] == "ASEAN (6 of 11 members)"
    assert labels["USMCA"] == "USMCA"
    assert catalog.groups(bundled, "CN_TRADE") == []


def test_a_file_makes_a_dataset_of_one_s_own(session: Session, tmp_path: Path) -> None:
    panel = file_with(tmp_path, HEADER + "2024-01,M,CHN,336,1.5\n2024-02,M,CHN,336,2.5\n2024-01,M,MOON,X1,3\n")
    partners = file_with(tmp_path, "code,name\nMOON,The Moon\n", "partners.csv")
    sectors = file_with(tmp_path, "code,name\nX1,Cheese\n", "sectors.csv")
    options = {"dataset": "US_IMPORTS", "today": date(2024, 4, 1), "limit_bytes": LIMIT}
    made = ingest_file(session, panel, create=OWN, partners=partners, sectors=sectors, **options)  # type: ignore[arg-type]
    # Totals of partners by sector, of sectors by partner, and of both.
    assert made.appended == (3, 0, 7)
    assert wide(session, "US_IMPORTS", date(2024, 3, 31)).empty
    assert wide(session, "US_IMPORTS")["M.CHN.336"].tolist() == [1.5, 2.5]
    assert [row.partner_name for row in catalog.series(session, "US_IMPORTS", q="cheese").rows] == ["The Moon", "World"]
    again = ingest_file(session, panel, **options)  # type: ignore[arg-type]
    assert again.appended == (0, 3, 0)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (HEADER + "2024-01,M,CHN,336,x\n", BadRows, "row 2, value"),
        (HEADER + "2024-01,M,QQQ,336,1\n", UnknownPartnerName, "no partner is called 'QQQ'"),
        (HEADER + "2024-01,M,CHN,336,1\n2024-03,M,CHN,336,1\n", BadObservations, "row 3, month: leaves a gap"),
        ("a,b\n1,2\n", UnreadableTable, r"the header lacks month"),
        ("Date;Exports;Imports\n2001/01;1;2\n", UnreadableTable, "add --wide if each series is a column"),
    ],
)
def test_a_faulty_file_stores_nothing(
    session: Session, tmp_path: Path, text: str, error: type[Exception], message: str
) -> None:
    options = {"dataset": "US_IMPORTS", "today": date(2024, 4, 1), "limit_bytes": LIMIT, "create": OWN}
    with pytest.raises(error, match=message):
        ingest_file(session, file_with(tmp_path, text), **options)  # type: ignore[arg-type]
    session.rollback()
    assert [row.id for row in catalog.datasets(session)] == []


def test_a_dataset_must_be_there_or_be_described(session: Session, tmp_path: Path) -> None:
    panel = file_with(tmp_path, HEADER + "2024-01,M,CHN,336,1\n")
    options = {"dataset": "US_IMPORTS", "today": date(2024, 4, 1), "limit_bytes": LIMIT}
    with pytest.raises(UnknownDataset, match="US_IMPORTS"):
        ingest_file(session, panel, **options)  # type: ignore[arg-type]
    with pytest.raises(UnknownPartner, match="XYZ"):
        ingest_file(session, panel, create=replace(OWN, reporter="XYZ"), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"id": "us-imports"}, "dataset us-imports: a code is of capital letters"),
        ({"id": "U" * 41}, "40 characters at most"),
        ({"currency": "EURO"}, "currency EURO: a currency is three capital letters"),
        ({"release_day": 0}, "release day 0: it is 1 to 28"),
        ({"release_day": 31}, "release day 31: it is 1 to 28"),
    ],
)
def test_a_dataset_that_the_store_cannot_hold_is_named(
    session: Session, tmp_path: Path, given: dict[str, str | int], message: str
) -> None:
    create = replace(OWN, **given)  # type: ignore[arg-type]
    panel = file_with(tmp_path, HEADER + "2024-01,M,CHN,336,1\n")
    with pytest.raises(BadDefinition, match=message):
        ingest_file(session, panel, dataset=create.id, today=date(2024, 4, 1), limit_bytes=LIMIT, create=create)


def test_codes_of_one_s_own_are_no_longer_than_the_store_holds(session: Session, tmp_path: Path) -> None:
    panel = file_with(tmp_path, HEADER + "2024-01,M,CHN,336,1\n")
    options = {"dataset": "US_IMPORTS", "today": date(2024, 4, 1), "limit_bytes": LIMIT, "create": OWN}
    codes = file_with(tmp_path, "code,name\nTHIRTEENCHARS,Somewhere\n", "codes.csv")
    with pytest.raises(BadRows, match="row 2, code: is not a code of at most 12 characters"):
        ingest_file(session, panel, partners=codes, **options)  # type: ignore[arg-type]
    assert ingest_file(session, panel, sectors=codes, **options).appended.inserted == 1  # type: ignore[arg-type]


def test_a_large_real_panel_comes_in(session: Session, tmp_path: Path) -> None:
    source = SHARED_DATA / "us_imports" / "top30-NAICS-imports.parquet"
    if not source.exists():
        pytest.skip("the panel of US imports is not beside the repository")
    raw = pd.read_parquet(source).reset_index()
    raw = raw[~raw["CTY_NAME"].str.contains("TOTAL|UNION|USMCA")]
    names = sorted(raw["CTY_NAME"].unique())
    code = {name: f"P{number:02d}" for number, name in enumerate(names)}
    panel = pd.DataFrame(
        {"month": raw["time"], "flow": "M", "partner": raw["CTY_NAME"].map(code), "value": raw["imports"] / 1e6}
    ).assign(sector=raw["NAICS"].replace("00", "TOTAL"))
    complete = panel.groupby(["partner", "sector"])["month"].transform("size") == panel["month"].nunique()
    panel[complete].to_parquet(tmp_path / "panel.parquet")
    partners = file_with(tmp_path, "code,name\n" + "".join(f'{code[name]},"{name}"\n' for name in names), "p.csv")
    imported = ingest_file(
        session,
        tmp_path / "panel.parquet",
        dataset="US_IMPORTS",
        today=date(2026, 1, 15),
        limit_bytes=LIMIT,
        create=OWN,
        partners=partners,
    )
    assert imported.appended.inserted == complete.sum() > 100_000
    stored = observations.panel_frame(session, "US_IMPORTS")
    stored = stored[stored["partner"] != "WLD"]
    assert stored["y"].sum() == pytest.approx(panel.loc[complete, "value"].sum(), rel=1e-12)
