"""Summary of an import, in sentences: series, span, gaps, recognised partners, and sums."""

from collections.abc import Collection, Iterable, Iterator

import pandas as pd

from services.datasets.table_columns import ReadTable
from store.models import TOTAL_PARTNER, TOTAL_SECTOR
from store.queries.catalog import DatasetRecord

FLOW_NAMES = {"X": "exports", "M": "imports"}
SHOWN, TOLERANCE = 8, 0.0005


def summary_lines(
    dataset: DatasetRecord, frame: pd.DataFrame, read: ReadTable, *, parts: Collection[str], backfill: bool
) -> tuple[str, ...]:
    """The summary of observations as checked by `tables.check_observations`; `parts` are parts of the world."""
    return tuple(_lines(dataset, frame, read, parts, backfill=backfill))


def _lines(
    dataset: DatasetRecord, frame: pd.DataFrame, read: ReadTable, parts: Collection[str], *, backfill: bool
) -> Iterator[str]:
    series = frame.drop_duplicates(["flow", "partner", "sector"])
    yield f"{dataset.id}: {len(frame):,} observations of {len(series)} series in {dataset.unit}"
    for flow, part in frame.groupby("flow"):
        months = part["month"]
        partners, sectors = part["partner"].unique(), part["sector"].unique()
        yield (
            f"{FLOW_NAMES[str(flow)]}: {months.min():%Y-%m} to {months.max():%Y-%m}, "
            f"{len(partners)} partners ({_shown(partners)}), {len(sectors)} sectors ({_shown(sectors)})"
        )
        yield from _sums(dataset, str(flow), part, parts)
    yield from read.notes
    if read.partners:
        yield "partners read by name: " + _shown([f"{name} = {code}" for name, code in read.partners.items()])
    if backfill:
        yield "known from the day each month was due (backfilled)"


def _sums(dataset: DatasetRecord, flow: str, part: pd.DataFrame, parts: Collection[str]) -> Iterator[str]:
    """The sum of the partners of a flow, beside its World series."""
    sector = TOTAL_SECTOR if (part["sector"] == TOTAL_SECTOR).any() else str(part["sector"].iloc[0])
    newest = part[part["sector"] == sector].drop_duplicates(["partner", "month"], keep="last")
    values = newest.pivot_table(index="month", columns="partner", values="value")
    if TOTAL_PARTNER not in values:
        if dataset.derives_total:
            yield f"{FLOW_NAMES[flow]}: no World series, so the total is the sum of the partners"
        return
    listed = values[[name for name in values.columns if name in parts]]
    if not listed.shape[1]:
        return
    share = (listed.sum(axis="columns") / values[TOTAL_PARTNER]).dropna()
    over = share[share > 1 + TOLERANCE]
    rest = ", the rest is derived (RST)" if dataset.derives_rest else ""
    yield f"{FLOW_NAMES[flow]}: the listed partners are {share.min():.0%} to {share.max():.0%} of the World{rest}"
    if len(over):
        yield f"{FLOW_NAMES[flow]}: they exceed the World in {len(over)} months, first in {over.index[0]:%Y-%m}"


def _shown(names: Iterable[object]) -> str:
    texts = list(map(str, names))
    return ", ".join(texts[:SHOWN]) + (f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else "")
