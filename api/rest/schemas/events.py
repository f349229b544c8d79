"""Answers about events."""

from datetime import date
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Month, Page, answer
from api.rest.schemas.runs import RunAnswer


@answer
class EventAnswer(TypedDict):
    """A dated event that moves trade, as known on a day."""

    id: str
    kind: Annotated[str, Field(description="tariff, truce, closure, rebate, control or other.")]
    title: str
    measure: Annotated[str, Field(description="The duty or rebate whose rate the event sets.")]
    announced: Annotated[date, Field(description="The day on which it became known.")]
    effective: Annotated[date, Field(description="The first day on which it applies.")]
    until: Annotated[date | None, Field(description="Its last day, where one is known.")]
    until_known_on: Annotated[
        date | None, Field(description="The day on which `until` became known, if later than the announcement.")
    ]
    authority: str
    reporter: Annotated[str, Field(description="The country whose trade it concerns.")]
    flow: Annotated[str, Field(description="X exports, M imports, * both.")]
    partner: Annotated[str, Field(description="Codes with a space between; empty for all partners.")]
    sector: Annotated[str, Field(description="Codes with a space between; empty for all sectors.")]
    share: Annotated[float | None, Field(description="Share of that trade that it covers; null for all of it.")]
    rate_before: Annotated[float | None, Field(description="Rate of the measure before, in per cent.")]
    rate_after: Annotated[float | None, Field(description="Rate of the measure from `effective` on, in per cent.")]
    source: str
    note: str


@answer
class EventPage(Page):
    """Events by announcement."""

    as_of: date | None
    events: list[EventAnswer]


@answer
class SeriesEventAnswer(EventAnswer):
    """An event that concerns a series, and its status in the run's forecast."""

    relation: Annotated[str, Field(description="scope: the event covers the series; part: a part of it.")]
    status: Annotated[
        str,
        Field(
            description="in the forecast; known, not in the forecast; in the observations (all its changes are up to "
            "the cutoff); announced after the forecast."
        ),
    ]


@answer
class SeriesEventPage(Page):
    """The events that concern a series, by announcement."""

    dataset: str
    unique_id: str
    run: RunAnswer
    events: list[SeriesEventAnswer]


@answer
class EventEvidenceAnswer(TypedDict):
    """The worth of a regressor of events on a run's folds, over forecasts in which it changes."""

    regressor: Annotated[
        str,
        Field(
            description="cost: logarithm of one plus the rate in force; announced: a change of it that is announced "
            "and not in force yet; closure: share of days closed."
        ),
    ]
    coefficient: Annotated[float, Field(description="An elasticity; zero where the folds support no effect.")]
    forecasts: Annotated[int, Field(description="Known errors of forecasts in which the regressor changes.")]
    unit: Annotated[str, Field(description="Of the errors.")]
    mae_without: float | None
    mae_with: float | None
    ratio: Annotated[float | None, Field(description="`mae_with` over `mae_without`; below 1 events help.")]
    p_value: Annotated[float | None, Field(description="Diebold and Mariano, two-sided.")]


@answer
class EventAmountAnswer(TypedDict):
    """The amount that events added to the forecast of a month, before reconciliation."""

    unique_id: str
    month: Month
    value: float
    unit: str


@answer
class EventEvidencePage(Page):
    """The events that moved a run's forecasts, by how much, and the worth of their regressors."""

    dataset: str
    unit: str
    run: RunAnswer
    used: Annotated[list[str], Field(description="The events that moved forecasts of the run.")]
    effects: list[EventAmountAnswer]
    evidence: list[EventEvidenceAnswer]


@answer
class EventsStored(TypedDict):
    """Result of an upload of events."""

    received: int
    inserted: int
    changed: int
    unchanged: int
