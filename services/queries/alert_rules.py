"""Query models of alert rules: a new rule, and the list."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.parameters import Code, Flow, Paged, PeriodText, Probability
from store.models import TOTAL_PARTNER, TOTAL_SECTOR

ADDRESS = r"^[^@\s,;<>\"]{1,64}@[A-Za-z0-9.-]{1,189}$"


class NewAlertRule(BaseModel):
    """A rule: alert when the probability that a series lies above or below thresholds in a period reaches a share."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: Code = Field(examples=["CN_TRADE"])
    flow: Flow = Field(description="X exports, M imports, B the balance X - M.")
    partner: Code = Field(default=TOTAL_PARTNER, description="A partner or a group.")
    sector: Code = Field(default=TOTAL_SECTOR, description="A sector.")
    period: PeriodText = Field(description="`2026`, `2026-Q1`, `2026-03`, or a range of months.", examples=["2026"])
    units: Literal["lin", "pc1"] = Field(default="lin", description="The level, or the growth on a year ago.")
    above: float | None = Field(default=None, allow_inf_nan=False, description="In the unit of `units`.")
    below: float | None = Field(default=None, allow_inf_nan=False, description="In the unit of `units`.")
    probability: Probability = Field(description="Alert when the probability is at least this share.", examples=[0.9])
    email: str | None = Field(default=None, pattern=ADDRESS, description="Send e-mails to this address too.")

    @model_validator(mode="after")
    def _has_thresholds(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError("give above, below, or both")
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ValueError(f"above {self.above:g} and below {self.below:g} leave nothing between them")
        return self

    def values(self) -> dict[str, Any]:
        """The columns of the stored rule."""
        found = self.model_dump()
        return {"dataset_id": found.pop("dataset"), **found}


class AlertRulesQuery(Paged):
    """The rules of one dataset, or all."""

    dataset: Code | None = None
