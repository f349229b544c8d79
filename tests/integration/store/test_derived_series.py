from datetime import date

import pytest
from sqlmodel import Session

from store.errors import BadObservations, NotDerivable
from store.queries import observations
from tests.support.store_helpers import add_dataset, append, known


@pytest.fixture
def dataset(session: Session) -> Session:
    add_dataset(session, derives_rest=True)
    return session


def test_rest_and_totals_add_up(dataset: Session) -> None:
    first = append(
        dataset,
        *("2024-03,X,WLD,EV,10.5,2024-04-20", "2024-03,X,USA,EV,3.2,2024-04-20", "2024-03,X,DEU,EV,4.1,2024-04-20"),
        *("2024-03,X,WLD,SOLAR,1,2024-04-20", "2024-03,X,USA,SOLAR,0,2024-04-20", "2024-03,X,DEU,SOLAR,1,2024-04-20"),
    )
    assert first == (6, 0, 6)
    assert known(dataset) == {
        **{"X.WLD.EV": [10.5], "X.USA.EV": [3.2], "X.DEU.EV": [4.1], "X.RST.EV": [3.2]},
        **{"X.WLD.SOLAR": [1], "X.USA.SOLAR": [0], "X.DEU.SOLAR": [1], "X.RST.SOLAR": [0]},
        **{"X.WLD.TOTAL": [11.5], "X.USA.TOTAL": [3.2], "X.DEU.TOTAL": [5.1], "X.RST.TOTAL": [3.2]},
    }


def test_a_revision_is_passed_on_at_its_vintage(dataset: Session) -> None:
    append(dataset, "2024-03,X,WLD,EV,10,2024-04-20", "2024-03,X,USA,EV,3,2024-04-20")
    revised = append(dataset, "2024-03,X,WLD,EV,11,2024-05-20")
    assert revised == (1, 0, 3)
    assert known(dataset, date(2024, 5, 19))["X.RST.EV"] == [7]
    assert known(dataset)["X.RST.EV"] == [8]
    assert known(dataset)["X.USA.TOTAL"] == [3]


def test_nothing_is_derived_of_a_month_that_is_not_complete(dataset: Session) -> None:
    append(dataset, "2024-03,X,WLD,EV,10,2024-04-20", "2024-03,X,USA,EV,3,2024-04-20")
    assert append(dataset, "2024-04,X,WLD,EV,12,2024-05-09").derived == 1
    assert known(dataset)["X.RST.EV"] == [7]
    append(dataset, "2024-04,X,USA,EV,4,2024-05-20")
    assert known(dataset, date(2024, 5, 19))["X.RST.EV"] == [7]
    assert known(dataset)["X.RST.EV"] == [7, 8]


def test_a_partner_that_joins_leaves_the_rest_at_once_and_in_later_vintages(dataset: Session) -> None:
    append(dataset, "2024-03,X,WLD,EV,10,2024-04-20", "2024-03,X,USA,EV,3,2024-04-20", "2024-03,X,WLD,EV,11,2024-06-20")
    append(dataset, "2024-03,X,DEU,EV,2,2024-04-20")
    assert known(dataset, date(2024, 4, 20))["X.RST.EV"] == [5]
    assert known(dataset)["X.RST.EV"] == [6]


def test_listed_partners_beyond_the_world_are_refused(dataset: Session) -> None:
    with pytest.raises(NotDerivable, match=r"EV, 2024-03: the listed partners exceed the world by 0.5"):
        append(dataset, "2024-03,X,WLD,EV,10,2024-04-20", "2024-03,X,USA,EV,10.5,2024-04-20")
    assert known(dataset) == {}


@pytest.mark.parametrize("row", ["2024-03,X,RST,EV,1,2024-04-20", "2024-03,X,USA,TOTAL,1,2024-04-20"])
def test_what_is_derived_is_not_accepted_from_outside(dataset: Session, row: str) -> None:
    append(dataset, "2024-03,X,USA,EV,1,2024-04-20")
    with pytest.raises(BadObservations, match="is derived in this dataset"):
        append(dataset, row)


def test_totals_alone_are_published_where_there_are_no_sectors(dataset: Session) -> None:
    append(dataset, "2024-03,X,WLD,TOTAL,10,2024-04-20", "2024-03,X,USA,TOTAL,3,2024-04-20")
    assert known(dataset) == {"X.WLD.TOTAL": [10], "X.USA.TOTAL": [3], "X.RST.TOTAL": [7]}


def test_combined_months_stay_combined(dataset: Session) -> None:
    append(dataset, "2025-02,X,WLD,EV,10,2025-03-20,2", "2025-02,X,USA,EV,3,2025-03-20,2")
    assert set(observations.panel_frame(dataset, "TEST")["months"]) == {2}
    assert known(dataset)["X.RST.EV"] == [7]
