"""The answer of a source to the request of a feed, as the store needs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from sources.client import Client, RequestPolicy, Validator

MakeClient = Callable[[RequestPolicy, Mapping[str, Validator]], Client]


@dataclass(frozen=True, slots=True)
class SourceResponse:
    """The source's values in the stored unit, the stored ones, and validators for the next request."""

    frame: pd.DataFrame
    stored: pd.DataFrame
    validators: dict[str, Validator]
