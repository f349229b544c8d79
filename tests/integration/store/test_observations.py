from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import psycopg.errors
import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from store.binary_copy import copy_arrays
from store.errors import BadObservations, UnknownDataset
from store.models import Observation, Series
from store.queries import catalog, observation_writes, observations
from store.queries.observation_writes import TAKEN
from tables import check_observations
from tests.support.store_helpers import add_dataset, append, known


@pytest.fixture
def dataset(session: Session) -> Session:
    add_dataset(session)
    return session


def reasons(refused: Callable[[], object]) -> list[tuple[int | None, str, str]]:
    with pytest.raises(BadObservations) as caught:
        refused()
    return [(fault.row, fault.column, fault.reason) for fault in caught.value.faults]


def test_as_of_tells_what_was_known_on_a_day(dataset: Session) -> None:
    append(
        dataset, "2024-03,X,USA,EV,10,2024-04-09", "2024-04,X,USA,EV,20,2024-05-09", "2024-03,X,USA,EV,11,2024-05-09"
    )
    assert known(dataset, date(2024, 4, 8)) == {}
    assert known(dataset, date(2024, 4, 9)) == {"X.USA.EV": [10]}
    assert known(dataset, date(2024, 5, 9)) == {"X.USA.EV": [11, 20]}
    assert known(dataset) == {"X.USA.EV": [11, 20]}


def test_a_panel_is_sorted_and_typed(dataset: Session) -> None:
    append(dataset, "2024-04,X,USA,EV,2,2024-05-09", "2024-03,X,USA,EV,1,2024-05-09", "2024-03,M,DEU,EV,3,2024-05-09")
    frame = observations.panel_frame(dataset, "TEST")
    assert frame["unique_id"].tolist() == ["TEST.M.DEU.EV", "TEST.X.USA.EV", "TEST.X.USA.EV"]
    assert frame["ds"].tolist() == [pd.Timestamp("2024-03-01"), pd.Timestamp("2024-03-01"), pd.Timestamp("2024-04-01")]
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        **dict.fromkeys(["unique_id", "flow", "partner", "whole", "sector"], "object"),
        "ds": "datetime64[ns]",
        "y": "float64",
        "months": "int64",
    }


def test_what_is_known_already_is_not_stored_again(dataset: Session) -> None:
    assert append(dataset, "2024-03,X,USA,EV,10,2024-04-09") == (1, 0, 0)
    assert append(dataset, "2024-03,X,USA,EV,10,2024-05-09", "2024-04,X,USA,EV,20,2024-05-09") == (1, 1, 0)
    assert append(dataset, "2024-03,X,USA,EV,10,2024-04-09") == (0, 1, 0)


def test_a_value_that_returns_to_an_earlier_one_is_news(dataset: Session) -> None:
    append(dataset, "2024-03,X,USA,EV,10,2024-04-09", "2024-03,X,USA,EV,11,2024-05-09")
    assert append(dataset, "2024-03,X,USA,EV,10,2024-06-09") == (1, 0, 0)
    assert known(dataset) == {"X.USA.EV": [10]}


def test_history_may_be_filled_in_before_a_later_vintage(dataset: Session) -> None:
    append(dataset, "2024-03,X,USA,EV,11,2024-05-09")
    assert append(dataset, "2024-03,X,USA,EV,10,2024-04-09") == (1, 0, 0)
    assert known(dataset, date(2024, 4, 30)) == {"X.USA.EV": [10]}
    assert known(dataset) == {"X.USA.EV": [11]}


def test_one_vintage_has_one_value(dataset: Session) -> None:
    append(dataset, "2024-03,X,USA,EV,10,2024-04-09")
    expected = reasons(lambda: append(dataset, "2024-04,X,USA,EV,9,2024-05-09", "2024-03,X,USA,EV,12,2024-04-09"))
    assert expected == [(3, "value", TAKEN)]


def test_faults_name_the_row_and_nothing_is_stored(dataset: Session) -> None:
    expected = reasons(
        lambda: append(
            dataset,
            "2024-03,X,USA,EV,10,2024-04-09",
            "2024-03,X,XXX,EV,10,2024-04-09",
            "2024-03,X,USA,NONSENSE,10,2024-04-09",
        )
    )
    assert expected == [(3, "partner", "no partner has this code"), (4, "sector", "no sector has this code")]
    assert known(dataset) == {}
    assert catalog.series(dataset, "TEST").total == 0


def test_a_gap_within_the_table_is_refused(dataset: Session) -> None:
    expected = reasons(lambda: append(dataset, "2024-03,X,USA,EV,1,2024-09-09", "2024-05,X,USA,EV,1,2024-09-09"))
    assert expected == [(3, "month", "leaves a gap between 2024-03 and 2024-05")]
    assert known(dataset) == {}


def test_a_gap_between_the_table_and_the_store_is_refused(dataset: Session) -> None:
    append(dataset, "2024-03,X,USA,EV,1,2024-09-09")
    later = reasons(lambda: append(dataset, "2024-05,X,USA,EV,1,2024-09-09"))
    assert later == [(2, "month", "leaves a gap between 2024-03 and 2024-05")]
    earlier = reasons(lambda: append(dataset, "2024-01,X,USA,EV,1,2024-09-09"))
    assert earlier == [(2, "month", "leaves a gap between 2024-01 and 2024-03")]
    append(dataset, "2024-04,X,USA,EV,1,2024-09-09", "2024-02,X,USA,EV,1,2024-09-09")
    assert known(dataset) == {"X.USA.EV": [1, 1, 1]}


def test_january_is_no_gap_where_february_holds_both(dataset: Session) -> None:
    append(dataset, "2024-12,X,USA,EV,1,2025-01-09", "2025-02,X,USA,EV,3,2025-03-07,2", "2025-03,X,USA,EV,1,2025-04-14")
    assert observations.panel_frame(dataset, "TEST")["months"].tolist() == [1, 2, 1]


def test_months_published_apart_later_replace_the_combined_one(dataset: Session) -> None:
    append(dataset, "2024-12,X,USA,EV,1,2025-01-09", "2025-02,X,USA,EV,3,2025-03-07,2")
    alone = reasons(lambda: append(dataset, "2025-01,X,USA,EV,2,2025-04-20"))
    assert alone == [(2, "month", "is within the next month's figure too")]
    append(dataset, "2025-01,X,USA,EV,2,2025-04-20", "2025-02,X,USA,EV,1,2025-04-20")
    assert known(dataset, date(2025, 3, 31)) == {"X.USA.EV": [1, 3]}
    assert known(dataset) == {"X.USA.EV": [1, 2, 1]}


def test_rows_without_a_vintage_are_known_from_the_day_given(dataset: Session) -> None:
    table = pd.DataFrame({"month": ["2024-03"], "flow": "X", "partner": "USA", "sector": "EV", "value": 1.0})
    frame = check_observations(table, today=date(2026, 1, 1))
    observation_writes.append(dataset, dataset="TEST", frame=frame, vintage=date(2024, 6, 1))
    assert known(dataset, date(2024, 5, 31)) == {}
    assert known(dataset, date(2024, 6, 1)) == {"X.USA.EV": [1]}


def test_an_unknown_dataset_is_named(dataset: Session) -> None:
    with pytest.raises(UnknownDataset, match="NOWHERE"):
        append(dataset, "2024-03,X,USA,EV,1,2024-04-09", dataset="NOWHERE")
    with pytest.raises(UnknownDataset, match="NOWHERE"):
        observations.panel_frame(dataset, "NOWHERE")


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ({"value": float("nan")}, "value_is_finite"),
        ({"value": float("inf")}, "value_is_finite"),
        ({"month": "2024-03-02"}, "month_starts"),
        ({"vintage": "2024-03-01"}, "vintage_after_month"),
        ({"months": 2}, "combined_is_february"),
        ({"status": "Z"}, "status"),
    ],
)
def test_the_database_itself_refuses_what_cannot_be(
    dataset: Session, changed: dict[str, object], constraint: str
) -> None:
    (series_id,) = catalog.ensure_series(dataset, "TEST", [("X", "USA", "EV")]).values()
    row: dict[str, Any] = {"series_id": series_id, "month": "2024-03-01", "vintage": "2024-04-09", "value": 1.0}
    row |= {"months": 1, "status": "A", "backfilled": False} | changed
    columns: dict[str, Any] = {name: np.array([value]) for name, value in row.items()}
    for name in ("month", "vintage"):
        columns[name] = columns[name].astype("datetime64[D]")
    with pytest.raises(psycopg.errors.CheckViolation, match=f"ck_observation_{constraint}"):
        copy_arrays(dataset, Observation, columns)


def test_the_extent_changes_with_every_append(dataset: Session) -> None:
    assert observations.extent(dataset, "TEST") == (0, None)
    append(dataset, "2024-03,X,USA,EV,1,2024-04-09")
    assert observations.extent(dataset, "TEST") == (1, date(2024, 4, 9))


def test_two_writers_of_a_dataset_take_turns(dataset: Session) -> None:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    sa.event.listen(dataset.connection(), "before_cursor_execute", note)
    append(dataset, "2024-03,X,USA,EV,1,2024-04-09")
    reads = [statement for statement in statements if statement.startswith("SELECT")]
    assert reads[0].endswith("FOR NO KEY UPDATE")


def test_series_ids_are_by_unique_id(dataset: Session) -> None:
    append(dataset, "2024-03,X,USA,EV,1,2024-04-09")
    ids = observations.series_ids(dataset, "TEST")
    assert ids == {"TEST.X.USA.EV": dataset.exec(select(Series.id).where(col(Series.dataset_id) == "TEST")).one()}


def test_of_thousands_of_gaps_all_are_counted_and_the_first_are_named(dataset: Session) -> None:
    # Every second month, of all partners at once: as many gaps as rows.
    months = pd.period_range("2000-01", periods=300, freq="M")[::2]
    partners = session_partners(dataset)
    rows = [f"{month},X,{partner},EV,1,2025-09-09" for partner in partners for month in months]
    with pytest.raises(BadObservations) as caught:
        append(dataset, *rows)
    assert (caught.value.total, len(caught.value.faults)) == (len(partners) * (len(months) - 1), 50)
    assert caught.value.faults[0].reason == "leaves a gap between 2000-01 and 2000-03"


def session_partners(session: Session) -> list[str]:
    return [record.code for record in catalog.partners(session).rows if not record.is_group][:30]
