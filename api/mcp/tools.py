"""The eight read-only tools."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import Engine
from sqlmodel import Session

from api.mcp.answers import coverage_facts, link, period_rows, rounded, run_facts, series_facts
from forecasting.analysis.period_draws import answer_unit, coverage_kind
from forecasting.config import BASELINE, COMBINATION
from forecasting.data.months import format_month
from presentation import links
from services.backtests.coverage import forecast_coverage, interval_coverage
from services.forecasts.forecasts import estimate_probability, read_forecasts, statuses_of
from services.partners.contributions import read_contributions
from services.queries.contributions import ContributionQuery
from services.queries.forecasts import ForecastQuery, ProbabilityQuery
from services.runs.run_selection import latest_run, requested_horizon, select_run, select_series
from services.series.catalog_cache import CatalogCache
from services.series.fred_series import find_series as find_by_id
from services.series.fred_series import known_values, matching_series
from services.series.series_catalog import part_names
from store.queries import backtests, catalog, releases, run_changes

Dataset = Annotated[str, Field(description="Code of a dataset, such as CN_TRADE; find_series lists codes.")]
Flow = Annotated[Literal["X", "M", "B"], Field(description="X exports, M imports, B the balance X - M.")]
Partner = Annotated[str, Field(description="ISO 3166-1 alpha-3 code or a group: USA, DEU, WLD (the world), EU27.")]
Sector = Annotated[str, Field(description="Code of a sector; TOTAL for all goods.")]
Units = Annotated[
    Literal["lin", "pc1", "share"], Field(description="lin level, pc1 growth on a year ago in %, share of the total.")
]
METRICS = {"mae", "mase", "wis", "coverage"}
MOST_SERIES, MOST_CHANGES = 50, 20
SINCE = timedelta(days=60)


@dataclass(frozen=True)
class Tools:
    """The tools and their collaborators; `base_url` is the address of the REST API in links."""

    engine: Engine
    now: Callable[[], datetime]
    base_url: str
    catalogs: CatalogCache

    @contextmanager
    def _session(self) -> Iterator[Session]:
        with Session(self.engine) as session:
            yield session

    def find_series(
        self, text: Annotated[str, Field(description="Words in names or codes, such as 'exports germany batteries'.")]
    ) -> dict[str, Any]:
        """Find series by words in their names: the codes of dataset, flow, partner and sector that other tools take."""
        with self._session() as session:
            found = matching_series(session, self.catalogs, text)
            series = [
                {
                    **series_facts(match.catalog, match.series),
                    "dataset": match.dataset.id,
                    "unit": match.catalog.unit_of(match.series),
                }
                for match in found[:MOST_SERIES]
            ]
        return {"found": len(found), "series": series, "link": link(self.base_url, links.api_datasets())}

    def read_observations(
        self,
        dataset: Dataset,
        flow: Flow = "X",
        partner: Partner = "WLD",
        sector: Sector = "TOTAL",
        months: Annotated[int, Field(ge=1, le=240, description="Number of latest months.")] = 24,
        as_of: Annotated[date | None, Field(description="Only values known on this day.")] = None,
    ) -> dict[str, Any]:
        """Observed values by month."""
        with self._session() as session:
            found = find_by_id(session, self.catalogs, f"{dataset}.{flow}.{partner}.{sector}")
            values = known_values(session, found, as_of=as_of).iloc[-months:]
            rows = {format_month(day): rounded(value) for day, value in values.items()}  # type: ignore[call-overload]
            facts = series_facts(found.catalog, found.series)
        path = links.api_observations(dataset, flow=flow, partner=partner, sector=sector, as_of=as_of)
        known = str(as_of or self.now().date())
        return {
            **facts,
            "unit": found.catalog.unit_of(found.series),
            "as_of": known,
            "values": rows,
            "link": link(self.base_url, path),
        }

    def forecast(
        self,
        dataset: Dataset,
        flow: Flow = "X",
        partner: Partner = "WLD",
        sector: Sector = "TOTAL",
        frequency: Annotated[Literal["M", "Q", "A"], Field(description="Months, quarters, years.")] = "M",
        units: Units = "lin",
        horizon: Annotated[int | None, Field(ge=1, le=60, description="Months ahead.")] = None,
    ) -> dict[str, Any]:
        """The latest forecast with 80 % and 95 % intervals, and how often such intervals covered outcomes."""
        parameters = {"flow": flow, "partner": partner, "sector": sector, "frequency": frequency, "units": units}
        query = ForecastQuery.model_validate(parameters | {"horizon": horizon})
        with self._session() as session:
            run = select_run(session, dataset, query)
            series = select_series(session, self.catalogs, run, query)
            months = requested_horizon(run, query.horizon)
            ((resolved, rows),) = read_forecasts(session, run, series, query, months)
            answer = {
                **series_facts(series.catalog, resolved),
                "unit": answer_unit(units, series.catalog.unit_of(resolved)),
                **run_facts(run),
                "status": statuses_of(series.coverage.statuses, [resolved]).get(resolved.unique_id),
                "forecast": period_rows(run, rows, query.level),
                "coverage": coverage_facts(forecast_coverage(session, run, series.all, query, months)),
            }
        return answer | {"link": link(self.base_url, links.api_forecasts(run.id, **parameters))}

    def probability(
        self,
        dataset: Dataset,
        period: Annotated[str, Field(description="2027, 2027-Q1, 2027-03 or 2027-01/2027-02.")],
        flow: Flow = "X",
        partner: Partner = "WLD",
        sector: Sector = "TOTAL",
        units: Units = "lin",
        above: Annotated[float | None, Field(description="In the unit of the answer.")] = None,
        below: Annotated[float | None, Field(description="In the unit of the answer.")] = None,
    ) -> dict[str, Any]:
        """The probability that a series lies above or below a number in a period."""
        parameters = {"flow": flow, "partner": partner, "sector": sector, "units": units, "period": period}
        query = ProbabilityQuery.model_validate(parameters | {"above": above, "below": below})
        with self._session() as session:
            run = select_run(session, dataset, query)
            _, names = self.catalogs.of_run(session, run.id)
            series, row, estimate = estimate_probability(session, run, names, query)
            kind = coverage_kind(query.span.kind, units)
            coverage = interval_coverage(session, run, [series], kind=kind, levels=query.level, steps=[row.step])
            answer = {
                **series_facts(names, series),
                "unit": answer_unit(units, names.unit_of(series)),
                **run_facts(run),
                "probability": estimate and rounded(estimate.probability),
                "standard_error": estimate and rounded(estimate.standard_error),
                "forecast": period_rows(run, [row], query.level)[0],
                "coverage": coverage_facts(coverage),
            }
        path = links.api_probability(dataset, **parameters, above=above, below=below)
        return answer | {"link": link(self.base_url, path)}

    def contributions(
        self,
        dataset: Dataset,
        flow: Annotated[Literal["X", "M"], Field(description="X exports, M imports.")] = "X",
        by: Annotated[Literal["partner", "sector"], Field(description="Whose contributions.")] = "partner",
        period: Annotated[str | None, Field(description="2027, 2027-Q1 ...; default the next 12 months.")] = None,
    ) -> dict[str, Any]:
        """Contributions of partners or sectors to the growth of exports or imports, in percentage points."""
        query = ContributionQuery.model_validate({"flow": flow, "by": by, "period": period})
        with self._session() as session:
            run = select_run(session, dataset, query)
            _, names = self.catalogs.of_run(session, run.id)
            found = read_contributions(session, run, names, query)
        rows = [
            {"code": row.code, "name": row.name, "within": row.within, "points": rounded(row.contribution.mean)}
            for row in found.rows
        ]
        path = links.api_contributions(dataset, flow=flow, by=by, period=period)
        return {
            **{"dataset": dataset, "unit": "percentage points", **run_facts(run)},
            **{"period": found.period.label, "compared_with": found.base_period.label},
            **{"growth_in_per_cent": rounded(found.growth.mean), "contributions": rows},
            "link": link(self.base_url, path),
        }

    def accuracy(
        self, dataset: Dataset, flow: Flow = "X", partner: Partner = "WLD", sector: Sector = "TOTAL"
    ) -> dict[str, Any]:
        """The record of accuracy of a series: backtest scores beside those of the seasonal naive forecast."""
        with self._session() as session:
            run = latest_run(session, dataset)
            _, names = self.catalogs.of_run(session, run.id)
            series = names.single(flow, partner, sector)
            ids = [part.series_id for part in series.parts]
            scores = backtests.scores(
                session, run.id, ids, by="forecaster", kind="month", forecaster=COMBINATION, baseline=BASELINE
            )
            folds = backtests.folds(session, run.id, ids)
        rows = [
            {
                "metric": row.metric if row.metric != "coverage" else f"coverage of {row.level:g} % intervals",
                "value": rounded(row.value),
                "seasonal_naive": rounded(row.baseline),
            }
            for row in scores
            if row.forecaster == COMBINATION and row.metric in METRICS
        ]
        path = links.api_backtests(dataset, flow=flow, partner=partner, sector=sector)
        facts = {**series_facts(names, series), "unit": names.unit_of(series), **run_facts(run), "folds": folds.number}
        return facts | {"scores": rows, "of_parts": series.derived, "link": link(self.base_url, path)}

    def explain_changes(
        self, dataset: Dataset, flow: Flow = "X", partner: Partner = "WLD", sector: Sector = "TOTAL"
    ) -> dict[str, Any]:
        """Why the forecast changed since the run before: new observations, revisions, indicators, totals."""
        with self._session() as session:
            run = latest_run(session, dataset)
            _, names = self.catalogs.of_run(session, run.id)
            series = names.single(flow, partner, sector)
            against = run_changes.latest_against(session, run.id, None)
            ids = list(part_names([series]))
            found = run_changes.page(session, run.id, against, ids, limit=MOST_CHANGES, offset=0)
        rows = [
            {
                "month": format_month(row.month),
                "before": rounded(row.before),
                "after": rounded(row.after),
                "due_to_new_observations": rounded(row.new_figures),
                "due_to_revisions": rounded(row.revised_figures),
                "due_to_indicators": rounded(row.indicators),
                "due_to_published_total": rounded(row.published_total),
                "due_to_reestimation": rounded(row.reestimation),
            }
            for row in found.rows
        ]
        facts = {**series_facts(names, series), "unit": names.unit_of(series), **run_facts(run), "earlier_run": against}
        return facts | {"changes": rows, "link": link(self.base_url, links.api_run_changes(run.id))}

    def releases_due(self) -> dict[str, Any]:
        """The next and the recent releases of every dataset, with their due dates."""
        with self._session() as session:
            since = (self.now() - SINCE).date().replace(day=1)
            rows = [
                {
                    "dataset": dataset.id,
                    "month": format_month(release.period),
                    "due_on": str(release.due_on),
                    "status": release.status(self.now(), timedelta(hours=24)),
                }
                for dataset in catalog.datasets(session)
                for release in releases.releases(session, dataset.id, since=since)
            ]
        return {"releases": rows, "today": str(self.now().date()), "link": link(self.base_url, links.api_calendar())}
