"""A scenario of one statement, as a form gives it: a series, a period, the kind of statement and its value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from forecasting.analysis.periods import Period, periods_ahead
from forecasting.data.months import MONTHS_PER_YEAR, month_text
from services.errors import ShockOfBalance
from services.queries.scenarios import Scenario
from services.runs.published_run import PublishedRun
from store.models import ResolvedSeries

Kind = Literal["growth", "expected", "least", "most", "level", "shock", "tariff"]
LEVEL = 80.0
SHOCKS = ("shock", "tariff")
GROWTH: Mapping[str, str] = {"growth": "value", "expected": "mean", "least": "at_least", "most": "at_most"}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement about a series in a period; `diversion` is the share of a loss that other partners gain."""

    series: ResolvedSeries
    period: Period
    kind: Kind
    value: float
    diversion: float = 0.0

    @property
    def name(self) -> str:
        """The series, as scenarios write it."""
        return f"{self.series.flow}.{self.series.partner}.{self.series.sector}"

    @property
    def last(self) -> int:
        """The last month number that it is about: of a shock the first with a year of it."""
        return self.period.first + MONTHS_PER_YEAR - 1 if self.kind in SHOCKS else self.period.last

    def body(self) -> dict[str, Any]:
        """Conditions or shocks of a scenario. Raises ShockOfBalance."""
        if self.kind in GROWTH:
            condition = {"series": self.name, "period": self.period.label, "units": "pc1"}
            return {"conditions": [{**condition, GROWTH[self.kind]: self.value}]}
        if self.kind == "level":
            return {"conditions": [{"series": self.name, "period": self.period.label, "value": self.value}]}
        if self.series.flow == "B":
            raise ShockOfBalance(self.series.unique_id)
        size: dict[str, Any] = (
            {"tariff": {"rate_change": self.value}} if self.kind == "tariff" else {"size": self.value}
        )
        place = {"flow": self.series.flow, "partner": self.series.partner, "sector": self.series.sector}
        return {"shocks": [{**place, "start": month_text(self.period.first), "diversion": self.diversion, **size}]}


def year_shown(published: PublishedRun, last: int) -> Period:
    """The calendar year of a month number where the run forecasts it to its end, else the last such year."""
    years = periods_ahead(published.last, published.run.horizon, "A")
    return next((year for year in years if year.first <= last <= year.last), years[-1])


def with_report(published: PublishedRun, stated: Mapping[str, Any], shown: ResolvedSeries, year: Period) -> Scenario:
    """A scenario that reports the months of one series, and level and growth of every total of its flow in a year."""
    flows = [shown.flow] if shown.flow != "B" else ["X", "M"]
    totals = [series for series in published.catalog.stored if series.flow in flows and series.sector == shown.sector]
    names = dict.fromkeys(f"{series.flow}.{series.partner}.{series.sector}" for series in [*totals, shown])
    months = {"series": f"{shown.flow}.{shown.partner}.{shown.sector}", "frequency": "M"}
    years = [{"series": name, "period": year.label, "units": units} for name in names for units in ("lin", "pc1")]
    return Scenario.model_validate({**stated, "run": None, "report": [months, *years], "level": [LEVEL]})
