"""Query models of events."""

from typing import Literal

from pydantic import Field

from services.parameters import AS_OF, Code, Codes, Day, EventKinds, Flows, Level, Paged, RunSelection, SingleSeries


class EventQuery(Paged):
    """Events by scope, kind and effective day."""

    as_of: Day | None = Field(default=None, description=AS_OF)
    kind: EventKinds | None = Field(default=None, description="Kinds; the default is all.")
    measure: Codes | None = Field(default=None, description="Measures whose rate the events set.")
    reporter: Code | None = Field(default=None, description="The reporter whose data are concerned.")
    flow: Flows | None = Field(default=None, description="X exports, M imports, B either.")
    partner: Codes | None = Field(default=None, description="Partners or groups that the events concern.")
    sector: Codes | None = Field(default=None, description="Sectors that the events concern.")
    start: Day | None = Field(default=None, description="First effective day, YYYY-MM-DD.")
    end: Day | None = Field(default=None, description="Last effective day, YYYY-MM-DD.")


class SeriesEventsQuery(Paged, RunSelection, SingleSeries):
    """The events that concern one series, beside the forecast of a run."""


class EffectsQuery(Paged, RunSelection):
    """The effect of an event on the partners of one flow and sector."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="Greatest number of rows.")
    event: str = Field(pattern=r"^[A-Z][A-Z0-9_]{0,59}$", description="The event's code.")
    flow: Literal["X", "M"] = Field(default="X", description="X exports, M imports.")
    sector: Code | None = Field(default=None, description="A sector; the default is the total, or the event's own.")
    partner: Codes | None = Field(default=None, description="Stored partners; the default is all.")
    months: int = Field(default=6, ge=1, le=24, description="Months from that of the effective day on.")
    level: Level = Field(default=80.0, description="Level of the intervals, in per cent.")
    by: Literal["total", "month"] = Field(default="total", description="The sum of the months, or each month.")
