"""First prints of periods: the sum of the values that were published first for each of their months."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from sqlmodel import Session

from forecasting.analysis.periods import Period
from forecasting.data.months import first_day, month_number
from store.models import ResolvedSeries
from store.queries.revisions import RevisionSelection, revisions

JOINED = 2
"""Months of a January and February published as one figure, at February."""


def first_prints(
    session: Session, series: ResolvedSeries, spans: Sequence[Period], *, as_of: date
) -> list[float | None]:
    """The first print of each period, in the dataset's unit; None where that of any of its months was not stored."""
    if not spans:
        return []
    months = min(span.first for span in spans), max(span.last for span in spans)
    known = _first_values(session, series, months, as_of)
    return [_signed_sum(series, known, span) for span in spans]


def _first_values(
    session: Session, series: ResolvedSeries, months: tuple[int, int], as_of: date
) -> Mapping[int, Mapping[tuple[int, int], float]]:
    """First prints of each stored series by last month and number of months, without backfilled ones."""
    ids = [part.series_id for part in series.parts]
    query = RevisionSelection(ids, first_day(months[0]), first_day(months[1]), as_of)
    limit = JOINED * len(ids) * (months[1] - months[0] + 1)
    found: dict[int, dict[tuple[int, int], float]] = defaultdict(dict)
    for row in revisions(session, query, limit=limit, offset=0).rows:
        if not row.backfilled:
            found[row.series_id][month_number(row.month.year, row.month.month), row.months] = row.first
    return found


def _signed_sum(
    series: ResolvedSeries, known: Mapping[int, Mapping[tuple[int, int], float]], span: Period
) -> float | None:
    sums = [_sum(known.get(part.series_id, {}), span) for part in series.parts]
    if any(value is None for value in sums):
        return None
    return sum(part.sign * value for part, value in zip(series.parts, sums, strict=True) if value is not None)


def _sum(known: Mapping[tuple[int, int], float], span: Period) -> float | None:
    """The sum over the months of a period, of which January and February may have one value."""
    total, month = 0.0, span.last
    while month >= span.first:
        months = JOINED if (month, JOINED) in known and month > span.first else 1
        value = known.get((month, months))
        if value is None:
            return None
        total, month = total + value, month - months
    return total
