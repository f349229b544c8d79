"""Answers about own regressors."""

from datetime import date
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from api.rest.schemas.common import Month, Page, answer
from api.rest.schemas.runs import RunAnswer


@answer
class RegressorAnswer(TypedDict):
    """An own regressor of a dataset; `*` stands for any flow, partner or sector."""

    id: str
    title: str
    unit: str
    flow: str
    partner: str
    sector: str


@answer
class RegressorPage(Page):
    """The regressors of a dataset by code."""

    dataset: str
    regressors: list[RegressorAnswer]


@answer
class RegressorValueAnswer(TypedDict):
    """A value of a regressor, of a month past or to come."""

    month: Month
    value: float
    unit: str
    known_on: Annotated[date, Field(description="The day on which the value became known.")]


@answer
class RegressorValuePage(Page):
    """Values of a regressor by month, as known on a day or now."""

    dataset: str
    regressor: str
    unit: str
    as_of: date | None
    values: list[RegressorValueAnswer]


@answer
class RegressorStored(TypedDict):
    """Result of an upload of values."""

    dataset: str
    regressor: str
    received: int
    inserted: int


@answer
class RegressorEvidenceAnswer(TypedDict):
    """The worth of a series' regressors: one forecaster without and with them, one month ahead, on a run's folds."""

    unique_id: str
    unit: Annotated[str, Field(description="Of the errors.")]
    folds: int
    mae_without: float | None
    mae_with: float | None
    ratio: Annotated[float | None, Field(description="`mae_with` over `mae_without`; below 1 the regressors help.")]
    p_value: Annotated[float | None, Field(description="Diebold and Mariano, two-sided.")]
    weight: Annotated[float, Field(description="Share of the forecaster with regressors in the combination.")]


@answer
class RegressorEffectAnswer(TypedDict):
    """The effect of a regressor on the forecast with regressors of a series."""

    unique_id: str
    regressor: str
    coefficient: Annotated[
        float, Field(description="Change of the forecast's logarithm for one unit of the regressor, before `weight`.")
    ]


@answer
class RegressorEvidencePage(Page):
    """The worth of the regressors of a dataset in a run, and their effects; a page counts evidence."""

    dataset: str
    unit: str
    run: RunAnswer
    effects: list[RegressorEffectAnswer]
    evidence: list[RegressorEvidenceAnswer]
