"""Query parameters of contributions to growth and of substitution."""

from typing import Literal, Self

from pydantic import Field, model_validator

from forecasting.analysis.periods import Period, parse_period
from services.parameters import DEFAULT_LEVELS, Code, Flow, Levels, Parameters, PeriodText, RunSelection


class ContributionQuery(Parameters, RunSelection):
    """Contributions of partners or of sectors to the growth of a flow from one period to another."""

    by: Literal["partner", "sector"] = Field(default="partner", description="Whose contributions.")
    flow: Flow = Field(
        default="X", description="X exports, M imports, B the balance, of which changes are reported but no shares."
    )
    partner: Code | None = Field(default=None, description="By sector: of which partner or group; WLD if not given.")
    sector: Code | None = Field(default=None, description="By partner: of which sector; TOTAL if not given.")
    period: PeriodText | None = Field(
        default=None,
        description="`2026`, `2026-Q1`, `2026-03`, or from a first month to a last, `2026-08/2027-07`, observed or "
        "forecast; the 12 months after the run's cutoff if not given.",
    )
    from_period: PeriodText | None = Field(
        default=None,
        alias="from",
        description="The period compared with, as long; a year before `period` if not given.",
    )
    level: Levels = Field(default=DEFAULT_LEVELS, description="Levels of the intervals in per cent.")

    @property
    def compared(self) -> Period | None:
        """The period, where it is given."""
        return None if self.period is None else parse_period(self.period)

    @property
    def base(self) -> Period | None:
        """The period compared with, where it is given."""
        return None if self.from_period is None else parse_period(self.from_period)

    @model_validator(mode="after")
    def _of_the_other(self) -> Self:
        if getattr(self, self.by) is not None:
            raise ValueError(f"by={self.by} reports every {self.by}: leave {self.by} out")
        return self


class SubstitutionQuery(Parameters, RunSelection):
    """What took the place of the partner that lost most, in the last months and in as many months ahead."""

    flow: Literal["X", "M"] = Field(default="X", description="X exports, M imports.")
    sector: Code | None = Field(default=None, description="A sector; TOTAL if not given.")
    partner: Code | None = Field(
        default=None, description="The partner that lost; the one that lost most if not given."
    )
    months: int = Field(default=12, ge=1, le=24, description="Months of the observed window and of the expected one.")
    period: PeriodText | None = Field(default=None, description="One window instead: as `period` of contributions.")
    from_period: PeriodText | None = Field(
        default=None, alias="from", description="The period compared with, as long; a year before if not given."
    )
    level: Levels = Field(default=DEFAULT_LEVELS, description="Levels of the intervals in per cent.")

    @model_validator(mode="after")
    def _of_a_period(self) -> Self:
        if self.from_period is not None and self.period is None:
            raise ValueError("from goes with period")
        return self
