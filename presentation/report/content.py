"""Content of a report on a run: summary, forecasts, forecast record, and an appendix of every series."""

from typing import Any, NamedTuple

import numpy as np
from sqlmodel import Session

from forecasting.analysis.periods import periods_ahead
from forecasting.config import BASELINE, COMBINATION
from forecasting.data.months import MONTHS_PER_YEAR, month_text
from presentation import formatting, links
from presentation.charts.heat_map import small_multiples
from presentation.sections.backtest import score_sections
from presentation.sections.folds import largest_misses
from presentation.sections.forecast import monthly_fan
from presentation.sections.headline import headline
from presentation.sections.partner_sector_grid import multiples, partners_shown
from presentation.sections.section import Section, figure, in_unit, text
from services.backtests.backtest_summary import read_scores
from services.forecasts.period_summary import summarise_period
from services.runs.published_run import PublishedRun, citation, open_run
from services.series.catalog_cache import CatalogCache
from store.models import TOTAL_PARTNER, TOTAL_SECTOR
from store.queries import backtests, runs

LEVEL, YEARS_SHOWN, PANELS, YEARS_BY_MONTH = 80.0, 8, 12, 3


class Chapter(NamedTuple):
    """A chapter of a report: its heading and its sections."""

    heading: str
    sections: list[Section]


class Report(NamedTuple):
    """A report on a run: its headline, its sections by chapter, and its citation."""

    published: PublishedRun
    headline: dict[str, Any]
    summary: list[Section]
    forecasts: list[Section]
    record: list[Section]
    appendix: list[Section]
    months: Section
    citation: str
    failures: int

    @property
    def chapters(self) -> list[Chapter]:
        """The sections of a document, by chapter."""
        return [
            Chapter("Summary", self.summary),
            Chapter("Forecasts", self.forecasts),
            Chapter("Forecast accuracy", self.record),
            Chapter("Every series", self.appendix),
        ]

    @property
    def sections(self) -> list[Section]:
        """Every section of the workbook, in order; `months` is too wide for a page."""
        return [*self.summary, *self.forecasts, *self.record, *self.appendix, self.months]


def read_report(session: Session, catalogs: CatalogCache, run_id: int) -> Report:
    """The content of a report on a published run. Raises UnknownRun, RunNotPublished."""
    run = runs.find(session, run_id)
    published = open_run(session, catalogs, run.dataset_id, run_id)
    head = headline(published)
    totals = [published.main(flow) for flow in published.flows]
    stored = [series for series in totals if not series.derived]
    api = links.api_backtests(run.dataset_id, run=run_id, partner=TOTAL_PARTNER, sector=TOTAL_SECTOR, kind="month")
    record = score_sections(read_scores(published, stored, "month"), kind="month", unit=published.unit, api=api)

    return Report(
        published=published,
        headline=head,
        summary=[_summary(published), *head["sections"][1:]],
        forecasts=[_forecast(published, flow) for flow in published.flows],
        record=[*record, largest_misses(published, published.catalog.stored_values)],
        appendix=[*_panels(published), _every_series(published)],
        months=_by_month(published),
        citation=citation(published, published.dataset.title, links.api_run(run_id)),
        failures=len(run.failures),
    )


def _summary(published: PublishedRun) -> Section:
    """The next month and every calendar year within the horizon, for every flow."""
    spans = [*periods_ahead(published.last, 1, "M"), *periods_ahead(published.last, published.run.horizon, "A")]
    rows = []
    for flow in published.flows:
        series = published.main(flow)
        (series_paths,) = published.read_paths([series])
        for span in spans:
            found = summarise_period(series_paths, span, level=LEVEL)
            rows.append(
                {
                    "series": published.name(series),
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
    show = in_unit(published.unit)
    columns = [
        text("series", "Series"),
        text("period", "Period", formatting.period_name),
        figure("median", f"Forecast ({published.unit})", show),
        figure("lo", "80 % from", show),
        figure("hi", "80 % to", show),
        figure("growth", "Growth on a year ago (per cent)", formatting.per_cent_change),
        figure("growth_lo", "80 % from (per cent)", formatting.per_cent_change),
        figure("growth_hi", "80 % to (per cent)", formatting.per_cent_change),
        figure("above_year_ago", "Probability of growth", formatting.share),
    ]
    return Section("summary", "Summary", columns, rows)


def _forecast(published: PublishedRun, flow: str) -> Section:
    """The total of one flow by month."""
    series = published.main(flow)
    (series_paths,) = published.read_paths([series], years=YEARS_SHOWN)
    return monthly_fan(published, series, series_paths, name=f"forecast-{flow}", years=YEARS_SHOWN)


def _panels(published: PublishedRun) -> list[Section]:
    """Small fan charts of every partner, twelve to a figure, where the dataset has partners."""
    partners = sorted(partners_shown(published, "countries", ""), key=published.partner_name)
    if len(partners) < 2:
        return []
    found = []
    flow = published.flows[0]
    for start in range(0, len(partners), PANELS):
        shown = partners[start : start + PANELS]
        rows = multiples(published, flow, TOTAL_SECTOR, shown)
        names = [published.partner_name(code) for code in shown]
        title = f"{formatting.FLOW_NAMES[flow].capitalize()}, {names[0]} to {names[-1]}"
        spec = small_multiples(rows, order=names, unit=published.unit) if rows else None
        note = f"{published.unit} a month; scales differ between panels."
        found.append(Section(f"panels-{start}", title, [], [], spec=spec, note=note))
    return found


def _every_series(published: PublishedRun) -> Section:
    """One row for each stored series: its next month, its year, its growth, and its accuracy."""
    chosen = published.catalog.stored_values
    months, years = periods_ahead(published.last, 1, "M"), periods_ahead(published.last, published.run.horizon, "A")
    ids = [series.parts[0].series_id for series in chosen]
    scores = backtests.scores(
        published.session, published.run.id, ids, by="series", kind="month", forecaster=COMBINATION, baseline=BASELINE
    )
    record = {(row.series_id, row.metric, row.level): row for row in scores}
    rows = []
    for series, series_paths in zip(chosen, published.read_paths(chosen, years=3), strict=True):
        month, number = summarise_period(series_paths, months[0], level=LEVEL), series.parts[0].series_id
        year = summarise_period(series_paths, years[0], level=LEVEL) if years else None
        mase, coverage = record.get((number, "mase", 0.0)), record.get((number, "coverage", LEVEL))
        rows.append(
            {
                "unique_id": series.unique_id,
                "series": published.name(series),
                "month": month.level.median,
                "month_lo": month.level.lo,
                "month_hi": month.level.hi,
                "year": year.level.median if year else None,
                "year_growth": year.growth.median if year else None,
                "mase": mase.value if mase else None,
                "mase_baseline": mase.baseline if mase else None,
                "coverage": coverage.value if coverage else None,
            }
        )
    columns = _series_columns(published, months[0].label, years[0].label if years else "")
    return Section("series", "Every series", columns, rows)


def _by_month(published: PublishedRun) -> Section:
    """Every stored series by month: the observations of the last years and the median forecasts."""
    chosen = published.catalog.stored
    start = published.last - MONTHS_PER_YEAR * YEARS_BY_MONTH + 1
    labels = [month_text(month) for month in range(start, published.last + published.run.horizon + 1)]
    rows = []
    for series, series_paths in zip(chosen, published.read_paths(chosen, years=YEARS_BY_MONTH), strict=True):
        medians = np.median(series_paths.paths, axis=0)
        known = np.full(len(labels), np.nan)
        known[series_paths.start - start :] = np.concatenate([series_paths.observed, medians])
        values = [value if np.isfinite(value) else None for value in known.tolist()]
        rows.append(
            {"series": published.name(series), "unique_id": series.unique_id, **dict(zip(labels, values, strict=True))}
        )
    show = in_unit(published.unit)
    forecast = f"forecast ({published.unit})"
    columns = [
        text("series", "Series"),
        text("unique_id", "unique_id"),
        *(
            figure(label, f"{label} {forecast if label > month_text(published.last) else 'observed'}", show)
            for label in labels
        ),
    ]
    return Section("months", "All series by month", columns, rows)


def _series_columns(published: PublishedRun, month: str, year: str) -> list[Any]:
    show = in_unit(published.unit)
    month_label = formatting.month_name(month)
    return [
        text("series", "Series"),
        text("unique_id", "unique_id"),
        figure("month", f"{month_label} ({published.unit})", show),
        figure("month_lo", "80 % from", show),
        figure("month_hi", "80 % to", show),
        figure("year", f"{year} ({published.unit})", show),
        figure("year_growth", f"Growth in {year} (per cent)", formatting.per_cent_change),
        figure("mase", "MASE", formatting.ratio),
        figure("mase_baseline", "MASE of the baseline", formatting.ratio),
        figure("coverage", "80 % coverage", formatting.share_of),
    ]
