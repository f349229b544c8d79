"""New datasets: defining them, and importing their observations, all of them or none."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date

import numpy as np
import pandas as pd
from sqlmodel import Session

from services.datasets.import_summary import summary_lines
from services.datasets.table_columns import Ask, ReadTable, read_observations
from sources import bundled
from sources.errors import BadDefinition
from sources.observation_batch import DatasetDefinition
from store.models import TOTAL_PARTNER, TOTAL_SECTOR
from store.queries import catalog, observation_writes, observations, releases
from store.queries.catalog import PartnerRecord, SectorRecord
from store.queries.observation_writes import Appended
from store.queries.partner_wholes import wholes_of_partners
from tables import AS_IT_IS, LOOK_BACK, SERIES_COLUMNS, Faults, Layout, after_last_gap, check_observations, refuse_jumps

OWN_CLASSIFICATION = "own"
PARTNER_LENGTH, SECTOR_LENGTH, LONGEST_NAME = 12, 24, 300
DATASET_CODE, CURRENCY = re.compile(r"[A-Z][A-Z0-9_]{0,39}"), re.compile(r"[A-Z]{3}")

Notify = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How a table is imported.

    `partners` gives the codes of partners by the names in the table. With `backfill` values count as known from the day
    on which their month was due. With `force` last values far beyond those before them are accepted. Without `derive`
    a new dataset derives nothing, for its series do not add up.
    """

    layout: Layout = AS_IT_IS
    partners: Mapping[str, str] = field(default_factory=dict)
    backfill: bool = False
    force: bool = False
    derive: bool = True


PLAIN_IMPORT = ImportOptions()


@dataclass(frozen=True, slots=True)
class Imported:
    """The appended observations, and a summary in sentences."""

    appended: Appended
    summary: tuple[str, ...]


def import_table(
    session: Session,
    table: pd.DataFrame,
    *,
    dataset: str,
    today: date,
    options: ImportOptions = PLAIN_IMPORT,
    create: DatasetDefinition | None = None,
    ask: Ask | None = None,
    notify: Notify = lambda _: None,
) -> Imported:
    """Import a table into a dataset, all of it or nothing; `create` defines a dataset that may not exist yet.

    A dataset whose first table has no World series derives its total as the sum of the partners. The caller commits.
    Raises TableError, BadDefinition, UnknownPartnerName, UnknownDataset, UnknownPartner, BadObservations, NotDerivable.
    """
    stored = {record.code for record in catalog.partners(session).rows}
    read = read_observations(table, options.layout, today=today, partners=options.partners, codes=stored, ask=ask)
    exists = dataset in {record.id for record in catalog.datasets(session)}
    if create is not None and exists:
        notify(f"{dataset} exists and keeps its definition")
    elif create is not None:
        add_dataset(session, with_totals(create, read) if options.derive else create)
    found = catalog.dataset(session, dataset)
    dialect = options.layout.dialect
    frame = check_observations(read.frame, today=today, negative=found.allows_negative, dialect=dialect)
    frame = _continuous(frame, options, notify)
    refuse_new_jumps(session, dataset, frame, force=options.force, notify=notify)
    if options.backfill:
        frame = known_when_due(session, frame, dataset, today)
    appended = observation_writes.append(
        session, dataset=dataset, frame=frame, vintage=today, backfilled=options.backfill
    )
    parts = [part for part, whole in wholes_of_partners(session, dataset).items() if whole == TOTAL_PARTNER]
    summary = summary_lines(found, frame, read, parts=parts, backfill=options.backfill)
    return Imported(appended, summary)


def with_totals(definition: DatasetDefinition, read: ReadTable) -> DatasetDefinition:
    """The definition with what has to be derived: the world's total where it is not given, and then sector totals.

    Of a single partner no total is derived: it would say no more, under the name of the world.

    Raises BadDefinition where the rest of the world is to be derived without a World series.
    """
    has_world = (read.frame["partner"] == TOTAL_PARTNER).any()
    sectors = set(read.frame["sector"].astype(str))
    if definition.derives_rest and not has_world:
        reason = "the table has no World series (partner WLD) that the listed partners could be subtracted from"
        raise BadDefinition("derive rest", definition.id, reason)
    derives_total = not has_world and read.frame["partner"].nunique() > 1
    sums_sectors = derives_total and TOTAL_SECTOR not in sectors and len(sectors) > 1
    return replace(definition, derives_total=derives_total, derives_rest=definition.derives_rest or sums_sectors)


def add_dataset(
    session: Session,
    definition: DatasetDefinition,
    *,
    partners: Mapping[str, str] | None = None,
    sectors: Mapping[str, str] | None = None,
) -> None:
    """Add a dataset, and partners and sectors of its own by code and name; what exists stays as it is.

    Raises BadDefinition, UnknownPartner.
    """
    check_definition(definition)
    add_codes(session)
    add_own_codes(session, partners=partners or {}, sectors=sectors or {})
    catalog.add_dataset(session, **asdict(definition))


def add_own_codes(session: Session, *, partners: Mapping[str, str], sectors: Mapping[str, str]) -> None:
    """Register additional partners and sectors, by code and name."""
    catalog.add_partners(session, [PartnerRecord(code, name, False) for code, name in partners.items()])
    catalog.add_sectors(session, [SectorRecord(code, name, OWN_CLASSIFICATION) for code, name in sectors.items()])


def check_own_codes(*, partners: Mapping[str, str], sectors: Mapping[str, str]) -> None:
    """Raise BadDefinition for codes or names that the store cannot hold."""
    for kind, codes, longest in (("partner", partners, PARTNER_LENGTH), ("sector", sectors, SECTOR_LENGTH)):
        for code, name in codes.items():
            if not re.fullmatch(rf"[A-Za-z0-9_.-]{{1,{longest}}}", code):
                raise BadDefinition(kind, code[:40], f"is not a code of at most {longest} characters")
            if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
                raise BadDefinition(kind, code, f"its name has 1 to {LONGEST_NAME} printable characters")


def add_codes(session: Session) -> None:
    """Register the bundled partners, groups and sectors."""
    partners = bundled.codes("partners")
    is_group = partners["is_group"] == "true"
    catalog.add_partners(session, map(PartnerRecord, partners["code"], partners["name"], is_group.tolist()))
    catalog.add_members(session, bundled.groups())
    sectors = bundled.codes("sectors")
    rows = sectors[list(SectorRecord._fields)].replace("", None).itertuples(index=False)
    catalog.add_sectors(session, (SectorRecord(*row) for row in rows))


def check_definition(definition: DatasetDefinition) -> None:
    """Raise BadDefinition unless the store can hold such a dataset."""
    if not DATASET_CODE.fullmatch(definition.id):
        reason = "a code is of capital letters, digits and _, begins with a letter, and has 40 characters at most"
        raise BadDefinition("dataset", definition.id, reason)
    if not CURRENCY.fullmatch(definition.currency):
        raise BadDefinition("currency", definition.currency, "a currency is three capital letters, such as USD")
    if not 1 <= definition.release_day <= 28:
        raise BadDefinition("release day", definition.release_day, "it is 1 to 28, a day that every month has")


def known_when_due(session: Session, frame: pd.DataFrame, dataset: str, today: date) -> pd.DataFrame:
    """Values without a vintage count as known from the day their month was due, or from today if that is in future."""
    due = releases.planned_days(session, dataset, frame["month"].to_numpy())
    due = np.minimum(due, np.datetime64(today)).astype("datetime64[ns]")
    return frame.assign(vintage=frame["vintage"].fillna(pd.Series(due, index=frame.index)))


def _continuous(frame: pd.DataFrame, options: ImportOptions, notify: Notify) -> pd.DataFrame:
    """The observations sorted, from each series' last gap on where that is asked for."""
    frame = frame.sort_values([*SERIES_COLUMNS, "month", "vintage"], kind="stable")
    if not options.layout.after_gaps:
        return frame
    return after_last_gap(frame, keys=SERIES_COLUMNS, month="month", months="months", notify=notify)


def refuse_new_jumps(
    session: Session, dataset: str, frame: pd.DataFrame, *, force: bool, notify: Notify = lambda _: None
) -> None:
    """Raise BadRows for a new last value that is far beyond those before it, stored or sent, unless forced."""
    columns = [*SERIES_COLUMNS, "month", "value"]
    start = frame["month"].min() - pd.DateOffset(months=LOOK_BACK)
    stored = observations.values_since(session, dataset, start.date())
    sent = frame[columns].drop_duplicates(columns[:-1], keep="last")
    known = stored[columns].set_axis([-1] * len(stored))
    both = pd.concat([known, sent]) if len(known) else sent
    both = both.drop_duplicates(columns[:-1], keep="last").sort_values(columns[:-1], kind="stable")
    last = both.groupby(SERIES_COLUMNS, sort=False)["month"].transform("max") == both["month"]
    newest = both[last.to_numpy()]
    touched = pd.MultiIndex.from_frame(newest.loc[newest.index != -1, SERIES_COLUMNS])
    both = both[pd.MultiIndex.from_frame(both[SERIES_COLUMNS]).isin(touched)]
    faults = Faults()
    refuse_jumps(both, keys=SERIES_COLUMNS, month="month", value="value", faults=faults, force=force, notify=notify)
    faults.stop()
