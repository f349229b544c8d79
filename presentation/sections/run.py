"""Sections about one run: its details, failures of forecasters, and changes since an earlier run."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from forecasting.analysis.periods import periods_ahead
from forecasting.config import BASELINE
from presentation import formatting, links
from presentation.sections.section import Section, figure, in_unit, link, text
from services.forecasts.period_summary import estimate
from services.runs.published_run import PublishedRun
from store.models import TOTAL_PARTNER, TOTAL_SECTOR
from store.queries.runs import PublishedRunRecord, RunRecord

FAILURES, CHANGED_SERIES = 500, 40
LEVEL = 80.0


def run_details(run: RunRecord, title: str) -> Section:
    """Data, configuration and code of a run."""
    names = ", ".join(run.config.get("forecasters") or ()) or "all"
    details = {
        "Dataset": f"{run.dataset_id}: {title}",
        "Data known as of": formatting.day_name(run.as_of),
        "Data to": formatting.month_name(run.cutoff),
        "Horizon in months": str(run.horizon),
        "Requested": formatting.moment_name(run.requested_at),
        "Started": formatting.moment_name(run.started_at),
        "Finished": formatting.moment_name(run.finished_at),
        "Duration": duration(run_seconds(run)),
        "Forecasters": names.replace("_", " "),
        "Backtest folds": str(run.config.get("folds", formatting.NOTHING)),
        "Joint paths": str(run.config.get("draws", formatting.NOTHING)),
        "Seed": str(run.seed),
        "Data hash": formatting.plain(run.data_hash),
        "Configuration hash": run.config_hash,
        "Code version": run.code_version,
    }
    rows = [{"name": name, "value": value} for name, value in details.items()]
    columns = [text("name", "Property"), text("value", "Value")]
    return Section("details", "Run details", columns, rows, api=links.api_run(run.id))


def run_seconds(run: RunRecord) -> float | None:
    """The duration of a run in seconds; None where it has not finished."""
    if run.started_at is None or run.finished_at is None:
        return None
    return (run.finished_at - run.started_at).total_seconds()


def duration(seconds: float | None) -> str:
    """A duration; None as a dash."""
    return formatting.NOTHING if seconds is None else formatting.duration(seconds)


def failure_sections(run: RunRecord) -> list[Section]:
    """Failures of forecasters in a published run, where the baseline was used instead."""
    if run.status != "published" or not run.failures:
        return []
    counts = Counter(failure["forecaster"] for failure in run.failures)
    failed = ", ".join(f"{name.replace('_', ' ')}: {number}" for name, number in counts.most_common())
    return [
        Section(
            name="failures",
            title="Failed forecasters",
            columns=[
                text("unique_id", "Series"),
                text("forecaster", "Forecaster"),
                text("cutoff", "Cutoff", formatting.month_name),
                text("reason", "Reason"),
            ],
            rows=run.failures[:FAILURES],
            note=f"Failures by forecaster: {failed}. Each was replaced by the {BASELINE.replace('_', ' ')} forecast.",
            api=links.api_run(run.id),
        )
    ]


def change_sections(published: PublishedRun, before: PublishedRunRecord) -> list[Section]:
    """Forecasts of the calendar year in an earlier run and in this one, the largest changes first."""
    earlier = published.at(before)
    years = periods_ahead(published.last, published.run.horizon, "A")
    if not years or years[0].last > earlier.last + before.horizon:
        return []
    stored = published.catalog.stored_values
    chosen = [series for series in stored if series.partner == TOTAL_PARTNER or series.sector == TOTAL_SECTOR]
    rows: list[dict[str, Any]] = []
    for series, paths, earlier_paths in zip(
        chosen, published.read_paths(chosen, years=2), earlier.read_paths(chosen, years=2), strict=True
    ):
        new, old = (estimate(found, years[0], "lin", level=LEVEL) for found in (paths, earlier_paths))
        if new.median is not None and old.median is not None:
            rows.append(
                {
                    "series": published.name(series),
                    "href": links.series_page(series.unique_id, run=published.run.id),
                    "before": old.median,
                    "after": new.median,
                    "change": 100 * (new.median / old.median - 1) if old.median else None,
                    "width": _change_of_width(new, old),
                }
            )
    rows.sort(key=lambda row: abs(row["after"] - row["before"]), reverse=True)
    show = in_unit(published.unit)
    return [
        Section(
            name="changes",
            title=f"Changes since run {before.id}: forecasts of {years[0].label}",
            columns=[
                link("series", "Series"),
                figure("before", f"Run {before.id} ({published.unit})", show),
                figure("after", f"Run {published.run.id} ({published.unit})", show),
                figure("change", "Change", formatting.per_cent_change),
                figure("width", "Change in width of the 80 % interval", formatting.per_cent_change),
            ],
            rows=rows[:CHANGED_SERIES],
            note=differences(published.run, before),
            api=links.api_forecasts(published.run.id, period=years[0].label, level=80),
        )
    ]


def _change_of_width(new: Sequence[float | None], old: Sequence[float | None]) -> float | None:
    (_, lo, hi), (_, old_lo, old_hi) = new, old
    if lo is None or hi is None or old_lo is None or old_hi is None or old_hi <= old_lo:
        return None
    return 100 * ((hi - lo) / (old_hi - old_lo) - 1)


def differences(run: RunRecord, before: PublishedRunRecord) -> str:
    """Differences in data, configuration and code of two runs."""
    config = sorted(name for name in run.config if run.config[name] != before.config.get(name))
    differences = [
        f"data to {formatting.month_name(run.cutoff)} instead of {formatting.month_name(before.cutoff)}",
        *([f"different configuration ({', '.join(config)})"] if config else []),
        *(["different code"] if run.code_version != before.code_version else []),
    ]
    return f"Differences between the runs: {', '.join(differences)}."
