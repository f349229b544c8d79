from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from sources import bundled
from sources.feed_config import BUNDLED, read_feeds
from tables import check_observations

FIGURES = Path(bundled.__file__).parent / "data"
TODAY = date(2026, 8, 21)


@pytest.mark.parametrize(
    ("dataset", "rows"),
    [
        ("CN_TRADE", 469),
        ("CN_CLEANTECH", 9702),
        ("CN_PARTNERS", 2666),
        ("CN_COMMODITIES", 1558),
        ("WORLD_EXPORTS", 9600),
    ],
)
def test_bundled_figures_pass_the_checks_of_any_table(dataset: str, rows: int) -> None:
    delivery = bundled.delivery(dataset)
    assert delivery.known_when_due
    assert len(check_observations(delivery.frame, today=TODAY)) == rows


def test_every_dataset_tells_its_unit_publisher_and_licence() -> None:
    definitions = bundled.definitions()
    assert sorted(definitions) == ["CN_CLEANTECH", "CN_COMMODITIES", "CN_PARTNERS", "CN_TRADE", "WORLD_EXPORTS"]
    assert {code: (row.unit, row.release_day, row.derives_rest) for code, row in definitions.items()} == {
        "CN_TRADE": ("USD bn", 9, False),
        "CN_CLEANTECH": ("USD m", 20, True),
        "CN_PARTNERS": ("CNY bn", 18, True),
        "CN_COMMODITIES": ("CNY bn", 9, False),
        "WORLD_EXPORTS": ("USD bn", 28, True),
    }
    assert "CC BY 4.0" in definitions["CN_CLEANTECH"].licence
    assert "Ember" in definitions["CN_CLEANTECH"].citation


def test_every_table_of_figures_has_its_card() -> None:
    tables = sorted(FIGURES.glob("*.csv"))
    assert {table.stem for table in tables} >= {"china_totals", "cleantech_exports", "korea_exports", "china_pmi"}
    for table in tables:
        card = table.with_suffix(".md").read_text(encoding="utf-8")
        for heading in ("Publisher", "Licence", "Unit", "Span", "Origin", "Caveats"):
            assert heading in card, (table.name, heading)


def test_figures_are_those_that_were_handed_over() -> None:
    given = Path(__file__).resolve().parents[4] / "shared" / "figures"
    if not given.is_dir():
        pytest.skip("the published figures are not beside the repository")
    for table in sorted(given.glob("*.csv")):
        assert (FIGURES / table.name).read_bytes() == table.read_bytes()


def test_every_code_in_use_is_in_the_tables() -> None:
    partners, sectors = (set(bundled.codes(name)["code"]) for name in ("partners", "sectors"))
    for dataset in bundled.definitions():
        frame = bundled.delivery(dataset).frame
        assert set(frame["partner"]) <= partners
        assert set(frame["sector"]) <= sectors
    assert {"RST", "WLD", "CHN", "USA"} <= partners


def test_codes_are_unique_and_named() -> None:
    for name in ("partners", "sectors"):
        table = bundled.codes(name)
        assert table["code"].is_unique
        assert (table.map(str.strip) == table).all(axis=None)
        assert (table[list(table.columns[:3])] != "").all(axis=None)
    partners = bundled.codes("partners")
    countries = partners[partners["is_group"] == "false"]
    assert len(countries) == 249
    assert countries["code"].str.fullmatch("[A-Z]{3}").all()


def test_a_quantity_is_of_a_sector_and_has_a_unit() -> None:
    sectors = bundled.codes("sectors").set_index("code")
    quantities = sectors[sectors["quantity_of"] != ""]
    assert len(quantities) == 18
    assert (quantities.index == quantities["quantity_of"] + "_QTY").all()
    assert ((sectors["unit"] != "") == (sectors["quantity_of"] != "")).all()
    assert set(sectors["contained_in"]) - {""} == {"AGRICULTURE", "MECH_ELEC"}
    assert sectors.loc[["IC", "GRAIN"], "contained_in"].tolist() == ["MECH_ELEC", "AGRICULTURE"]


def test_world_exports_are_imported_on_request_with_six_years_ahead() -> None:
    assert bundled.on_request() == {"WORLD_EXPORTS"}
    assert bundled.config("WORLD_EXPORTS")["horizon"] == 72
    assert bundled.config("CN_TRADE") == bundled.config("OWN") == {}


def test_names_are_those_an_economist_writes() -> None:
    names = bundled.codes("partners").set_index("code")["name"]
    assert names[["USA", "RUS", "VNM", "KOR", "GBR", "WLD"]].tolist() == [
        *("United States", "Russia", "Viet Nam", "South Korea", "United Kingdom", "World")
    ]
    assert not names.str.contains("Republic of|Plurinational|Province").any()


def test_groups_have_their_full_membership() -> None:
    groups = bundled.groups()
    sizes = {"AFRICA": 55, "ASEAN": 11, "BRICS": 10, "EU27": 27, "G7": 7, "GCC": 6, "LATAM": 33, "RCEP": 15, "USMCA": 3}
    assert {group: len(set(members)) for group, members in groups.items()} == sizes
    partners = bundled.codes("partners").set_index("code")["is_group"]
    assert (partners[list(groups)] == "true").all()
    assert (partners[[member for members in groups.values() for member in members]] == "false").all()
    assert "GBR" not in groups["EU27"]
    assert "HRV" in groups["EU27"]


def test_an_unbundled_dataset_is_no_bundled_one() -> None:
    with pytest.raises(KeyError):
        bundled.delivery("US_IMPORTS")


def test_figures_are_text_until_they_are_checked() -> None:
    frame = bundled.delivery("CN_TRADE").frame
    assert isinstance(frame, pd.DataFrame)
    assert frame.loc[2].to_dict() == {
        "month": "2008-01",
        "flow": "X",
        "value": "109.6",
        "partner": "WLD",
        "sector": "TOTAL",
        "vintage": "",
    }


def test_bundled_feeds_are_of_bundled_datasets() -> None:
    feeds = read_feeds(BUNDLED)
    assert set(feeds) == {"CN_TRADE", "CN_CLEANTECH"}
    assert all(len(bundled.delivery(dataset).frame) for dataset in feeds)
