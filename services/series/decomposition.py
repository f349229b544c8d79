"""Decomposition of series into trend, season, calendar and residual, month by month."""

from collections.abc import Sequence
from itertools import repeat
from typing import Any

from sqlmodel import Session

from forecasting.data.months import month_number, month_text
from services.series.series_paths import cutoff_number
from store.models import ResolvedSeries
from store.queries import decompositions
from store.queries.decompositions import DecomposedSeries
from store.queries.runs import PublishedRunRecord

SHARES = ("season", "calendar", "rest")


def component_months(
    session: Session, run: PublishedRunRecord, selected: Sequence[ResolvedSeries]
) -> list[list[dict[str, Any]]]:
    """Rows month, ahead, trend, season, calendar, rest of each series: the trend in its unit, the others in per cent.

    A series that the run did not decompose has no rows: groups, balances, short series and those that reach zero.
    """
    ids = [resolved.parts[0].series_id for resolved in selected if not resolved.derived]
    found = decompositions.of_series(session, run.id, ids)
    cutoff = cutoff_number(run)
    parts = (None if resolved.derived else found.get(resolved.parts[0].series_id) for resolved in selected)
    return [[] if decomposed is None else _months(decomposed, cutoff) for decomposed in parts]


def _months(decomposed: DecomposedSeries, cutoff: int) -> list[dict[str, Any]]:
    first = month_number(decomposed.start.year, decomposed.start.month)
    shares = [decomposed.values.get(name) or repeat(None) for name in SHARES]
    return [
        {
            "month": month_text(first + place),
            "ahead": first + place > cutoff,
            "trend": trend,
            **{name: None if share is None else 100 * share for name, share in zip(SHARES, parts, strict=True)},
        }
        for place, (trend, *parts) in enumerate(zip(decomposed.values["trend"], *shares, strict=False))
        if trend is not None
    ]
