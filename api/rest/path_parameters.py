"""Path parameters of endpoints and pages."""

from typing import Annotated

from fastapi import Path

from services.parameters import CODE, GREATEST_ID

DatasetPath = Annotated[str, Path(pattern=CODE, description="A dataset's code, as in `/v1/datasets`.")]
IndicatorPath = Annotated[str, Path(pattern=CODE, description="An indicator's code, as in `/v1/indicators`.")]
EventPath = Annotated[str, Path(pattern=r"^[A-Z][A-Z0-9_]{0,59}$", description="An event's code, as in `/v1/events`.")]
RunPath = Annotated[int, Path(ge=1, le=GREATEST_ID, description="A run's number.")]
ScenarioPath = Annotated[int, Path(ge=1, le=GREATEST_ID, description="A stored scenario's number.")]
AdjustmentPath = Annotated[int, Path(ge=1, le=GREATEST_ID, description="An adjustment's number.")]
