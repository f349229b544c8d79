"""The tables, one module a subject; every rule that PostgreSQL can enforce is a named constraint.

SQLModel does not validate `table=True` classes: values are checked at the boundary (tables, services/queries.py).
"""

from store.models.access import ApiKey, SignIn
from store.models.backtests import BacktestForecast, BacktestPeriod, Score
from store.models.base import Table
from store.models.catalog import (
    REST_PARTNER,
    TOTAL_PARTNER,
    TOTAL_SECTOR,
    Dataset,
    Membership,
    Partner,
    ResolvedSeries,
    Sector,
    Series,
    SeriesPart,
)
from store.models.indicators import ANY, INDICATOR_KINDS, Indicator, IndicatorObservation, IndicatorUse
from store.models.observations import Observation
from store.models.releases import ALERT_KINDS, FETCH_OUTCOMES, Alert, Release, SourceAttempt
from store.models.runs import (
    RUN_STATUSES,
    Component,
    Forecast,
    ForecastChange,
    ForecastPath,
    ForecastQuantile,
    ForecastWeight,
    PanelSeries,
    Run,
)
from store.models.tracking import OutsideForecast, OutsideScore, Tracking

__all__ = [
    "ALERT_KINDS",
    "ANY",
    "FETCH_OUTCOMES",
    "INDICATOR_KINDS",
    "REST_PARTNER",
    "RUN_STATUSES",
    "TOTAL_PARTNER",
    "TOTAL_SECTOR",
    "Alert",
    "ApiKey",
    "BacktestForecast",
    "BacktestPeriod",
    "Component",
    "Dataset",
    "Forecast",
    "ForecastChange",
    "ForecastPath",
    "ForecastQuantile",
    "ForecastWeight",
    "Indicator",
    "IndicatorObservation",
    "IndicatorUse",
    "Membership",
    "Observation",
    "OutsideForecast",
    "OutsideScore",
    "PanelSeries",
    "Partner",
    "Release",
    "ResolvedSeries",
    "Run",
    "Score",
    "Sector",
    "Series",
    "SeriesPart",
    "SignIn",
    "SourceAttempt",
    "Table",
    "Tracking",
]
