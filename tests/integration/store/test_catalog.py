import pytest
from sqlmodel import Session

from store.errors import UnknownDataset, UnknownPartner
from store.queries import catalog
from store.queries.catalog import PartnerRecord
from tests.support.store_helpers import add_dataset, append


@pytest.fixture
def dataset(session: Session) -> Session:
    add_dataset(session)
    rows = [
        f"2024-03,X,{partner},{sector},1,2024-04-09" for partner in ("IDN", "VNM", "USA") for sector in ("EV", "SOLAR")
    ]
    append(session, *rows)
    return session


def test_a_dataset_tells_its_unit_series_and_span(dataset: Session) -> None:
    found = catalog.dataset(dataset, "TEST")
    assert (found.unit, found.currency, found.series) == ("USD m", "USD", 6)
    assert found.start is not None
    assert (found.start, found.end) == (found.end, found.start)
    assert f"{found.start:%Y-%m}" == "2024-03"
    assert found in catalog.datasets(dataset)


def test_an_unknown_dataset_is_named(session: Session) -> None:
    for ask in (catalog.dataset, catalog.series, catalog.groups):
        with pytest.raises(UnknownDataset, match="no dataset is called NOWHERE"):
            ask(session, "NOWHERE")


def test_a_dataset_needs_a_known_reporter(session: Session) -> None:
    with pytest.raises(UnknownPartner, match="XYZ"):
        add_dataset(session, reporter="XYZ")


def test_series_are_filtered_searched_and_paged(dataset: Session) -> None:
    def codes(**parameters: object) -> list[str]:
        return [row.unique_id for row in catalog.series(dataset, "TEST", **parameters).rows]  # type: ignore[arg-type]

    assert codes(partner=["VNM"], sector=["EV"]) == ["TEST.X.VNM.EV"]
    assert codes(q="viet") == ["TEST.X.VNM.EV", "TEST.X.VNM.SOLAR"]
    assert codes(q="%") == []
    assert codes(flow="M") == []
    assert codes(limit=2, offset=1) == ["TEST.X.IDN.SOLAR", "TEST.X.USA.EV"]
    assert catalog.series(dataset, "TEST", limit=2, offset=9) == ([], 6)


def test_a_group_is_named_for_the_members_it_holds(dataset: Session) -> None:
    groups = catalog.groups(dataset, "TEST")
    assert [group.code for group in groups] == ["ASEAN", "RCEP"]
    assert groups[0].label == "ASEAN (2 of 11 members)"
    assert catalog.members(dataset, "TEST", "ASEAN") == ("IDN", "VNM")
    with pytest.raises(UnknownPartner, match="G7"):
        catalog.members(dataset, "TEST", "G7")


def test_a_partner_that_is_listed_later_joins_its_groups(dataset: Session) -> None:
    append(dataset, "2024-03,X,THA,EV,1,2024-04-09", "2024-03,M,DEU,EV,1,2024-04-09")
    assert catalog.members(dataset, "TEST", "ASEAN") == ("IDN", "THA", "VNM")
    assert catalog.members(dataset, "TEST", "G7") == ("DEU", "USA")


def test_partners_and_sectors_are_searched_by_code_and_name(dataset: Session) -> None:
    assert catalog.partners(dataset, q="korea").rows == [
        PartnerRecord("KOR", "South Korea", False),
        PartnerRecord("PRK", "North Korea", False),
    ]
    assert [row.code for row in catalog.sectors(dataset, q="Vehicles").rows] == ["87", "CARS", "CARS_QTY", "EV"]
    page = catalog.partners(dataset, limit=3)
    assert len(page.rows) == 3
    assert page.total > 250


def test_a_name_once_stored_stays(dataset: Session) -> None:
    catalog.add_partners(dataset, [PartnerRecord("VNM", "Another name", False)])
    assert catalog.partners(dataset, q="VNM").rows[0].name == "Viet Nam"
