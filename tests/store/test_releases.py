from datetime import UTC, date, datetime

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session, col

from store import releases
from store.tables import Release
from tests.store.helpers import add_dataset, append


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


def test_the_calendar_knows_what_came_and_what_is_due(session: Session) -> None:
    add_dataset(session)
    append(session, "2024-11,X,USA,EV,1,2024-12-10", "2024-12,X,USA,EV,1,2025-01-13")
    calendar = releases.releases(session, "TEST")
    assert len(calendar) == 2 + releases.MONTHS_AHEAD
    assert calendar[0] == (date(2024, 11, 1), date(2024, 12, 9), datetime(2024, 12, 10, tzinfo=UTC))
    assert releases.due(session, "TEST", date(2025, 3, 8)) == []
    assert [one.period for one in releases.due(session, "TEST", date(2025, 3, 9))] == [
        date(2025, 1, 1),
        date(2025, 2, 1),
    ]
    awaited = releases.next_due(session, "TEST")
    assert awaited is not None
    assert (awaited.period, awaited.due_on) == (date(2025, 1, 1), date(2025, 3, 9))


def test_an_edited_due_date_and_the_first_publication_stay(session: Session) -> None:
    add_dataset(session)
    append(session, "2024-11,X,USA,EV,1,2024-12-10")
    december = (col(Release.dataset_id) == "TEST", col(Release.period) == date(2024, 12, 1))
    session.execute(sa.update(Release).where(*december).values(due_on=date(2025, 1, 25)))
    append(session, "2024-12,X,USA,EV,1,2025-01-26", "2024-11,X,USA,EV,2,2025-01-26")
    first, second = releases.releases(session, "TEST")[:2]
    assert first.published_at == datetime(2024, 12, 10, tzinfo=UTC)
    assert (second.due_on, second.published_at) == (date(2025, 1, 25), datetime(2025, 1, 26, tzinfo=UTC))
