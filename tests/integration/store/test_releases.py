from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from sqlmodel import Session

from store.errors import BadReleases
from store.queries import releases
from store.queries.releases import ReleaseRecord
from tables import check_releases, read_table
from tests.support.store_helpers import add_dataset, append


def due(month: str, *, reporter: str = "CHN") -> date:
    (day,) = releases.due_days(np.array([month], "datetime64[M]"), release_day=9, reporter=reporter).tolist()
    assert isinstance(day, date)
    return day


def test_a_month_is_due_in_the_next() -> None:
    assert due("2025-03") == date(2025, 4, 9)
    assert due("2025-12") == date(2026, 1, 9)


def test_china_publishes_january_together_with_february() -> None:
    assert due("2025-01") == due("2025-02") == date(2025, 3, 9)
    assert due("1969-01") == date(1969, 3, 9)
    assert due("2025-01", reporter="USA") == date(2025, 2, 9)


GRACE = timedelta(hours=24)


def at(day: str, hour: int = 12) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC)


def plan(session: Session, *rows: str) -> int:
    table = "\n".join(["dataset,period,due_on,time", *rows]).encode()
    return releases.plan(session, check_releases(read_table(table, media="csv", limit_bytes=10_000)))


def periods(found: list[ReleaseRecord]) -> list[str]:
    return [f"{row.period:%Y-%m}" for row in found]


def test_the_calendar_knows_observations_and_what_is_due(session: Session) -> None:
    add_dataset(session)
    append(session, "2024-11,X,USA,EV,1,2024-12-10", "2024-12,X,USA,EV,1,2025-01-13")
    calendar = releases.releases(session, "TEST")
    assert len(calendar) == 2 + releases.MONTHS_AHEAD
    first = calendar[0]
    assert (first.period, first.due_on, first.published_at) == (
        date(2024, 11, 1),
        date(2024, 12, 9),
        datetime(2024, 12, 10, tzinfo=UTC),
    )
    assert releases.due(session, at("2025-03-08"), "TEST") == []
    assert periods(releases.due(session, at("2025-03-09"), "TEST")) == ["2025-01", "2025-02"]
    awaited = releases.next_due(session, "TEST")
    assert awaited is not None
    assert (awaited.period, awaited.due_on) == (date(2025, 1, 1), date(2025, 3, 9))


def test_a_planned_day_and_the_first_publication_stay(session: Session) -> None:
    add_dataset(session)
    append(session, "2024-11,X,USA,EV,1,2024-12-10")
    assert plan(session, "TEST,2024-12,2025-01-25,") == 1
    append(session, "2024-12,X,USA,EV,1,2025-01-26", "2024-11,X,USA,EV,2,2025-01-26")
    first, second = releases.releases(session, "TEST")[:2]
    assert first.published_at == datetime(2024, 12, 10, tzinfo=UTC)
    assert (second.due_on, second.published_at) == (date(2025, 1, 25), datetime(2025, 1, 26, tzinfo=UTC))


def test_a_release_is_due_from_its_time_and_late_after_the_grace(session: Session) -> None:
    add_dataset(session)
    append(session, "2025-03,X,USA,EV,1,2025-04-14")
    plan(session, "TEST,2025-04,2025-05-09,11:00+08:00")
    assert releases.due(session, at("2025-05-09", 2), "TEST") == []
    (awaited,) = releases.due(session, at("2025-05-09", 3), "TEST")
    assert awaited.due_at == at("2025-05-09", 3)
    assert awaited.status(at("2025-05-10", 3), GRACE) == "due"
    assert awaited.status(at("2025-05-10", 4), GRACE) == "late"


def test_january_has_come_where_february_holds_it(session: Session) -> None:
    add_dataset(session)
    append(session, "2024-12,X,USA,EV,1,2025-01-13")
    assert releases.due(session, at("2025-02-28"), "TEST") == []
    append(session, "2025-02,X,USA,EV,3,2025-03-07,2")
    january, february = releases.releases(session, "TEST")[1:3]
    assert january.published_at == february.published_at == datetime(2025, 3, 7, tzinfo=UTC)
    assert releases.due(session, at("2025-03-31"), "TEST") == []


def test_a_release_in_parts_is_awaited_until_every_series_has_come(session: Session) -> None:
    add_dataset(session)
    append(session, *(f"2024-12,X,{row},EV,1,2025-01-13" for row in ("USA", "DEU", "FRA")))
    append(session, "2025-02,X,USA,EV,3,2025-03-07,2")
    (part,) = releases.due(session, at("2025-03-10"), "TEST")
    assert (part.period, part.missing, part.status(at("2025-03-10"), GRACE)) == (date(2025, 2, 1), 2, "late")
    append(session, "2025-02,X,DEU,EV,3,2025-03-10,2", "2025-02,X,FRA,EV,3,2025-03-10,2")
    assert releases.due(session, at("2025-03-11"), "TEST") == []


def test_a_series_that_ended_is_not_awaited_for_ever(session: Session) -> None:
    add_dataset(session)
    append(session, "2025-03,X,USA,EV,1,2025-04-14", "2025-03,X,DEU,EV,1,2025-04-14", "2025-04,X,USA,EV,1,2025-05-09")
    assert [row.missing for row in releases.due(session, at("2025-05-20"), "TEST")] == [1]
    append(session, "2025-05,X,USA,EV,1,2025-06-09")
    assert releases.due(session, at("2025-06-20"), "TEST") == [] != releases.due(session, at("2025-07-20"), "TEST")


def test_a_month_that_never_arrived_is_passed_over(session: Session) -> None:
    add_dataset(session)
    plan(session, "TEST,2024-10,2024-11-09,")
    append(session, "2025-03,X,USA,EV,1,2025-04-14")
    assert periods(releases.releases(session, "TEST"))[:2] == ["2025-03", "2025-04"]
    assert releases.due(session, at("2025-05-01")) == []


def test_two_processes_ask_a_source_once(session: Session) -> None:
    add_dataset(session)
    append(session, "2025-03,X,USA,EV,1,2025-04-14")
    (awaited,) = releases.due(session, at("2025-05-09"), "TEST")
    assert [releases.claim_poll(session, awaited, at("2025-05-09")) for _ in range(2)] == [True, False]
    (after,) = releases.due(session, at("2025-05-09"), "TEST")
    assert (after.polls, after.polled_at) == (1, at("2025-05-09"))


def test_a_calendar_is_taken_whole_or_not_at_all(session: Session) -> None:
    add_dataset(session)
    with pytest.raises(BadReleases, match="row 3, dataset: no dataset has this code"):
        plan(session, "TEST,2025-04,2025-05-09,", "NOWHERE,2025-04,2025-05-09,")
    assert releases.releases(session, "TEST") == []
