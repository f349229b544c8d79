"""The tables, one module a subject; every rule that PostgreSQL can enforce is a named constraint.

SQLModel does not validate `table=True` classes: values are checked at the boundary (tables, services/queries.py).
"""

from store.models.access import ApiKey, BrowserSession
from store.models.alert_rules import AlertMail, AlertRule
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
from store.models.events import EVENT_KINDS, Event, EventEffect, EventEvidence, RunEvent
from store.models.indicators import (
    ANY,
    INDICATOR_KINDS,
    Indicator,
    IndicatorEffect,
    IndicatorEvidence,
    IndicatorObservation,
    IndicatorRelease,
    IndicatorUse,
    RunIndicator,
)
from store.models.judgement import Adjustment, ScenarioForecast, StoredScenario
from store.models.notifications import NOTIFICATION_TYPES, Notification
from store.models.observations import Observation
from store.models.regressors import Regressor, RegressorEffect, RegressorEvidence, RegressorValue
from store.models.releases import ALERT_KINDS, FETCH_OUTCOMES, Alert, Release, SourceAttempt
from store.models.runs import (
    RUN_STATUSES,
    Decomposition,
    Forecast,
    ForecastChange,
    ForecastPath,
    ForecastQuantile,
    ForecastStatus,
    ForecastWeight,
    PanelSeries,
    Run,
    TotalEffect,
)
from store.models.tracking import MEASURES, ExternalForecast, ExternalForecastScore, FirstPrint, Tracking

__all__ = [
    "ALERT_KINDS",
    "ANY",
    "EVENT_KINDS",
    "FETCH_OUTCOMES",
    "INDICATOR_KINDS",
    "MEASURES",
    "NOTIFICATION_TYPES",
    "REST_PARTNER",
    "RUN_STATUSES",
    "TOTAL_PARTNER",
    "TOTAL_SECTOR",
    "Adjustment",
    "Alert",
    "AlertMail",
    "AlertRule",
    "ApiKey",
    "BacktestForecast",
    "BacktestPeriod",
    "BrowserSession",
    "Dataset",
    "Decomposition",
    "Event",
    "EventEffect",
    "EventEvidence",
    "ExternalForecast",
    "ExternalForecastScore",
    "FirstPrint",
    "Forecast",
    "ForecastChange",
    "ForecastPath",
    "ForecastQuantile",
    "ForecastStatus",
    "ForecastWeight",
    "Indicator",
    "IndicatorEffect",
    "IndicatorEvidence",
    "IndicatorObservation",
    "IndicatorRelease",
    "IndicatorUse",
    "Membership",
    "Notification",
    "Observation",
    "PanelSeries",
    "Partner",
    "Regressor",
    "RegressorEffect",
    "RegressorEvidence",
    "RegressorValue",
    "Release",
    "ResolvedSeries",
    "Run",
    "RunEvent",
    "RunIndicator",
    "ScenarioForecast",
    "Score",
    "Sector",
    "Series",
    "SeriesPart",
    "SourceAttempt",
    "StoredScenario",
    "Table",
    "TotalEffect",
    "Tracking",
]
