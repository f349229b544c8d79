"""Series taken apart, month by month, as answers and pages tell it."""

from collections.abc import Sequence
from itertools import repeat
from typing import Any

from sqlmodel import Session

from forecasting.data.months import month_number, month_text
from services.series_paths import cutoff_number
from store.models import ResolvedSeries
from store.queries import decompositions
from store.queries.decompositions import DecomposedSeries
from store.queries.runs import PublishedRunRecord

SHARES = ("season", "calendar", "rest")


def component_months(
    session: Session, run: PublishedRunRecord, chosen: Sequence[ResolvedSeries]
) -> list[list[dict[str, Any]]]:
    """Rows month, ahead, trend, season, calendar, rest of each series: the trend in its unit, the others in per cent.

    A series that the run did not take apart has none: sums are not, nor those that are short or reach zero.
    """
    ids = [one.parts[0].series_id for one in chosen if not one.derived]
    found = decompositions.of_series(session, run.id, ids)
    cutoff = cutoff_number(run)
    apart = (None if one.derived else found.get(one.parts[0].series_id) for one in chosen)
    return [[] if each is None else _months(each, cutoff) for each in apart]


def _months(apart: DecomposedSeries, cutoff: int) -> list[dict[str, Any]]:
    first = month_number(apart.start.year, apart.start.month)
    shares = [apart.values.get(name) or repeat(None) for name in SHARES]
    return [
        {
            "month": month_text(first + place),
            "ahead": first + place > cutoff,
            "trend": trend,
            **{name: None if share is None else 100 * share for name, share in zip(SHARES, parts, strict=True)},
        }
        for place, (trend, *parts) in enumerate(zip(apart.values["trend"], *shares, strict=False))
        if trend is not None
    ]
