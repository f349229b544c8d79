from datetime import date
from pathlib import Path

import pytest
from sqlmodel import Session

from jobs.ingestion.indicators import ingest_bundled_indicators, ingest_indicator_file
from sources.errors import BadDefinition
from sources.observation_batch import IndicatorDefinition
from store.models.indicators import ANY
from store.queries import indicators
from tables import BadRows
from tests.conftest import BUNDLED_ON

LIMIT = 1_000_000
ORDERS = IndicatorDefinition("DE_ORDERS", "Orders", "amount", "EUR bn", "DEU", "Destatis", "official", "Destatis", 37)


def written(path: Path, text: str) -> Path:
    file = path / "orders.csv"
    file.write_text(text, encoding="utf-8")
    return file


def ingested(
    session: Session, file: Path, *, today: date, create: IndicatorDefinition | None = ORDERS
) -> tuple[int, int]:
    return ingest_indicator_file(
        session, file, indicator="DE_ORDERS", today=today, limit_bytes=LIMIT, create=create, informs=["CN_TRADE.X"]
    )


def test_a_value_without_a_day_is_public_by_the_rule(bundled: Session, tmp_path: Path) -> None:
    file = written(tmp_path, "month,value\n2026-05,10.5\n2026-06,11\n")
    assert ingested(bundled, file, today=date(2026, 8, 21)) == (2, 0)
    found = indicators.values(bundled, "DE_ORDERS").rows
    assert [row.known_on for row in found] == [date(2026, 7, 7), date(2026, 8, 6)]
    assert ("DE_ORDERS", "X", ANY, ANY) in indicators.uses(bundled, "CN_TRADE")


def test_a_revision_without_a_day_is_public_today(bundled: Session, tmp_path: Path) -> None:
    ingested(bundled, written(tmp_path, "month,value\n2026-05,10.5\n"), today=date(2026, 8, 21))
    file = written(tmp_path, "month,value\n2026-05,10.7\n")
    assert ingested(bundled, file, today=date(2026, 8, 25), create=None) == (1, 0)
    assert [row.value for row in indicators.values(bundled, "DE_ORDERS", as_of=date(2026, 8, 24)).rows] == [10.5]
    assert [row.value for row in indicators.values(bundled, "DE_ORDERS", as_of=date(2026, 8, 25)).rows] == [10.7]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("month,value\n2026-05,\n", "is empty"),
        ("month,value\n2026-05,0\n", "is not positive"),
        ("month,value,known_on\n2026-05,3,2026-09-01\n", "is in the future"),
        ("month,value,known_on\n2026-05,3,2026-04-30\n", "before its month has begun"),
        ("month,value\n2026-05,3\n2026-05,4\n", "earlier row"),
    ],
)
def test_a_faulty_table_is_refused_whole(bundled: Session, tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(BadRows, match=fault):
        ingested(bundled, written(tmp_path, text), today=date(2026, 8, 21))
    assert indicators.values(bundled, "DE_ORDERS").total == 0


def test_a_definition_that_cannot_be_stored_is_refused(bundled: Session, tmp_path: Path) -> None:
    wrong = IndicatorDefinition("orders", "Orders", "amount", "EUR bn", "DEU", "Destatis", "official", "Destatis", 37)
    with pytest.raises(BadDefinition, match="capital letters"):
        ingested(bundled, written(tmp_path, "month,value\n2026-05,10.5\n"), today=BUNDLED_ON, create=wrong)


def test_bundled_indicators_are_ingested_once(bundled: Session) -> None:
    assert ingest_bundled_indicators(bundled, today=BUNDLED_ON) == {}
