"""Ingest indicators from a file or from the bundled data, each value with the day on which it became public."""

import re
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import structlog
from sqlmodel import Session

from sources.bundled import indicators as bundled
from sources.errors import BadDefinition
from sources.observation_batch import IndicatorDefinition
from store.models.indicators import ANY, INDICATOR_KINDS
from store.queries import catalog, indicator_releases, indicators
from store.queries.indicators import AppendedValues, IndicatorUseRecord
from tables import Faults, check_indicator, read_table

CODE = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
LONGEST_LAG = 90

log = structlog.get_logger(__name__)


def ingest_indicator(
    session: Session, frame: pd.DataFrame, *, indicator: str, today: date, backfilled: bool = False
) -> AppendedValues:
    """Validate a table of month, value and optionally known_on, and append it atomically.

    A value without a day is public `lag_days` after its month by the indicator's rule, or today if that is earlier; a
    revision without a day is public today. With `backfilled` a value without a day is marked as a revised one in place
    of a first print. The caller commits.

    Raises:
        tables.TableError: the table has faults, listed by row.
        UnknownIndicator, BadObservations: as `store.queries.indicators.append`.
    """
    found = indicators.indicator(session, indicator)
    checked = check_indicator(frame, today=today)
    if found.kind == "amount":
        _require_positive(checked)
    by_rule = checked["known_on"].isna()
    rule = checked["month"] + pd.offsets.MonthEnd(0) + pd.Timedelta(days=found.lag_days)
    # A stored month can only be repeated or revised, and a revision becomes known today.
    stored = [np.datetime64(row.month) for row in indicators.values(session, indicator).rows]
    rule = rule.mask(checked["month"].isin(stored) | (rule > pd.Timestamp(today)), pd.Timestamp(today))
    rows = checked.assign(known_on=checked["known_on"].fillna(rule), backfilled=by_rule & backfilled)
    appended = indicators.append(session, indicator_id=indicator, frame=rows)
    indicator_releases.record(session, indicator)
    log.info("ingest.indicator", indicator=indicator, **appended._asdict())
    return appended


def ingest_bundled_indicators(session: Session, *, today: date) -> dict[str, AppendedValues]:
    """Ingest missing bundled indicators and their links to bundled datasets.

    Returns the result for each. Values that are not public on `today` are omitted. The caller commits.
    """
    stored = {record.id for record in indicators.indicators(session) if record.observations}
    appended = {}
    for code, definition in bundled.definitions().items():
        if code not in stored:
            indicators.add_indicator(session, **asdict(definition))
            table = _public(bundled.table(code), today)
            appended[code] = ingest_indicator(session, table, indicator=code, today=today, backfilled=True)
    for record in catalog.datasets(session):
        for flow, codes in bundled.uses(record.id).items():
            uses = [IndicatorUseRecord(code, flow, ANY, ANY) for code in codes]
            indicators.add_uses(session, record.id, uses)
    return appended


def ingest_indicator_file(
    session: Session,
    path: Path,
    *,
    indicator: str,
    today: date,
    limit_bytes: int,
    create: IndicatorDefinition | None = None,
    informs: Iterable[str] = (),
) -> AppendedValues:
    """Ingest an indicator from a file. The caller commits.

    `create` describes a new indicator; `informs` names datasets, or parts of them as in
    `CN_TRADE.X` or `CN_TRADE.X.USA.TOTAL`, that it may inform. Raises as `ingest_indicator`, BadDefinition,
    UnknownDataset, UnknownPartner.
    """
    if create is not None:
        check_indicator_definition(create)
        indicators.add_indicator(session, **asdict(create))
    table = read_table(path, limit_bytes=limit_bytes)
    appended = ingest_indicator(session, table, indicator=indicator, today=today)
    for name in informs:
        dataset, flow, partner, sector = _parts(name)
        indicators.add_uses(session, dataset, [IndicatorUseRecord(indicator, flow, partner, sector)])
    return appended


def add_informs(session: Session, indicator: str, informs: Iterable[str]) -> None:
    """Let an indicator inform datasets, or parts of them as in `CN_TRADE.X`, of those that are stored by now.

    Raises BadDefinition.
    """
    stored = {record.id for record in catalog.datasets(session)}
    for dataset, *part in map(_parts, informs):
        if dataset in stored:
            indicators.add_uses(session, dataset, [IndicatorUseRecord(indicator, *part)])


def check_indicator_definition(definition: IndicatorDefinition) -> None:
    """Raise BadDefinition unless the store can hold such an indicator."""
    if not CODE.fullmatch(definition.id):
        reason = "a code is of capital letters, digits and _, begins with a letter, and has 40 characters at most"
        raise BadDefinition("indicator", definition.id, reason)
    if definition.kind not in INDICATOR_KINDS:
        raise BadDefinition("kind", definition.kind, f"it is {' or '.join(INDICATOR_KINDS)}")
    if not 0 <= definition.lag_days <= LONGEST_LAG:
        raise BadDefinition("lag days", definition.lag_days, f"it is 0 to {LONGEST_LAG}")


def _require_positive(checked: pd.DataFrame) -> None:
    faults = Faults()
    faults.add(checked["value"], (checked["value"] <= 0).to_numpy(), "is not positive, as an amount must be")
    faults.stop()


def _public(table: pd.DataFrame, today: date) -> pd.DataFrame:
    """Rows whose month is over and whose day, where one is given, is no later than `today`."""
    over = pd.to_datetime(table["month"]) + pd.offsets.MonthEnd(0) <= pd.Timestamp(today)
    days = pd.to_datetime(table["known_on"].replace("", None))
    return table[over & ~(days > pd.Timestamp(today))]


def _parts(name: str) -> tuple[str, str, str, str]:
    """Dataset, flow, partner and sector of a name such as `CN_TRADE.X`; omitted parts match any."""
    parts = name.split(".", 3)
    dataset, flow, partner, sector = (*parts, *[ANY] * (4 - len(parts)))
    if flow not in ("X", "M", ANY):
        raise BadDefinition("informs", name, "it is DATASET[.FLOW[.PARTNER[.SECTOR]]], with flow X or M")
    return dataset, flow, partner, sector
