"""Path parameters of endpoints and pages."""

from typing import Annotated

from fastapi import Path

from services.parameters import CODE, GREATEST_ID

DatasetPath = Annotated[str, Path(pattern=CODE, description="A dataset's code, as in `/v1/datasets`.")]
IndicatorPath = Annotated[str, Path(pattern=CODE, description="An indicator's code, as in `/v1/indicators`.")]
RunPath = Annotated[int, Path(ge=1, le=GREATEST_ID, description="A run's number.")]
