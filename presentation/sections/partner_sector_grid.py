"""Partners by sectors over one period: growth, or contributions to the growth of the total."""

from collections.abc import Sequence
from math import isfinite
from typing import Any, Literal, NamedTuple

from forecasting.analysis.period_draws import SeriesPaths
from forecasting.analysis.periods import Period, periods_ahead
from forecasting.data.months import MONTHS_PER_YEAR
from services.forecasts.period_summary import period_rows
from services.runs.published_run import PublishedRun, iso_day
from store.models import REST_PARTNER, TOTAL_PARTNER, TOTAL_SECTOR, ResolvedSeries

Measure = Literal["pc1", "contribution"]
Which = Literal["countries", "groups", "all"]
LEVEL, YEARS_READ = 80.0, 3
EDGES: dict[Measure, tuple[float, float, float]] = {"pc1": (2, 10, 30), "contribution": (0.05, 0.3, 1)}


class Cell(NamedTuple):
    """One series over one period: the measure's median and interval, and the level of the period."""

    partner: str
    sector: str
    value: float | None
    lo: float | None
    hi: float | None
    level: float


class Grid(NamedTuple):
    """Cells of one period by partner and sector."""

    span: Period
    cells: dict[tuple[str, str], Cell]


def periods_of(published: PublishedRun) -> list[Period]:
    """Periods to choose from: calendar years within the horizon, and the next twelve months."""
    ahead = min(MONTHS_PER_YEAR, published.run.horizon)
    return [
        *periods_ahead(published.last, published.run.horizon, "A"),
        Period(published.last + 1, published.last + ahead, "span"),
    ]


def read_grid(published: PublishedRun, flow: str, span: Period, measure: Measure) -> Grid:
    """Every partner and group in every sector."""
    partners = [*published.catalog.codes[1], *published.catalog.members]
    chosen = published.catalog.choose(flows=[flow], partners=partners, sectors=None)
    all_paths = published.read_paths(chosen, years=YEARS_READ)
    # Growth needs the series alone; a contribution is to the growth of the total.
    total = next((paths for series, paths in zip(chosen, all_paths, strict=True) if _is_total(series)), None)
    whole = total if measure == "contribution" else None
    if measure == "contribution" and total is None:
        return Grid(span, {})
    cells = [_cell(series, paths, span, measure, whole) for series, paths in zip(chosen, all_paths, strict=True)]
    return Grid(span, {(cell.partner, cell.sector): cell for cell in cells})


def partners_shown(published: PublishedRun, which: Which, q: str) -> list[str]:
    """Codes of partners of a kind whose code or name contains `q`."""
    single = list(published.catalog.codes[1])
    kinds = {
        "countries": single,
        "groups": [TOTAL_PARTNER, *published.catalog.members],
        "all": [*single, *published.catalog.members],
    }
    wanted = q.strip().casefold()
    return [code for code in kinds[which] if wanted in f"{code} {published.catalog.partners.get(code, '')}".casefold()]


def sorted_partners(
    grid: Grid, published: PublishedRun, partners: Sequence[str], *, sort: str, descending: bool, by_size: bool
) -> list[str]:
    """Partners sorted by name, size, or the measure in the sector `sort`; the world total is always first."""
    names = {code: published.partner_name(code) for code in partners}
    kept = [code for code in partners if any(partner == code for partner, _ in grid.cells)]

    def rank(code: str) -> Any:
        if sort == "partner":
            return names[code]
        cell = grid.cells.get((code, TOTAL_SECTOR if by_size else sort))
        value = None if cell is None else cell.level if by_size else cell.value
        return float("-inf") if value is None else value

    ordered = sorted(sorted(kept, key=names.__getitem__), key=rank, reverse=descending)
    return sorted(ordered, key=lambda code: code != TOTAL_PARTNER)


def multiples(published: PublishedRun, flow: str, sector: str, partners: Sequence[str]) -> list[dict[str, Any]]:
    """Observations of the last three years and monthly forecasts of some partners in one sector."""
    chosen = [series for code in partners for series in _existing(published, flow, code, sector)]
    rows = []
    for series, series_paths in zip(chosen, published.read_paths(chosen, years=YEARS_READ), strict=True):
        name = published.partner_label(series.partner)
        for place, value in enumerate(series_paths.observed.tolist()):
            if isfinite(value):
                rows.append({"partner": name, "month": iso_day(series_paths.start + place), "value": value})
        # The fan opens at the last observation.
        if rows and "value" in rows[-1]:
            last = rows[-1]["value"]
            rows[-1] |= {"median": last, "lo": last, "hi": last}
        for row in period_rows(series_paths, periods_ahead(published.last, published.run.horizon, "M"), "lin", [LEVEL]):
            rows.append(
                {
                    "partner": name,
                    "month": iso_day(row["last"]),
                    "median": row["median"],
                    "lo": row["lo_80"],
                    "hi": row["hi_80"],
                }
            )
    return rows


def is_country(code: str) -> bool:
    """Whether a partner is a country: neither the world nor the rest of the world."""
    return code not in (TOTAL_PARTNER, REST_PARTNER)


def sectors_of(published: PublishedRun) -> list[str]:
    """Codes of the total, then of the sectors by name."""
    return sorted(published.catalog.valued, key=lambda code: (code != TOTAL_SECTOR, published.catalog.sectors[code]))


def read_label(text: str | None, spans: Sequence[Period]) -> Period:
    """The span with a label, or the first span."""
    return next((span for span in spans if span.label == text), spans[0])


def _existing(published: PublishedRun, flow: str, partner: str, sector: str) -> Sequence[ResolvedSeries]:
    place = (flow, partner, sector)
    return (
        [published.choose(*place)] if place in published.catalog.places or partner in published.catalog.members else []
    )


def _is_total(series: ResolvedSeries) -> bool:
    return (series.partner, series.sector) == (TOTAL_PARTNER, TOTAL_SECTOR)


def _cell(
    series: ResolvedSeries, series_paths: SeriesPaths, span: Period, measure: Measure, whole: SeriesPaths | None
) -> Cell:
    found = period_rows(series_paths, [span], measure, [LEVEL], whole)
    level = period_rows(series_paths, [span], "lin", [LEVEL])
    row: dict[str, Any] = found[0] if found else {}
    size = level[0]["median"] if level else 0.0
    return Cell(series.partner, series.sector, row.get("median"), row.get("lo_80"), row.get("hi_80"), size)
