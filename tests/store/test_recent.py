from datetime import date

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sqlmodel import Session

from store import observations
from store.recent import Recent, recent
from tests.store.helpers import add_dataset, append

KNOWN = date(2026, 8, 21)


@pytest.fixture
def dataset(session: Session) -> Session:
    add_dataset(session)
    append(
        session,
        "2024-01,X,USA,EV,10,2024-02-09",
        "2024-02,X,USA,EV,20,2024-03-09",
        "2024-02,X,USA,EV,21,2024-04-09",
        "2024-02,X,DEU,EV,8,2024-03-09,2",
    )
    return session


def asked(session: Session, first: date, last: date, as_of: date = KNOWN) -> Recent:
    """X.DEU.EV, then X.USA.EV."""
    ids = observations.series_ids(session, "TEST")
    chosen = [ids["TEST.X.DEU.EV"], ids["TEST.X.USA.EV"]]
    return recent(session, chosen, first=first, last=last, as_of=as_of)


def test_months_stand_side_by_side_as_known_on_a_day(dataset: Session) -> None:
    found = asked(dataset, date(2023, 12, 1), date(2024, 2, 1))
    assert_array_equal(found.values[1], [np.nan, 10, 21])
    assert_array_equal(asked(dataset, date(2023, 12, 1), date(2024, 2, 1), date(2024, 3, 9)).values[1, 2], 20)


def test_one_figure_of_two_months_is_halved_and_marked(dataset: Session) -> None:
    found = asked(dataset, date(2024, 1, 1), date(2024, 3, 1))
    assert_array_equal(found.values[0], [4, 4, np.nan])
    assert_array_equal(found.joined, [[False, True, False], [False, False, False]])


def test_half_of_it_is_marked_where_january_is_not_asked_for(dataset: Session) -> None:
    found = asked(dataset, date(2024, 2, 1), date(2024, 2, 1))
    assert_array_equal(found.joined, [[True], [False]])


def test_no_months_are_an_empty_array(dataset: Session) -> None:
    assert asked(dataset, date(2024, 2, 1), date(2024, 1, 1)).values.shape == (2, 0)
