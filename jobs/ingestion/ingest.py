"""Ingest observations into the store, each batch atomically."""

import re
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import structlog
from sqlmodel import Session

from jobs.ingestion.indicators import ingest_bundled_indicators
from sources import bundled
from sources.errors import BadDefinition
from sources.observation_batch import DatasetDefinition, ObservationBatch
from sources.providers import file
from store.queries import catalog, observation_writes, releases
from store.queries.catalog import PartnerRecord, SectorRecord
from store.queries.observation_writes import Appended
from tables import Faults, check_observations, check_releases, read_table, require_columns

LARGEST_CODE_TABLE = 10_000_000
OWN_CLASSIFICATION = "own"
PARTNER_LENGTH, SECTOR_LENGTH = 12, 24
DATASET_CODE, CURRENCY = re.compile(r"[A-Z][A-Z0-9_]{0,39}"), re.compile(r"[A-Z]{3}")

log = structlog.get_logger(__name__)


def ingest(session: Session, delivery: ObservationBatch, *, today: date) -> Appended:
    """Validate a batch and append it; values without a vintage become known today or, if backfilled, when due.

    The caller commits. Raises `tables.TableError`, UnknownDataset, BadObservations, NotDerivable.
    """
    found = catalog.dataset(session, delivery.dataset)
    frame = check_observations(delivery.frame, today=today, negative=found.allows_negative)
    if delivery.known_when_due:
        frame = _known_when_due(session, frame, found.id, today)
    appended = observation_writes.append(
        session, dataset=found.id, frame=frame, vintage=today, backfilled=delivery.backfilled
    )
    log.info("ingest.appended", dataset=found.id, **appended._asdict())
    return appended


def ingest_bundled(session: Session, *, today: date) -> dict[str, Appended]:
    """Ingest missing bundled datasets and indicators; returns the result for each dataset.

    The caller commits.
    """
    add_codes(session)
    stored = {record.id for record in catalog.datasets(session) if record.series}
    appended = {}
    for code, definition in bundled.definitions().items():
        if code not in stored:
            catalog.add_dataset(session, **asdict(definition))
            calendar = bundled.calendar(code)
            if len(calendar):
                releases.plan(session, check_releases(calendar))
            appended[code] = ingest(session, bundled.delivery(code), today=today)
    ingest_bundled_indicators(session, today=today)
    return appended


def ingest_file(
    session: Session,
    path: Path,
    *,
    dataset: str,
    today: date,
    limit_bytes: int,
    create: DatasetDefinition | None = None,
    partners: Path | None = None,
    sectors: Path | None = None,
) -> Appended:
    """Ingest a table from a file. The caller commits.

    `create` describes a new dataset; `partners` and `sectors` are CSV files of code, name that register
    additional codes. Raises `tables.TableError`, BadDefinition, UnknownDataset, UnknownPartner, BadObservations,
    NotDerivable.
    """
    if create is not None:
        check_definition(create)
    add_codes(session)
    if partners is not None:
        catalog.add_partners(
            session, [PartnerRecord(code, name, False) for code, name in _own_codes(partners, PARTNER_LENGTH)]
        )
    if sectors is not None:
        rows = [SectorRecord(code, name, OWN_CLASSIFICATION) for code, name in _own_codes(sectors, SECTOR_LENGTH)]
        catalog.add_sectors(session, rows)
    if create is not None:
        catalog.add_dataset(session, **asdict(create))
    return ingest(session, file.delivery(path, dataset=dataset, limit_bytes=limit_bytes), today=today)


def check_definition(definition: DatasetDefinition) -> None:
    """Raise BadDefinition unless the store can hold such a dataset."""
    if not DATASET_CODE.fullmatch(definition.id):
        reason = "a code is of capital letters, digits and _, begins with a letter, and has 40 characters at most"
        raise BadDefinition("dataset", definition.id, reason)
    if not CURRENCY.fullmatch(definition.currency):
        raise BadDefinition("currency", definition.currency, "a currency is three capital letters, such as USD")
    if not 1 <= definition.release_day <= 28:
        raise BadDefinition("release day", definition.release_day, "it is 1 to 28, a day that every month has")


def add_codes(session: Session) -> None:
    """Register the bundled partners, groups and sectors."""
    partners = bundled.codes("partners")
    is_group = partners["is_group"] == "true"
    catalog.add_partners(session, map(PartnerRecord, partners["code"], partners["name"], is_group.tolist()))
    catalog.add_members(session, bundled.groups())
    sectors = bundled.codes("sectors")
    catalog.add_sectors(session, map(SectorRecord, sectors["code"], sectors["name"], sectors["classification"]))


def _known_when_due(session: Session, frame: pd.DataFrame, dataset: str, today: date) -> pd.DataFrame:
    """Values without a vintage count as known from the day their month was due, or from today if that is in future."""
    due = releases.planned_days(session, dataset, frame["month"].to_numpy())
    due = np.minimum(due, np.datetime64(today)).astype("datetime64[ns]")
    return frame.assign(vintage=frame["vintage"].fillna(pd.Series(due, index=frame.index)))


def _own_codes(path: Path, longest: int) -> list[tuple[str, str]]:
    table = read_table(path, limit_bytes=LARGEST_CODE_TABLE)
    require_columns(table, ("code", "name"), str(path))
    faults = Faults()
    is_code = table["code"].str.fullmatch(rf"[A-Za-z0-9_.-]{{1,{longest}}}").to_numpy(bool)
    faults.add(table["code"], ~is_code, f"is no code of {longest} characters at most")
    faults.add(table["name"], (table["name"].str.strip() == "").to_numpy(), "is empty")
    faults.stop()
    return list(zip(table["code"], table["name"], strict=True))
