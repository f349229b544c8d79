from datetime import date

import pandas as pd
import pytest
from sqlmodel import Session

from store.errors import BadObservations, UnknownDataset, UnknownIndicator
from store.models.indicators import ANY
from store.queries import indicators
from store.queries.indicators import IndicatorUseRecord


def rows(*given: tuple[str, str, float]) -> pd.DataFrame:
    """A checked table of month, known_on, value."""
    frame = pd.DataFrame(given, columns=["month", "known_on", "value"])
    days = {name: frame[name].astype("datetime64[ns]") for name in ("month", "known_on")}
    return frame.assign(**days, backfilled=False)


def test_bundled_indicators_are_stored_with_their_days(bundled: Session) -> None:
    found = {record.id: record for record in indicators.indicators(bundled)}
    assert set(found) == {"KR_EXPORTS", "CN_PMI", "CN_PMI_SERVICES", "CN_PMI_EXPORT_ORDERS", "CN_PMI_IMPORTS"}
    assert (found["KR_EXPORTS"].start, found["KR_EXPORTS"].end) == (date(1995, 4, 1), date(2026, 7, 1))
    page = indicators.values(bundled, "KR_EXPORTS", start=date(2025, 5, 1), end=date(2025, 5, 1))
    assert [(row.known_on, row.backfilled) for row in page.rows] == [(date(2025, 6, 1), True)]


def test_gaps_of_an_indicator_stay_gaps(bundled: Session) -> None:
    page = indicators.values(bundled, "CN_PMI_EXPORT_ORDERS", start=date(2025, 12, 1), end=date(2026, 3, 1))
    assert [row.month.month for row in page.rows] == [12, 2, 3]


@pytest.mark.parametrize(
    ("as_of", "value"),
    [(date(2026, 7, 31), None), (date(2026, 8, 1), 98.89), (date(2026, 8, 14), 98.89), (date(2026, 8, 15), 98.9591)],
)
def test_a_first_print_is_known_until_its_revision(bundled: Session, as_of: date, value: float | None) -> None:
    month = date(2026, 7, 1)
    page = indicators.values(bundled, "KR_EXPORTS", start=month, end=month, as_of=as_of)
    assert [row.value for row in page.rows] == ([] if value is None else [value])


def test_a_known_value_is_not_stored_again(bundled: Session) -> None:
    again = rows(("2026-07-01", "2026-08-20", 98.9591), ("2026-07-01", "2026-08-21", 99.1))
    assert indicators.append(bundled, indicator_id="KR_EXPORTS", frame=again) == (1, 1)


def test_a_value_of_a_day_never_changes(bundled: Session) -> None:
    with pytest.raises(BadObservations, match="later known_on"):
        indicators.append(bundled, indicator_id="KR_EXPORTS", frame=rows(("2026-07-01", "2026-08-01", 97.0)))


def test_known_values_of_a_dataset_end_with_the_day(bundled: Session) -> None:
    known = indicators.known(bundled, "CN_TRADE", as_of=date(2026, 7, 31))
    assert known["known_on"].max() == pd.Timestamp("2026-07-31")
    last = known.groupby("indicator_id")["month"].max()
    assert (last["CN_PMI"], last["KR_EXPORTS"]) == (pd.Timestamp("2026-07-01"), pd.Timestamp("2026-06-01"))
    assert indicators.known(bundled, "CN_CLEANTECH", as_of=date(2026, 7, 31)).empty


def test_uses_name_known_datasets_and_indicators(bundled: Session) -> None:
    with pytest.raises(UnknownIndicator):
        indicators.add_uses(bundled, "CN_TRADE", [IndicatorUseRecord("NOTHING", ANY, ANY, ANY)])
    with pytest.raises(UnknownDataset):
        indicators.add_uses(bundled, "NOWHERE", [IndicatorUseRecord("CN_PMI", ANY, ANY, ANY)])
    indicators.add_uses(bundled, "CN_CLEANTECH", [IndicatorUseRecord("CN_PMI", "X", "USA", ANY)])
    assert indicators.uses(bundled, "CN_CLEANTECH") == [("CN_PMI", "X", "USA", ANY)]
