"""What answers to questions about forecasts look like; a test holds every answer against these."""

from typing import Literal

from pydantic import Field

from api.schemas import Answer, CertificateAnswer, MonthAnswer, PartAnswer, RunAnswer


class ProbabilityAnswer(MonthAnswer):
    """How likely an event is, and what is forecast of the period; null where there is no answer."""

    unique_id: str
    dataset: str
    flow: str
    partner: str
    partner_name: str
    sector: str
    sector_name: str
    unit: str = Field(description="Of the thresholds and of the forecast.")
    units: str
    of: str | None
    parts: list[PartAnswer] | None
    above: float | None
    below: float | None
    probability: float | None = Field(description="The share of the draws above `above` and not above `below`.")
    standard_error: float | None = Field(description="Of the probability, from the number of draws.")
    draws: int | None
    run: RunAnswer
    revised_data: bool
    certificate: CertificateAnswer | None = None


class ConcentrationAnswer(Answer):
    """The Herfindahl-Hirschman index period by period, 0 to 10,000."""

    dataset: str
    over: Literal["partner", "sector"]
    flow: str
    partner: str | None
    sector: str | None
    unit: str
    frequency: str
    run: RunAnswer
    revised_data: bool
    parts: list[str] = Field(description="The series whose shares are squared.")
    whole: str | None = Field(description="The series they are shares of; null where that is their own sum.")
    months: list[MonthAnswer]
    certificate: CertificateAnswer | None = None
