"""Partners by sectors over one period: growth, or contributions to the growth of the total."""

from collections.abc import Sequence
from math import isfinite
from typing import Any, Literal, NamedTuple

from forecasting.analysis.period_draws import SeriesPaths
from forecasting.analysis.periods import Period, periods_ahead
from forecasting.data.months import MONTHS_PER_YEAR
from services.period_summary import rows_ahead
from services.published_run import PublishedRun, iso_day
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
    """Cells by partner and sector."""

    span: Period
    cells: dict[tuple[str, str], Cell]


def periods_of(desk: PublishedRun) -> list[Period]:
    """The next twelve months, and the calendar years that the run reaches the end of."""
    ahead = min(MONTHS_PER_YEAR, desk.run.horizon)
    return [*periods_ahead(desk.last, desk.run.horizon, "A"), Period(desk.last + 1, desk.last + ahead, "span")]


def read_grid(desk: PublishedRun, flow: str, span: Period, measure: Measure) -> Grid:
    """Every partner and group in every sector."""
    partners = [*desk.catalog.codes[1], *desk.catalog.members]
    chosen = desk.catalog.choose(flows=[flow], partners=partners, sectors=None)
    all_paths = desk.read_paths(chosen, years=YEARS_READ)
    # Growth is each series' own; a contribution is to the growth of everything.
    total = next((series_paths for one, series_paths in zip(chosen, all_paths, strict=True) if _is_total(one)), None)
    whole = total if measure == "contribution" else None
    if measure == "contribution" and total is None:
        return Grid(span, {})
    cells = [
        _cell(one, series_paths, span, measure, whole) for one, series_paths in zip(chosen, all_paths, strict=True)
    ]
    return Grid(span, {(cell.partner, cell.sector): cell for cell in cells})


def partners_shown(desk: PublishedRun, which: Which, q: str) -> list[str]:
    """Partners of a kind whose code or name holds `q`."""
    single = list(desk.catalog.codes[1])
    kinds = {
        "countries": single,
        "groups": [TOTAL_PARTNER, *desk.catalog.members],
        "all": [*single, *desk.catalog.members],
    }
    wanted = q.strip().casefold()
    return [code for code in kinds[which] if wanted in f"{code} {desk.catalog.partners.get(code, '')}".casefold()]


def sorted_partners(
    grid: Grid, desk: PublishedRun, partners: Sequence[str], *, sort: str, descending: bool, by_size: bool
) -> list[str]:
    """Partners by name, by size, or by the measure in the sector `sort`; the world is always first."""
    names = {code: short_name(desk, code) for code in partners}
    kept = [code for code in partners if any(partner == code for partner, _ in grid.cells)]

    def rank(code: str) -> Any:
        if sort == "partner":
            return names[code]
        cell = grid.cells.get((code, TOTAL_SECTOR if by_size else sort))
        value = None if cell is None else cell.level if by_size else cell.value
        return float("-inf") if value is None else value

    ordered = sorted(sorted(kept, key=names.__getitem__), key=rank, reverse=descending)
    return sorted(ordered, key=lambda code: code != TOTAL_PARTNER)


def multiples(desk: PublishedRun, flow: str, sector: str, partners: Sequence[str]) -> list[dict[str, Any]]:
    """The past three years and the months ahead of some partners in one sector."""
    chosen = [one for code in partners for one in _existing(desk, flow, code, sector)]
    rows = []
    for one, series_paths in zip(chosen, desk.read_paths(chosen, years=YEARS_READ), strict=True):
        name = short_name(desk, one.partner)
        for place, value in enumerate(series_paths.observed.tolist()):
            if isfinite(value):
                rows.append({"partner": name, "month": iso_day(series_paths.start + place), "value": value})
        # The fan opens at the last observation.
        if rows and "value" in rows[-1]:
            last = rows[-1]["value"]
            rows[-1] |= {"median": last, "lo": last, "hi": last}
        for row in rows_ahead(series_paths, periods_ahead(desk.last, desk.run.horizon, "M"), "lin", [LEVEL]):
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


def short_name(desk: PublishedRun, code: str) -> str:
    """A partner's name, without the members of a group."""
    return desk.catalog.partners[code].split(" (")[0]


def is_country(code: str) -> bool:
    """Neither the world nor what is left of it."""
    return code not in (TOTAL_PARTNER, REST_PARTNER)


def sectors_of(desk: PublishedRun) -> list[str]:
    """The total, then sectors by name."""
    return sorted(desk.catalog.codes[2], key=lambda code: (code != TOTAL_SECTOR, desk.catalog.sectors[code]))


def read_label(text: str | None, spans: Sequence[Period]) -> Period:
    """The span of a label, or the first."""
    return next((span for span in spans if span.label == text), spans[0])


def _existing(desk: PublishedRun, flow: str, partner: str, sector: str) -> Sequence[ResolvedSeries]:
    place = (flow, partner, sector)
    return [desk.choose(*place)] if place in desk.catalog.places or partner in desk.catalog.members else []


def _is_total(one: ResolvedSeries) -> bool:
    return (one.partner, one.sector) == (TOTAL_PARTNER, TOTAL_SECTOR)


def _cell(
    one: ResolvedSeries, series_paths: SeriesPaths, span: Period, measure: Measure, whole: SeriesPaths | None
) -> Cell:
    found = rows_ahead(series_paths, [span], measure, [LEVEL], whole)
    level = rows_ahead(series_paths, [span], "lin", [LEVEL])
    row: dict[str, Any] = found[0] if found else {}
    size = level[0]["median"] if level else 0.0
    return Cell(one.partner, one.sector, row.get("median"), row.get("lo_80"), row.get("hi_80"), size)
