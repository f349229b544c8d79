from datetime import date

import pytest
from sqlmodel import Session

from store.models import ResolvedSeries, SeriesPart
from store.queries import catalog, observations
from tests.support.store_helpers import add_dataset, append


@pytest.fixture
def stored(session: Session) -> dict[str, int]:
    add_dataset(session)
    append(session, "2024-03,X,IDN,EV,0.1,2024-04-09", "2024-04,X,IDN,EV,1,2024-05-09", "2024-04,X,IDN,EV,2,2024-06-09")
    append(session, "2024-03,X,VNM,EV,0.2,2024-04-09", "2024-03,M,IDN,EV,0.4,2024-04-09")
    return observations.series_ids(session, "TEST")


def resolve(stored: dict[str, int], flow: str, partner: str, **signs: int) -> ResolvedSeries:
    names = {f"TEST.{name.replace('_', '.')}.EV": sign for name, sign in signs.items()}
    parts = tuple(SeriesPart(stored[name], name, sign) for name, sign in names.items())
    return resolved(flow, partner, parts)


def resolved(flow: str, partner: str, parts: tuple[SeriesPart, ...]) -> ResolvedSeries:
    return ResolvedSeries(f"TEST.{flow}.{partner}.EV", flow, partner, "EV", parts, derived=len(parts) > 1)


def test_a_stored_series_comes_with_its_vintages(session: Session, stored: dict[str, int]) -> None:
    entry = resolve(stored, "X", "IDN", X_IDN=1)
    page = observations.values(session, [entry])
    assert page.total == 2
    assert [(row.month, row.value, row.vintage) for row in page.rows] == [
        (date(2024, 3, 1), 0.1, date(2024, 4, 9)),
        (date(2024, 4, 1), 2.0, date(2024, 6, 9)),
    ]
    before = observations.values(session, [entry], as_of=date(2024, 5, 31))
    assert [row.value for row in before.rows] == [0.1, 1.0]


def test_a_group_is_the_sum_of_its_members_where_all_are_known(session: Session, stored: dict[str, int]) -> None:
    page = observations.values(session, [resolve(stored, "X", "ASEAN", X_IDN=1, X_VNM=1)])
    assert [(row.partner, row.month, row.value) for row in page.rows] == [("ASEAN", date(2024, 3, 1), 0.3)]


def test_a_balance_may_be_negative(session: Session, stored: dict[str, int]) -> None:
    page = observations.values(session, [resolve(stored, "B", "IDN", X_IDN=1, M_IDN=-1)])
    assert [(row.flow, row.value) for row in page.rows] == [("B", -0.3)]


def test_pages_are_ordered_and_counted(session: Session, stored: dict[str, int]) -> None:
    both = [resolve(stored, "X", "VNM", X_VNM=1), resolve(stored, "X", "IDN", X_IDN=1)]
    rows = [observations.values(session, both, limit=1, offset=offset) for offset in range(4)]
    assert [page.total for page in rows] == [3, 3, 3, 3]
    assert [(row.partner, row.month.month) for page in rows for row in page.rows] == [
        ("IDN", 3),
        ("IDN", 4),
        ("VNM", 3),
    ]


def test_months_are_bounded(session: Session, stored: dict[str, int]) -> None:
    entry = [resolve(stored, "X", "IDN", X_IDN=1)]
    assert observations.values(session, entry, start=date(2024, 4, 1)).total == 1
    assert observations.values(session, entry, end=date(2024, 3, 1)).total == 1
    assert observations.values(session, entry, start=date(2024, 5, 1)).total == 0


def test_a_single_value_comes_back_to_the_last_bit(session: Session) -> None:
    add_dataset(session, dataset="EXACT")
    append(session, "2024-03,X,IDN,EV,0.30000000000000004,2024-04-09", dataset="EXACT")
    (number,) = observations.series_ids(session, "EXACT").values()
    page = observations.values(session, [resolved("X", "IDN", (SeriesPart(number, "EXACT.X.IDN.EV", 1),))])
    assert page.rows[0].value == 0.30000000000000004


def test_february_that_holds_january_is_not_added_to_one_that_does_not(session: Session) -> None:
    add_dataset(session, dataset="COMBINED")
    append(session, "2025-02,X,IDN,EV,3,2025-03-07,2", "2025-02,X,VNM,EV,1,2025-03-07", dataset="COMBINED")
    ids = catalog.series(session, "COMBINED").rows
    both = resolved("X", "ASEAN", tuple(SeriesPart(record.id, record.unique_id, 1) for record in ids))
    assert observations.values(session, [both]).total == 0
    assert observations.values(session, [resolved("X", "IDN", both.parts[:1])]).rows[0].months == 2
