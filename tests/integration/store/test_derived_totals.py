"""Datasets without a total of the world, and datasets whose values may be negative."""

from datetime import date

import pytest
from sqlmodel import Session

from store.errors import BadObservations, NotDerivable
from tests.support.store_helpers import add_dataset, append, known


@pytest.fixture
def dataset(session: Session) -> Session:
    add_dataset(session, derives_total=True)
    return session


def test_the_total_is_the_sum_of_the_partners_at_each_vintage(dataset: Session) -> None:
    append(dataset, "2024-01,X,USA,TOTAL,10,2024-02-20", "2024-01,X,DEU,TOTAL,5,2024-02-20")
    append(dataset, "2024-01,X,USA,TOTAL,11,2024-03-20")
    assert known(dataset)["X.WLD.TOTAL"] == [16]
    assert known(dataset, date(2024, 3, 1))["X.WLD.TOTAL"] == [15]


def test_the_total_waits_for_a_partner_of_the_release_that_is_late(dataset: Session) -> None:
    append(dataset, *(f"2024-0{month},X,{code},TOTAL,1,2024-04-20" for month in (1, 2) for code in ("USA", "DEU")))
    append(dataset, "2024-03,X,USA,TOTAL,1,2024-04-21")
    assert known(dataset)["X.WLD.TOTAL"] == [2, 2]
    append(dataset, "2024-03,X,DEU,TOTAL,1,2024-04-22")
    assert known(dataset)["X.WLD.TOTAL"] == [2, 2, 2]


def test_a_partner_that_begins_late_counts_as_nothing_before(dataset: Session) -> None:
    append(
        dataset, *(f"2024-0{month},X,USA,TOTAL,1,2024-04-20" for month in (1, 2, 3)), "2024-03,X,DEU,TOTAL,4,2024-04-20"
    )
    assert known(dataset)["X.WLD.TOTAL"] == [1, 1, 5]


def test_a_partner_that_ended_long_ago_counts_as_nothing_afterwards(dataset: Session) -> None:
    months = [f"{year}-{month:02}" for year in (2023, 2024) for month in range(1, 13)]
    append(dataset, *(f"{month},X,USA,TOTAL,1,2025-01-20" for month in months), "2023-01,X,DEU,TOTAL,4,2025-01-20")
    assert known(dataset)["X.WLD.TOTAL"] == [5, *[1] * 23]


def test_months_that_waited_for_a_partner_are_summed_once_it_counts_as_ended(dataset: Session) -> None:
    months = [f"{year}-{month:02}" for year in (2023, 2024) for month in range(1, 13)]
    append(dataset, *(f"{month},X,USA,TOTAL,1,2024-02-20" for month in months[:13]), "2023-01,X,DEU,TOTAL,4,2024-02-20")
    assert known(dataset)["X.WLD.TOTAL"] == [5]
    append(dataset, "2024-02,X,USA,TOTAL,1,2024-03-20")
    assert known(dataset)["X.WLD.TOTAL"] == [5, *[1] * 13]


def test_the_world_cannot_be_given_where_it_is_derived(dataset: Session) -> None:
    with pytest.raises(BadObservations, match="row 2, partner: is derived in this dataset"):
        append(dataset, "2024-01,X,WLD,TOTAL,10,2024-02-20")


def test_sectors_and_partners_add_up_without_a_world(session: Session) -> None:
    add_dataset(session, derives_total=True, derives_rest=True)
    append(
        session, *(f"2024-01,X,{code},{sector},1,2024-02-20" for code in ("USA", "DEU") for sector in ("EV", "SOLAR"))
    )
    found = known(session)
    assert (found["X.WLD.EV"], found["X.USA.TOTAL"], found["X.WLD.TOTAL"]) == ([2], [2], [4])


def test_members_of_a_listed_group_are_not_counted_twice(dataset: Session) -> None:
    append(
        dataset,
        *(f"2024-01,X,{code},TOTAL,{value},2024-02-20" for code, value in (("EU27", 9), ("DEU", 5), ("USA", 2))),
    )
    assert known(dataset)["X.WLD.TOTAL"] == [11]


def test_a_negative_value_is_stored_only_where_the_dataset_allows_it(session: Session) -> None:
    add_dataset(session)
    add_dataset(session, dataset="NET", allows_negative=True, derives_rest=True)
    with pytest.raises(BadObservations, match="row 2, value: is negative, which this dataset does not allow"):
        append(session, "2024-01,X,USA,TOTAL,-1,2024-02-20")
    rows = ("2024-01,X,WLD,TOTAL,-3,2024-02-20", "2024-01,X,USA,TOTAL,-1,2024-02-20")
    append(session, *rows, dataset="NET")
    assert known(session, dataset="NET")["X.RST.TOTAL"] == [-2]


def test_a_negative_remainder_is_refused_elsewhere(session: Session) -> None:
    add_dataset(session, derives_rest=True)
    with pytest.raises(NotDerivable):
        append(session, "2024-01,X,WLD,TOTAL,1,2024-02-20", "2024-01,X,USA,TOTAL,3,2024-02-20")
