"""Currency and multiple of a dataset's unit: `USD m` is a million dollars."""

import pandas as pd

from sources.errors import WrongUnit
from sources.provider import ProviderData

MULTIPLES = {"": 1, "k": 10**3, "m": 10**6, "bn": 10**9}


def multiple_of(unit: str) -> int | None:
    """The multiple of a unit; None for a unit that is not of the form `USD m`."""
    return MULTIPLES.get(unit.partition(" ")[2])


def in_unit(figures: ProviderData, *, currency: str, unit: str, where: str) -> pd.DataFrame:
    """Values in the dataset's unit. Raises WrongUnit for another currency."""
    wanted = multiple_of(unit)
    if figures.currency != currency or wanted is None:
        raise WrongUnit(where, expected=unit, found=figures.currency)
    return figures.frame.assign(value=figures.frame["value"].astype(float) / wanted)
