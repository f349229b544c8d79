"""The configuration of a forecast. With the data it determines the result to the bit."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from forecasting.prophet_options import ProphetOptions

LEVELS = (50.0, 80.0, 90.0, 95.0)
PROBABILITIES = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
"""The bounds of LEVELS and the median: the quantiles that are stored and scored."""
PIT_BINS = 10
"""Bins of the PIT histogram."""
BASELINE = "seasonal_naive"
COMBINATION = "combination"
FRESH_MONTHS = 12
"""The number of months that `fresh` weights are estimated on."""
FIRST_FOLDS = 2
FIRST_EVERY = 3
"""Folds of a preliminary run, as many burn-in folds before them, and the months from fold to fold."""


@dataclass(frozen=True, slots=True)
class ForecastConfig:
    """The configuration of a forecast: horizon in months, folds of the backtest and the months between them.

    `burn_in` folds precede the scored ones; the first weights and error distributions are estimated on them. A
    `preliminary` configuration has few folds, for a first answer soon after the start. `shortest` is the number of
    months the panel must have before its first fold. `levels` are interval levels in addition to LEVELS, in per cent;
    `forecasters` the names of those to use, all of the default set if empty. With `recent`, weights use only the errors
    of folds at most that many months before each fold.
    """

    horizon: int = 24
    folds: int = 36
    every: int = 1
    burn_in: int = 24
    shortest: int = 24
    draws: int = 1000
    seed: int = 20080101
    levels: tuple[float, ...] = ()
    forecasters: tuple[str, ...] = ()
    recent: int | None = None
    prophet: ProphetOptions = field(default_factory=ProphetOptions)
    preliminary: bool = False

    @property
    def first(self) -> "ForecastConfig":
        """A copy with few folds, for the first forecasts of a dataset."""
        folds, burn_in = min(self.folds, FIRST_FOLDS), min(self.burn_in, FIRST_FOLDS)
        return replace(self, folds=folds, burn_in=burn_in, every=FIRST_EVERY, preliminary=True)

    @property
    def probabilities(self) -> tuple[float, ...]:
        """PROBABILITIES and the bounds of the additional levels, ascending."""
        bounds = {bound for level in self.levels for bound in interval_probabilities(level)}
        return tuple(sorted({*PROBABILITIES, *bounds}))

    @property
    def fresh(self) -> "ForecastConfig":
        """A copy with weights from the last year alone, for use after a break in accuracy."""
        return replace(self, recent=FRESH_MONTHS)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ForecastConfig":
        """The inverse of `as_dict`; lists from JSON become tuples."""
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        if "prophet" in plain:
            plain["prophet"] = ProphetOptions.from_dict(plain["prophet"])
        return cls(**plain)

    def as_dict(self) -> dict[str, Any]:
        """The configuration as plain values; `prophet` and `preliminary` where they differ from the defaults."""
        values = asdict(self)
        del values["prophet"]
        if not self.preliminary:
            del values["preliminary"]
        if self.prophet != ProphetOptions():
            values["prophet"] = self.prophet.as_dict()
        return values

    @property
    def digest(self) -> str:
        """SHA-256 of the configuration, in hexadecimal."""
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()


def interval_probabilities(level: float) -> tuple[float, float]:
    """The probabilities of the lower and upper bound of a central interval of `level` per cent."""
    tail = round((100 - level) / 200, 10)
    return tail, round(1 - tail, 10)
