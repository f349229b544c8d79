"""Query models of own regressors."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.parameters import AS_OF, Code, Day, Paged

REGRESSOR = r"^[A-Z][A-Z0-9_]{0,39}$"


class RegressorValuesQuery(Paged):
    """Values of a regressor by month, past and to come."""

    limit: int = Field(default=1000, ge=1, le=10_000, description="Greatest number of months.")
    as_of: Day | None = Field(default=None, description=AS_OF)


class NewRegressor(BaseModel):
    """A regressor and the series that it explains; `*` stands for any flow, partner or sector."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=REGRESSOR, description="Capital letters, digits and _.")
    title: str = Field(min_length=1, max_length=300)
    unit: str = Field(min_length=1, max_length=80)
    flow: Literal["X", "M", "*"] = "*"
    partner: Code | Literal["*"] = "*"
    sector: Code | Literal["*"] = "*"
