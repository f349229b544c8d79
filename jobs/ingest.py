"""Ingest: figures from a source into the store, all of a delivery or none of it."""

from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import structlog
from sqlmodel import Session

from sources import bundled, files
from sources.delivery import Definition, Delivery
from store import catalog, observations, releases
from store.catalog import PartnerRecord, SectorRecord
from store.observations import Appended
from tabular import Faults, check_observations, check_releases, read_table, require_columns

LARGEST_CODE_TABLE = 10_000_000
OWN_CLASSIFICATION = "own"

log = structlog.get_logger(__name__)


def ingest(session: Session, delivery: Delivery, *, today: date) -> Appended:
    """Check a delivery and append it; values without a vintage become known today, or, backfilled, when due.

    The caller commits. Raises `tabular.TableError`, UnknownDataset, BadObservations, NotDerivable.
    """
    found = catalog.dataset(session, delivery.dataset)
    frame = check_observations(delivery.frame, today=today)
    if delivery.backfilled:
        frame = _known_when_due(session, frame, found.id, today)
    appended = observations.append(
        session, dataset=found.id, frame=frame, vintage=today, backfilled=delivery.backfilled
    )
    catalog.set_groups(session, found.id, bundled.groups())
    log.info("ingest.appended", dataset=found.id, **appended._asdict())
    return appended


def ingest_bundled(session: Session, *, today: date) -> dict[str, Appended]:
    """Bring in the bundled datasets that the store lacks; gives what was appended to each. The caller commits."""
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
    return appended


def ingest_file(
    session: Session,
    path: Path,
    *,
    dataset: str,
    today: date,
    limit_bytes: int,
    create: Definition | None = None,
    partners: Path | None = None,
    sectors: Path | None = None,
) -> Appended:
    """Bring in a panel from a file. The caller commits.

    `create` describes a dataset that is not there yet; `partners` and `sectors` are CSVs of code, name that register
    codes of one's own. Raises `tabular.TableError`, UnknownDataset, UnknownPartner, BadObservations, NotDerivable.
    """
    add_codes(session)
    if partners is not None:
        catalog.add_partners(session, [PartnerRecord(code, name, False) for code, name in _own_codes(partners)])
    if sectors is not None:
        rows = [SectorRecord(code, name, OWN_CLASSIFICATION) for code, name in _own_codes(sectors)]
        catalog.add_sectors(session, rows)
    if create is not None:
        catalog.add_dataset(session, **asdict(create))
    return ingest(session, files.delivery(path, dataset=dataset, limit_bytes=limit_bytes), today=today)


def add_codes(session: Session) -> None:
    """Register the partners and sectors that come with the code."""
    partners = bundled.codes("partners")
    is_group = partners["is_group"] == "true"
    catalog.add_partners(session, map(PartnerRecord, partners["code"], partners["name"], is_group.tolist()))
    sectors = bundled.codes("sectors")
    catalog.add_sectors(session, map(SectorRecord, sectors["code"], sectors["name"], sectors["classification"]))


def _known_when_due(session: Session, frame: pd.DataFrame, dataset: str, today: date) -> pd.DataFrame:
    """Values stand in for first prints from the day their month was due, or from today if that is yet to come."""
    due = releases.planned_days(session, dataset, frame["month"].to_numpy())
    return frame.assign(vintage=np.minimum(due, np.datetime64(today)).astype("datetime64[ns]"))


def _own_codes(path: Path) -> list[tuple[str, str]]:
    table = read_table(path, limit_bytes=LARGEST_CODE_TABLE)
    require_columns(table, ("code", "name"), str(path))
    faults = Faults()
    faults.add(table["code"], ~table["code"].str.fullmatch(r"[A-Za-z0-9_.-]{1,24}").to_numpy(bool), "is no code")
    faults.add(table["name"], (table["name"].str.strip() == "").to_numpy(), "is empty")
    faults.stop()
    return list(zip(table["code"], table["name"], strict=True))
