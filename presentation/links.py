"""URLs of the pages and of the REST API; every path is spelled here and nowhere else.

Functions give paths with their query, without a host: `absolute` adds the base URL of a deployment. Query values that
are None are left out, and sequences are joined by commas.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from store.models import ResolvedSeries

HOME, RUNS, ALERTS, DOCUMENTATION, API_REFERENCE = "/", "/runs", "/alerts", "/docs/", "/docs/api"
GLOSSARY = "/docs/glossary/"
NOTIFICATION_FEED = "/v1/notifications.atom"


def url(path: str, **query: Any) -> str:
    """A path with its query."""
    kept = {name: _text(value) for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(kept, safe=',/:')}" if kept else path


def absolute(base_url: object, path: str = "") -> str:
    """An address with its host; `base_url` may end with a slash."""
    return f"{base_url}".rstrip("/") + path


def codes(series: ResolvedSeries) -> dict[str, str]:
    """The query parameters that select a series in the REST API."""
    return {"flow": series.flow, "partner": series.partner, "sector": series.sector}


# Pages.


def series_page(unique_id: str, **query: Any) -> str:
    """The page of one series."""
    return url(f"/series/{unique_id.replace('.', '/')}", **query)


def series_list(**query: Any) -> str:
    """The list of series."""
    return url("/series", **query)


def heat_map(dataset: str | None = None, **query: Any) -> str:
    """The page of partners and sectors."""
    return url("/heatmap", dataset=dataset, **query)


def partners(dataset: str | None = None, **query: Any) -> str:
    """The page of contributions by partner."""
    return url("/partners", dataset=dataset, **query)


def concentration(dataset: str | None = None, **query: Any) -> str:
    """The page of concentration over partners or sectors."""
    return url("/concentration", dataset=dataset, **query)


def backtest(dataset: str | None = None, **query: Any) -> str:
    """The backtest page."""
    return url("/backtest", dataset=dataset, **query)


def events(dataset: str | None = None, **query: Any) -> str:
    """The page of events and their effects."""
    return url("/events", dataset=dataset, **query)


def ask(**query: Any) -> str:
    """The page that answers questions about probability."""
    return url("/ask", **query)


def compare(**query: Any) -> str:
    """The page that compares two runs."""
    return url("/compare", **query)


def scenarios(**query: Any) -> str:
    """The page that builds a scenario."""
    return url("/scenarios", **query)


def scenario_page(scenario_id: int, **query: Any) -> str:
    """The page of a stored scenario."""
    return url(f"/scenarios/{scenario_id}", **query)


def scenario_comparison(**query: Any) -> str:
    """The page that compares stored scenarios."""
    return url("/scenarios/comparison", **query)


def mail(subject: str, body: str) -> str:
    """An e-mail to be addressed by the reader."""
    return f"mailto:?subject={quote(subject)}&body={quote(body)}"


def consensus(**query: Any) -> str:
    """The page of external forecasts."""
    return url("/consensus", **query)


def run_page(run_id: int) -> str:
    """The page of one run."""
    return f"{RUNS}/{run_id}"


# REST API.


def api_external_forecasts(dataset: str, **query: Any) -> str:
    """External forecasts of a dataset."""
    return url(f"/v1/datasets/{dataset}/external-forecasts", **query)


def api_runs(**query: Any) -> str:
    """Runs."""
    return url("/v1/runs", **query)


def api_alert_rules(**query: Any) -> str:
    """Alert rules."""
    return url("/v1/alert-rules", **query)


def api_run(run_id: int) -> str:
    """One run."""
    return f"/v1/runs/{run_id}"


def api_forecasts(run_id: int, **query: Any) -> str:
    """Forecasts of one run."""
    return url(f"{api_run(run_id)}/forecasts", **query)


def api_contributions(dataset: str, **query: Any) -> str:
    """Contributions to growth."""
    return url(f"{api_dataset(dataset)}/forecasts/contributions", **query)


def api_concentration(dataset: str, **query: Any) -> str:
    """The concentration over partners or sectors."""
    return url(f"/v1/datasets/{dataset}/forecasts/concentration", **query)


def api_substitution(dataset: str, **query: Any) -> str:
    """What took the place of a partner."""
    return url(f"/v1/datasets/{dataset}/forecasts/substitution", **query)


def api_probability(dataset: str, **query: Any) -> str:
    """The probability of an event."""
    return url(f"{api_dataset(dataset)}/forecasts/probability", **query)


def api_scenarios(dataset: str) -> str:
    """Scenarios of a dataset, evaluated."""
    return url(f"/v1/datasets/{dataset}/scenarios")


def api_scenario(scenario_id: int, *more: str, **query: Any) -> str:
    """A stored scenario, its history or its scores."""
    return url("/".join(("/v1/scenarios", str(scenario_id), *more)), **query)


def api_adjustment(adjustment_id: int) -> str:
    """One adjustment."""
    return f"/v1/adjustments/{adjustment_id}"


def api_scenario_comparison(numbers: Sequence[int]) -> str:
    """The forecasts under several stored scenarios."""
    return url("/v1/scenarios/comparison", scenario=numbers)


def api_forecast_history(run_id: int, **query: Any) -> str:
    """Forecasts of each forecaster, and earlier forecasts, of one series."""
    return url(f"{api_run(run_id)}/forecast-history", **query)


def api_decomposition(run_id: int, **query: Any) -> str:
    """Trend, season and calendar effects of series."""
    return url(f"{api_run(run_id)}/components", **query)


def api_dataset_indicators(dataset: str) -> str:
    """The indicators of a dataset, their worth and their effects."""
    return url(f"{api_dataset(dataset)}/indicators")


def api_dataset_events(dataset: str, **query: Any) -> str:
    """The events that concern a series."""
    return url(f"/v1/datasets/{dataset}/events", **query)


def api_events(**query: Any) -> str:
    """The event calendar."""
    return url("/v1/events", **query)


def api_event_effects(dataset: str, **query: Any) -> str:
    """The effects of an event by partner."""
    return url(f"/v1/datasets/{dataset}/events/effects", **query)


def api_run_changes(run_id: int, **query: Any) -> str:
    """Attribution of the changes since an earlier run."""
    return url(f"{api_run(run_id)}/changes", **query)


def api_report(run_id: int, form: str) -> str:
    """The report on a run, as html, pdf or xlsx."""
    return f"{api_run(run_id)}/report.{form}"


def api_memo(run_id: int, form: str) -> str:
    """The memo on a run, as html, pdf, docx or pptx."""
    return f"{api_run(run_id)}/memo.{form}"


def api_datasets() -> str:
    """Datasets."""
    return "/v1/datasets"


def api_dataset(dataset: str) -> str:
    """One dataset."""
    return f"{api_datasets()}/{dataset}"


def api_calendar() -> str:
    """Releases of all datasets as iCalendar."""
    return "/v1/calendar.ics"


def api_series(dataset: str, **query: Any) -> str:
    """Series of a dataset."""
    return url(f"{api_dataset(dataset)}/series", **query)


def api_observations(dataset: str, **query: Any) -> str:
    """Observations of a dataset."""
    return url(f"{api_dataset(dataset)}/observations", **query)


def api_backtests(dataset: str, **query: Any) -> str:
    """Backtest scores of a dataset's run."""
    return url(f"{api_dataset(dataset)}/backtests", **query)


def api_folds(dataset: str, **query: Any) -> str:
    """Forecasts and outcomes at single folds of one series."""
    return url(f"{api_dataset(dataset)}/backtests/folds", **query)


def api_misses(dataset: str, **query: Any) -> str:
    """The largest misses of the backtest."""
    return url(f"{api_dataset(dataset)}/backtests/misses", **query)


def _text(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(_text(item) for item in value)
    return f"{value:.12g}" if isinstance(value, float) else str(value)
