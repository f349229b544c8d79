"""Series that a publisher leaves to be derived: remainder partners of the world and of groups, and sector totals."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from store.errors import NotDerivable
from store.models import TOTAL_PARTNER, TOTAL_SECTOR
from store.queries.partner_wholes import remainder_of

POINT = ["flow", "month", "vintage"]
COLUMNS = [*POINT, "partner", "sector", "value", "months", "status", "backfilled"]
MOST_DECIMALS = 9
PATIENCE = 12


def remainders_and_totals(
    published: pd.DataFrame, *, dataset: str, wholes: Mapping[str, str], negative: bool = False
) -> pd.DataFrame:
    """The remainder partner of each whole and sector TOTAL of each partner, for points that are complete.

    `published` holds COLUMNS, one row for each published series as known at a point: a flow's month and vintage; a
    value is NaN where a series has none yet. `wholes` gives the whole of each partner: a published group, or WLD. A
    remainder is the whole minus its listed parts, computed in the decimals that are published, so that parts and
    whole add up exactly. Totals are derived only where the publisher gives sectors and no total.
    Raises NotDerivable where the parts exceed their whole, unless values may be `negative`.
    """
    known = published[published["value"].notna()]
    decimals = _decimals(known["value"].to_numpy())
    found = [
        _remainder(published, whole, wholes, decimals, None if negative else dataset)
        for whole in sorted({*wholes.values()})
    ]
    rest = pd.concat([published.iloc[:0], *found], ignore_index=True)
    if (published["sector"] == TOTAL_SECTOR).all():
        return rest[COLUMNS]
    both = pd.concat([published, rest], ignore_index=True)
    totals = _combined(both, [*POINT, "partner"], decimals).assign(sector=TOTAL_SECTOR)
    return pd.concat([rest, totals], ignore_index=True)[COLUMNS]


def sums_of_partners(published: pd.DataFrame, *, wholes: Mapping[str, str], spans: pd.DataFrame) -> pd.DataFrame:
    """Partner WLD as the sum of a dataset's partners by sector, where its publisher gives no total of the world.

    `published` and `wholes` as for `remainders_and_totals`; `spans` holds flow, partner, sector and the first and last
    month of each series. A partner counts as nothing before its first month, and after its last once that is more than
    PATIENCE months behind the newest of its flow; otherwise a sum waits for it, and is NaN.
    """
    parts = published[published["partner"].map(wholes) == TOTAL_PARTNER].merge(spans, on=["flow", "partner", "sector"])
    newest = parts["flow"].map(spans.groupby("flow")["last"].max())
    ended = parts["last"] < newest - pd.DateOffset(months=PATIENCE)
    due = (parts["month"] >= parts["first"]) & ((parts["month"] <= parts["last"]) | ~ended)
    decimals = _decimals(published.loc[published["value"].notna(), "value"].to_numpy())
    key = [*POINT, "sector"]
    complete = _combined(_typed(parts[due]), key, decimals)
    sums = parts.loc[due, key].drop_duplicates().merge(complete, on=key, how="left")
    return _typed(sums.assign(partner=TOTAL_PARTNER))[COLUMNS]


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows whose missing values have a status, so that the others can be combined."""
    known = rows["value"].notna().to_numpy()
    return rows.assign(
        status=np.where(known, rows["status"], "A"),
        months=np.where(known, rows["months"], 1).astype(int),
        backfilled=np.where(known, rows["backfilled"], False).astype(bool),
    )


def _remainder(
    published: pd.DataFrame, whole: str, wholes: Mapping[str, str], decimals: int, dataset: str | None
) -> pd.DataFrame:
    key = [*POINT, "sector"]
    is_part = published["partner"].map(wholes) == whole
    totals = published[(published["partner"] == whole) & published["value"].notna()]
    listed = _combined(published[is_part], key, decimals)
    both = totals.merge(listed, on=key, suffixes=("", "_listed"))
    rest = both.assign(partner=remainder_of(whole), value=(both["value"] - both["value_listed"]).round(decimals) + 0.0)
    rest = rest[rest["months"] == rest["months_listed"]]
    below = rest[rest["value"] < 0]
    if len(below) and dataset is not None:
        first = below.iloc[0]
        raise NotDerivable(dataset, first["sector"], f"{first['month']:%Y-%m}", first["value"], whole)
    return rest.assign(
        status=rest["status"].where(rest["status"] != "A", rest["status_listed"]),
        backfilled=rest["backfilled"] | rest["backfilled_listed"],
    )[COLUMNS]


def _combined(parts: pd.DataFrame, key: list[str], decimals: int) -> pd.DataFrame:
    """The sums of groups of rows of which none is missing a value, and which all hold as many months."""
    summed = parts.groupby(key, sort=False, as_index=False).agg(
        value=("value", "sum"),
        known=("value", "count"),
        wanted=("value", "size"),
        months=("months", "max"),
        fewest=("months", "min"),
        status=("status", "max"),
        backfilled=("backfilled", "max"),
    )
    whole = summed[(summed["known"] == summed["wanted"]) & (summed["months"] == summed["fewest"])]
    return whole.assign(value=whole["value"].round(decimals)).drop(columns=["known", "wanted", "fewest"])


def _decimals(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> int:
    """The decimals to which the values are published."""
    exact = (places for places in range(MOST_DECIMALS) if np.array_equal(np.round(values, places), values))
    return next(exact, MOST_DECIMALS)
