"""Query models of tracking and of external forecasts."""

from typing import Literal

from pydantic import Field

from services.parameters import MonthRange, RunId, SeriesSelection, StoredSeriesSelection


class TrackingQuery(StoredSeriesSelection, MonthRange):
    """Published forecasts whose outcome is known."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="Greatest number of forecasts.")
    run: RunId | None = Field(default=None, description="Only forecasts of this run.")
    step: int | None = Field(default=None, ge=1, le=120, description="Only this many months ahead.")
    live: bool | None = Field(
        default=None, description="Only forecasts published before the outcome, or only those made afterwards."
    )
    drifts: bool | None = Field(default=None, description="Only forecasts whose rolling error drifts, or does not.")


class TrackedSeriesQuery(StoredSeriesSelection):
    """Series with tracked forecasts."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="Greatest number of series.")
    drifts: bool | None = Field(default=None, description="Only series that drift, or only those that do not.")


class ExternalForecastQuery(SeriesSelection, MonthRange):
    """Forecasts made by other institutions or models; without `flow`, of exports, imports and balances."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="Greatest number of forecasts.")
    model: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.-]{1,60}$", description="Only of this model.")
    scored: bool | None = Field(default=None, description="Only those whose outcome is known, or only the others.")
    units: Literal["lin", "pc1"] | None = Field(
        default=None, description="Only values (`lin`), or only growth on a year ago (`pc1`)."
    )


class ExternalModelsQuery(SeriesSelection):
    """External models; without `flow`, on exports, imports and balances."""
