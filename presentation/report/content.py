"""What a report on a run holds, as blocks: summary, forecasts, record, and an appendix of every series."""

from typing import Any, NamedTuple

from sqlmodel import Session

from forecasting.analysis.periods import periods_ahead
from forecasting.config import BASELINE, COMBINATION
from presentation import formatting
from presentation.charts.heat_map import small_multiples
from presentation.sections.backtest import score_blocks
from presentation.sections.folds import worst_misses
from presentation.sections.forecast import monthly_fan
from presentation.sections.headline import headline
from presentation.sections.partner_sector_grid import multiples, partners_shown, short_name
from presentation.sections.section import Section, figure, in_unit, text
from services.backtest_summary import read_record
from services.catalog_cache import CatalogCache
from services.period_summary import outcome
from services.published_run import PublishedRun, citation, open_run
from store.models import TOTAL_SECTOR
from store.queries import backtests, runs

LEVEL, YEARS_SHOWN, PANELS = 80.0, 8, 12


class Report(NamedTuple):
    """A report: the run it is about, its headline, its blocks by chapter, and how to cite it."""

    desk: PublishedRun
    headline: dict[str, Any]
    summary: list[Section]
    forecasts: list[Section]
    record: list[Section]
    appendix: list[Section]
    citation: str
    failures: int

    @property
    def blocks(self) -> list[Section]:
        """Every block in order."""
        return [*self.summary, *self.forecasts, *self.record, *self.appendix]


def read_report(session: Session, catalogs: CatalogCache, run_id: int) -> Report:
    """Everything a report on a published run says. Raises UnknownRun, RunNotPublished."""
    run = runs.find(session, run_id)
    desk = open_run(session, catalogs, run.dataset_id, run_id)
    told = headline(desk)
    totals = [desk.main(flow) for flow in desk.flows]
    ids = sorted({part.series_id for one in totals if not one.derived for part in one.parts})
    record = score_blocks(desk, read_record(desk, ids, "month"), kind="month", api=_scores_of(desk))
    every = sorted({one.id for one in desk.catalog.series})
    return Report(
        desk=desk,
        headline=told,
        summary=[_outcomes(desk), *told["blocks"][1:]],
        forecasts=[_forecast(desk, flow) for flow in desk.flows],
        record=[*record, worst_misses(desk, every, asked="")],
        appendix=[*_panels(desk), _every_series(desk)],
        citation=citation(desk, desk.dataset.title, f"/v1/runs/{run_id}"),
        failures=len(run.failures),
    )


def _scores_of(desk: PublishedRun) -> str:
    return f"/v1/datasets/{desk.dataset.id}/backtests?run={desk.run.id}&partner=WLD&sector=TOTAL&kind=month"


def _outcomes(desk: PublishedRun) -> Section:
    """The next month and every calendar year, for every flow."""
    spans = [*periods_ahead(desk.last, 1, "M"), *periods_ahead(desk.last, desk.run.horizon, "A")]
    rows = []
    for flow in desk.flows:
        one = desk.main(flow)
        (series_paths,) = desk.read_paths([one])
        for span in spans:
            found = outcome(series_paths, span, level=LEVEL)
            rows.append(
                {
                    "series": desk.name(one),
                    "period": span.label,
                    "median": found.level.median,
                    "lo": found.level.lo,
                    "hi": found.level.hi,
                    "growth": found.growth.median,
                    "growth_lo": found.growth.lo,
                    "growth_hi": found.growth.hi,
                    "above_year_ago": found.above_year_ago,
                }
            )
    show = in_unit(desk.unit)
    columns = [
        text("series", "Series"),
        text("period", "Period", formatting.period_name),
        figure("median", f"Expected ({desk.unit})", show),
        figure("lo", "80 % from", show),
        figure("hi", "80 % to", show),
        figure("growth", "On a year ago (per cent)", formatting.per_cent_change),
        figure("growth_lo", "80 % from (per cent)", formatting.per_cent_change),
        figure("growth_hi", "80 % to (per cent)", formatting.per_cent_change),
        figure("above_year_ago", "Chance to exceed the year before", formatting.share),
    ]
    return Section("summary", "Summary", columns, rows)


def _forecast(desk: PublishedRun, flow: str) -> Section:
    """One flow's total by month."""
    one = desk.main(flow)
    (series_paths,) = desk.read_paths([one], years=YEARS_SHOWN)
    return monthly_fan(desk, one, series_paths, name=f"forecast-{flow}", years=YEARS_SHOWN)


def _panels(desk: PublishedRun) -> list[Section]:
    """Every partner's little fan, a dozen to a picture, for a dataset that has partners."""
    partners = sorted(partners_shown(desk, "countries", ""), key=lambda code: short_name(desk, code))
    if len(partners) < 2:
        return []
    found = []
    flow = desk.flows[0]
    for start in range(0, len(partners), PANELS):
        shown = partners[start : start + PANELS]
        rows = multiples(desk, flow, TOTAL_SECTOR, shown)
        names = [short_name(desk, code) for code in shown]
        title = f"{formatting.FLOW_NAMES[flow].capitalize()}, {names[0]} to {names[-1]}"
        spec = small_multiples(rows, order=names) if rows else None
        note = f"{desk.unit} a month, each on a scale of its own."
        found.append(Section(f"panels-{start}", title, [], [], spec=spec, note=note))
    return found


def _every_series(desk: PublishedRun) -> Section:
    """A row a stored series: its next month, its year, its growth, and how it did."""
    chosen = desk.catalog.stored
    months, years = periods_ahead(desk.last, 1, "M"), periods_ahead(desk.last, desk.run.horizon, "A")
    ids = [one.parts[0].series_id for one in chosen]
    scores = backtests.scores(
        desk.session, desk.run.id, ids, by="series", kind="month", forecaster=COMBINATION, baseline=BASELINE
    )
    record = {(row.series_id, row.metric, row.level): row for row in scores}
    rows = []
    for one, series_paths in zip(chosen, desk.read_paths(chosen, years=3), strict=True):
        month, number = outcome(series_paths, months[0], level=LEVEL), one.parts[0].series_id
        year = outcome(series_paths, years[0], level=LEVEL) if years else None
        mase, held = record.get((number, "mase", 0.0)), record.get((number, "coverage", LEVEL))
        rows.append(
            {
                "unique_id": one.unique_id,
                "series": desk.name(one),
                "month": month.level.median,
                "month_lo": month.level.lo,
                "month_hi": month.level.hi,
                "year": year.level.median if year else None,
                "year_growth": year.growth.median if year else None,
                "mase": mase.value if mase else None,
                "mase_baseline": mase.baseline if mase else None,
                "coverage": held.value if held else None,
            }
        )
    columns = _series_columns(desk, months[0].label, years[0].label if years else "")
    return Section("series", "Every series", columns, rows)


def _series_columns(desk: PublishedRun, month: str, year: str) -> list[Any]:
    show = in_unit(desk.unit)
    when = formatting.month_name(month)
    return [
        text("series", "Series"),
        text("unique_id", "unique_id"),
        figure("month", f"{when} ({desk.unit})", show),
        figure("month_lo", "80 % from", show),
        figure("month_hi", "80 % to", show),
        figure("year", f"{year} ({desk.unit})", show),
        figure("year_growth", f"{year} on the year before (per cent)", formatting.per_cent_change),
        figure("mase", "MASE", formatting.ratio),
        figure("mase_baseline", "MASE of last year’s value", formatting.ratio),
        figure("coverage", "80 % held", formatting.share_of),
    ]
