"""Revisions and vintages in SQL, held against an obvious loop over the appended rows."""

from datetime import date
from statistics import mean, stdev

import pandas as pd
import pytest
from sqlmodel import Session

from store.queries import observations, revisions
from store.queries.revisions import OutputType, RevisionSelection, VintageRecord
from tests.support.store_helpers import TODAY, add_dataset, append

# Month, vintage, value of one series, and a February that was published with its January first.
ROWS = [
    ("2024-03", "2024-04-09", 100.0, 1),
    ("2024-03", "2024-05-09", 110.0, 1),
    ("2024-03", "2024-09-09", 104.0, 1),
    ("2024-04", "2024-05-09", 200.0, 1),
    ("2024-04", "2024-06-20", 190.0, 1),
    ("2024-05", "2024-06-09", 300.0, 1),
]


@pytest.fixture
def dataset(session: Session) -> Session:
    add_dataset(session)
    append(session, *(f"{month},X,USA,EV,{value},{vintage},{months}" for month, vintage, value, months in ROWS))
    return session


def selection(session: Session, as_of: date = TODAY, **span: date) -> RevisionSelection:
    ids = list(observations.series_ids(session, "TEST").values())
    return RevisionSelection(ids, span.get("start", date.min), span.get("end", date.max), as_of)


def listed(session: Session, output_type: OutputType, as_of: date = TODAY) -> list[tuple[str, str, float]]:
    found = revisions.vintages(session, selection(session, as_of), output_type, limit=100, offset=0)
    assert len(found.rows) == found.total
    return [(f"{row.month:%Y-%m}", str(row.vintage), row.value) for row in found.rows]


def test_type_1_is_every_value_with_the_days_on_which_it_was_known(dataset: Session) -> None:
    rows = revisions.vintages(dataset, selection(dataset), 1, limit=100, offset=0).rows
    march = [(row.value, str(row.realtime_start), row.realtime_end and str(row.realtime_end)) for row in rows[:3]]
    assert march == [
        (100.0, "2024-04-09", "2024-05-08"),
        (110.0, "2024-05-09", "2024-09-08"),
        (104.0, "2024-09-09", None),
    ]
    assert len(rows) == len(ROWS)


def test_type_2_is_what_as_of_tells_on_each_vintage_date(dataset: Session) -> None:
    expected = []
    for vintage in sorted({vintage for _, vintage, _, _ in ROWS}):
        known = observations.panel_frame(dataset, "TEST", date.fromisoformat(vintage))
        expected += [(f"{row.ds:%Y-%m}", vintage, row.y) for row in known.itertuples()]
    assert listed(dataset, 2) == expected


def test_type_3_is_only_what_was_new_or_revised(dataset: Session) -> None:
    assert listed(dataset, 3) == sorted(
        ((month, vintage, value) for month, vintage, value, _ in ROWS), key=lambda row: (row[1], row[0])
    )


def test_type_4_is_first_prints_alone(dataset: Session) -> None:
    assert listed(dataset, 4) == [
        ("2024-03", "2024-04-09", 100.0),
        ("2024-04", "2024-05-09", 200.0),
        ("2024-05", "2024-06-09", 300.0),
    ]


def test_as_of_leaves_out_what_became_known_later(dataset: Session) -> None:
    known = [row for row in ROWS if row[1] <= "2024-05-09"]
    for output_type in (1, 3):
        assert len(listed(dataset, output_type, date(2024, 5, 9))) == len(known)
    (march, april) = revisions.revisions(dataset, selection(dataset, date(2024, 5, 9)), limit=9, offset=0).rows
    assert (march.latest, april.latest, march.vintages) == (110.0, 200.0, 2)


def test_each_month_has_its_first_print_and_its_latest_value(dataset: Session) -> None:
    page = revisions.revisions(dataset, selection(dataset, start=date(2024, 4, 1)), limit=1, offset=0)
    assert (page.total, page.revised_data) == (2, False)
    assert page.rows[0][1:] == (
        *(date(2024, 4, 1), 1, 200.0, date(2024, 5, 9), 190.0, date(2024, 6, 20), 2),
        False,
    )


def test_bias_and_spread_by_age_agree_with_a_loop(dataset: Session) -> None:
    found = revisions.by_age(dataset, selection(dataset, date(2024, 12, 31)))
    assert [entry.age for entry in found] == list(range(1, 9))
    for entry in found:
        changes = []
        for month in ("2024-03", "2024-04", "2024-05"):
            prints = [(date.fromisoformat(vintage), value) for mine, vintage, value, _ in ROWS if mine == month]
            day = (pd.Timestamp(prints[0][0]) + pd.DateOffset(months=entry.age)).date()
            if day <= date(2024, 12, 31):
                known = [value for vintage, value in prints if vintage <= day][-1]
                changes.append((known - prints[0][1], 100 * (known / prints[0][1] - 1)))
        assert entry.n == len(changes)
        assert entry.bias == pytest.approx(mean(change for change, _ in changes))
        assert entry.bias_percent == pytest.approx(mean(percent for _, percent in changes))
        if len(changes) > 1:
            assert entry.spread == pytest.approx(stdev(change for change, _ in changes))
            assert entry.spread_percent == pytest.approx(stdev(percent for _, percent in changes))


def test_a_sum_and_the_months_apart_are_compared_each_with_itself(session: Session) -> None:
    add_dataset(session)
    append(session, "2024-12,X,USA,EV,1,2025-01-09", "2025-02,X,USA,EV,300,2025-03-07,2")
    append(session, "2025-01,X,USA,EV,200,2025-04-20", "2025-02,X,USA,EV,100,2025-04-20")
    append(session, "2025-02,X,USA,EV,101,2025-06-20")
    rows = revisions.revisions(session, selection(session, start=date(2025, 1, 1)), limit=9, offset=0).rows
    reported = [(f"{row.month:%m}", row.months, row.first, row.latest) for row in rows]
    assert reported == [("01", 1, 200.0, 200.0), ("02", 1, 100.0, 101.0), ("02", 2, 300.0, 300.0)]
    sums = [row for row in vintages_of(session) if row.months == 2]
    assert [(str(row.realtime_start), str(row.realtime_end)) for row in sums] == [("2025-03-07", "2025-04-19")]


def vintages_of(session: Session) -> list[VintageRecord]:
    return revisions.vintages(session, selection(session), 1, limit=100, offset=0).rows


def test_a_value_that_stands_in_for_a_first_print_counts_for_none(bundled: Session) -> None:
    ids = list(observations.series_ids(bundled, "CN_TRADE").values())
    question = RevisionSelection(ids, date.min, date.max, date(2026, 8, 21))
    assert revisions.by_age(bundled, question) == []
    assert revisions.revisions(bundled, question, limit=1, offset=0).revised_data
