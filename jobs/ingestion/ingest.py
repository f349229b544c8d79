"""Ingest observations into the store, each batch atomically."""

from collections.abc import Collection
from dataclasses import asdict, replace
from datetime import date
from functools import partial
from pathlib import Path

import structlog
from sqlmodel import Session

from jobs.ingestion.events import ingest_bundled_events
from jobs.ingestion.indicators import ingest_bundled_indicators
from jobs.ingestion.polls import ingest_bundled_polls
from services.datasets.datasets import (
    PARTNER_LENGTH,
    PLAIN_IMPORT,
    SECTOR_LENGTH,
    Imported,
    ImportOptions,
    Notify,
    add_codes,
    add_own_codes,
    check_definition,
    check_own_codes,
    import_table,
    known_when_due,
)
from services.datasets.panel_import import panel_observations
from services.datasets.table_columns import Ask
from sources import bundled
from sources.observation_batch import DatasetDefinition, ObservationBatch
from store.queries import catalog, observation_writes, releases
from store.queries.observation_writes import Appended
from tables import (
    AS_IT_IS,
    OBSERVATION_COLUMNS,
    PANEL_COLUMNS,
    Faults,
    check_observations,
    check_panel,
    check_releases,
    panel_frame,
    read_table,
    require_columns,
)

LARGEST_CODE_TABLE = 10_000_000

log = structlog.get_logger(__name__)


def ingest(session: Session, delivery: ObservationBatch, *, today: date) -> Appended:
    """Validate a batch and append it; values without a vintage become known today or, if backfilled, when due.

    The caller commits. Raises `tables.TableError`, UnknownDataset, BadObservations, NotDerivable.
    """
    found = catalog.dataset(session, delivery.dataset)
    frame = check_observations(delivery.frame, today=today, negative=found.allows_negative)
    if delivery.known_when_due:
        frame = known_when_due(session, frame, found.id, today)
    appended = observation_writes.append(
        session, dataset=found.id, frame=frame, vintage=today, backfilled=delivery.backfilled
    )
    log.info("ingest.appended", dataset=found.id, **appended._asdict())
    return appended


def ingest_bundled(session: Session, *, today: date, only: Collection[str] = ()) -> dict[str, Appended]:
    """Ingest missing bundled datasets, indicators, events and polls; returns the result for each dataset.

    Those of `only`, or without it all but those that are imported on request. The caller commits.
    """
    add_codes(session)
    stored = {record.id for record in catalog.datasets(session) if record.series}
    wanted = set(only) or bundled.definitions().keys() - bundled.on_request()
    appended = {}
    for code, definition in bundled.definitions().items():
        if code in wanted - stored:
            catalog.add_dataset(session, **asdict(definition))
            calendar = bundled.calendar(code)
            if len(calendar):
                releases.plan(session, check_releases(calendar))
            appended[code] = ingest(session, bundled.delivery(code), today=today)
    ingest_bundled_indicators(session, today=today)
    ingest_bundled_events(session, today=today)
    ingest_bundled_polls(session, today=today)
    return appended


def ingest_file(
    session: Session,
    path: Path,
    *,
    dataset: str,
    today: date,
    limit_bytes: int,
    options: ImportOptions = PLAIN_IMPORT,
    create: DatasetDefinition | None = None,
    partners: Path | None = None,
    sectors: Path | None = None,
    ask: Ask | None = None,
    notify: Notify = lambda _: None,
) -> Imported:
    """Import a table from a file. The caller commits.

    `create` describes a dataset that is not there yet; `partners` and `sectors` are CSVs of code, name that register
    own codes. `ask` and `notify` as for `services.datasets.datasets.import_table`.
    Raises TableError, BadDefinition, UnknownPartnerName, UnknownDataset, UnknownPartner, BadObservations, NotDerivable.
    """
    if create is not None:
        check_definition(create)
    add_codes(session)
    own_partners = _own_codes(partners, PARTNER_LENGTH) if partners is not None else {}
    own_sectors = _own_codes(sectors, SECTOR_LENGTH) if sectors is not None else {}
    add_own_codes(session, partners=own_partners, sectors=own_sectors)
    # The table may contain own partners by name.
    names = {name: code for code, name in own_partners.items()} | dict(options.partners)
    return import_table(
        session,
        read_table(path, limit_bytes=limit_bytes, dialect=options.layout.dialect),
        dataset=dataset,
        today=today,
        options=replace(options, partners=names),
        create=create,
        ask=ask,
        notify=notify,
    )


def ingest_panel(
    session: Session,
    path: Path,
    *,
    definition: DatasetDefinition,
    today: date,
    limit_bytes: int,
    options: ImportOptions = PLAIN_IMPORT,
    ask: Ask | None = None,
    notify: Notify = lambda _: None,
) -> Imported:
    """Import a file for `tradewind forecast`, or a table of observations, as history of a dataset. The caller commits.

    Codes of `options.partners` that are not stored become partners by these names. `ask` and `notify` as for
    `ingest_file`. Raises as it does.
    """
    add_codes(session)
    stored = {record.code for record in catalog.partners(session).rows}
    own = {code: name for name, code in options.partners.items() if code not in stored}
    check_own_codes(partners=own, sectors={})
    add_own_codes(session, partners=own, sectors={})
    layout, options = options.layout, replace(options, backfill=True)
    table = read_table(path, limit_bytes=limit_bytes, dialect=layout.dialect)
    imported = partial(import_table, session, dataset=definition.id, today=today, ask=ask, notify=notify)
    names = {*table.columns, *layout.columns.values(), *layout.constant}
    # A long table without any column of a panel is one of observations with other headings.
    if set(OBSERVATION_COLUMNS) <= names or not (layout.wide or set(PANEL_COLUMNS) & names):
        return imported(table, options=options, create=definition)
    frame = panel_frame(table, layout, today=today)
    panel = check_panel(
        frame,
        today=today,
        negative=True,
        dialect=layout.dialect,
        after_gaps=layout.after_gaps,
        notify=notify,
    )
    found = panel_observations(panel)
    add_own_codes(session, partners={}, sectors=found.sectors)
    create = replace(definition, allows_negative=bool((panel["y"] < 0).any()))
    options = replace(options, layout=AS_IT_IS, derive=found.structured)
    return imported(found.frame, options=options, create=create)


def _own_codes(path: Path, longest: int) -> dict[str, str]:
    table = read_table(path, limit_bytes=LARGEST_CODE_TABLE)
    require_columns(table, ("code", "name"), str(path))
    faults = Faults()
    is_code = table["code"].str.fullmatch(rf"[A-Za-z0-9_.-]{{1,{longest}}}").to_numpy(bool)
    faults.add(table["code"], ~is_code, f"is not a code of at most {longest} characters")
    faults.add(table["name"], (table["name"].str.strip() == "").to_numpy(), "is empty")
    faults.stop()
    return dict(zip(table["code"], table["name"], strict=True))
