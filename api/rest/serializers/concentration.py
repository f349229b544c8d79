"""Concentration in JSON."""

from collections.abc import Sequence

from api.rest.schemas.common import IntervalAnswer
from api.rest.schemas.concentration import (
    ConcentrationMonth,
    LargestPartAnswer,
    ObservedConcentration,
    TopShareAnswer,
)
from api.rest.serializers.forecasts import Layout, month_answer
from services.forecasts.forecasts import StepForecast
from services.partners.concentration import ConcentrationRow


def concentration_month(row: ConcentrationRow, layout: Layout) -> ConcentrationMonth:
    """A period ahead."""
    return {
        **month_answer(row.index, layout),
        "top": _top(row, layout.levels),
        "largest": _largest(row, layout.levels),
        "counted_share": row.counted,
    }


def observed_concentration(row: ConcentrationRow) -> ObservedConcentration:
    """An observed period, without intervals."""
    assert row.index.span is not None
    return {
        "period": row.index.span.label,
        "index": row.index.mean,
        "top": _top(row, ()),
        "largest": _largest(row, ()),
        "counted_share": row.counted,
    }


def _top(row: ConcentrationRow, levels: Sequence[float]) -> list[TopShareAnswer]:
    return [
        {"number": number, "share": share.mean, "intervals": _intervals(share, levels)}
        for number, share in row.top.items()
    ]


def _largest(row: ConcentrationRow, levels: Sequence[float]) -> list[LargestPartAnswer]:
    return [
        {
            "code": part.code,
            "name": part.name,
            "share": part.share.mean,
            "points": part.points,
            "intervals": _intervals(part.share, levels),
        }
        for part in row.largest
    ]


def _intervals(share: StepForecast, levels: Sequence[float]) -> list[IntervalAnswer]:
    bounds = share.bounds[: len(levels)]
    return [{"level": level, "lo": lo, "hi": hi} for level, (lo, hi) in zip(levels, bounds, strict=True)]
