"""The observations of a run are kept with it, whatever comes later."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sqlmodel import Session

from store.queries import observations, run_inputs, run_status
from store.queries.run_inputs import Recent
from tests.support.store_helpers import add_dataset, append

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


def saw(session: Session, as_of: date = KNOWN) -> int:
    """A run on the values known on a day."""
    now = datetime(2026, 8, 21, tzinfo=UTC)
    terms: dict[str, Any] = {
        "horizon": 6,
        "seed": 1,
        "config": {},
        "config_hash": "c",
        "code_version": "1",
        "requested_at": now,
    }
    run_id = run_status.queue(session, dataset_id="TEST", as_of=as_of, **terms)
    seen = observations.panel_frame(session, "TEST", as_of)
    run_inputs.write(session, run_id, ids=observations.series_ids(session, "TEST"), frame=seen)
    return run_id


def recent_inputs(session: Session, first: date, last: date, as_of: date = KNOWN) -> Recent:
    """X.DEU.EV, then X.USA.EV."""
    ids = observations.series_ids(session, "TEST")
    chosen = [ids["TEST.X.DEU.EV"], ids["TEST.X.USA.EV"]]
    return run_inputs.recent(session, saw(session, as_of), chosen, first=first, last=last)


def test_months_stand_side_by_side_as_known_on_a_day(dataset: Session) -> None:
    found = recent_inputs(dataset, date(2023, 12, 1), date(2024, 2, 1))
    assert_array_equal(found.values[1], [np.nan, 10, 21])
    assert_array_equal(recent_inputs(dataset, date(2023, 12, 1), date(2024, 2, 1), date(2024, 3, 9)).values[1, 2], 20)


def test_one_figure_of_two_months_is_halved_and_marked(dataset: Session) -> None:
    found = recent_inputs(dataset, date(2024, 1, 1), date(2024, 3, 1))
    assert_array_equal(found.values[0], [4, 4, np.nan])
    assert_array_equal(found.joined, [[False, True, False], [False, False, False]])


def test_half_of_it_is_marked_where_january_is_not_asked_for(dataset: Session) -> None:
    found = recent_inputs(dataset, date(2024, 2, 1), date(2024, 2, 1))
    assert_array_equal(found.joined, [[True], [False]])


def test_no_months_are_an_empty_array(dataset: Session) -> None:
    assert recent_inputs(dataset, date(2024, 2, 1), date(2024, 1, 1)).values.shape == (2, 0)


def test_months_before_a_series_begins_and_after_it_ends_are_unknown(dataset: Session) -> None:
    found = recent_inputs(dataset, date(2023, 11, 1), date(2024, 4, 1))
    assert_array_equal(found.values[1], [np.nan, np.nan, 10, 21, np.nan, np.nan])
    assert not found.joined[1].any()
    later = recent_inputs(dataset, date(2024, 5, 1), date(2024, 6, 1))
    assert np.isnan(later.values).all()


def test_a_span_without_months_is_empty(dataset: Session) -> None:
    found = run_inputs.recent(dataset, 0, [1, 2], first=date(2024, 3, 1), last=date(2024, 2, 1))
    assert found.values.shape == found.joined.shape == (2, 0)


def test_a_series_that_begins_in_february_does_not_hold_january(dataset: Session) -> None:
    append(dataset, "2024-02,X,VNM,EV,5,2024-03-09")
    number = observations.series_ids(dataset, "TEST")["TEST.X.VNM.EV"]
    found = run_inputs.recent(dataset, saw(dataset), [number], first=date(2024, 1, 1), last=date(2024, 2, 1))
    assert_array_equal(found.values, [[np.nan, 5]])
    assert not found.joined.any()


def test_a_run_that_saw_nothing_keeps_nothing(dataset: Session) -> None:
    number = observations.series_ids(dataset, "TEST")["TEST.X.USA.EV"]
    found = run_inputs.recent(dataset, saw(dataset, date(2023, 1, 1)), [number], first=date(2024, 1, 1), last=KNOWN)
    assert np.isnan(found.values).all()


def test_what_a_run_saw_is_read_as_it_was(dataset: Session) -> None:
    append(dataset, "2024-02,X,VNM,EV,5,2024-03-09", "2024-03,X,VNM,EV,6,2024-04-09")
    seen = observations.panel_frame(dataset, "TEST", KNOWN)
    pd.testing.assert_frame_equal(run_inputs.frame(dataset, saw(dataset)), seen, check_column_type=False)


def test_what_comes_later_for_an_earlier_day_is_not_what_a_run_saw(dataset: Session) -> None:
    run_id, number = saw(dataset), observations.series_ids(dataset, "TEST")["TEST.X.USA.EV"]
    append(dataset, "2024-02,X,USA,EV,99,2024-05-09", "2024-03,X,USA,EV,98,2024-04-09")
    found = run_inputs.recent(dataset, run_id, [number], first=date(2024, 1, 1), last=date(2024, 3, 1))
    assert_array_equal(found.values, [[10, 21, np.nan]])
