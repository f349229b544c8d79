"""The forecasters: a dict of frozen, stateless objects. A new forecaster is one class and one line here."""

from collections.abc import Sequence
from dataclasses import replace

from forecasting.forecasters.arima import ARIMA
from forecasting.forecasters.base import Forecaster
from forecasting.forecasters.exponential_smoothing import CES, ETS, TSB
from forecasting.forecasters.naive import Naive, SeasonalMean, SeasonalNaive
from forecasting.forecasters.own_regressors import WithRegressors
from forecasting.forecasters.prophet.forecaster import AnchoredProphet
from forecasting.forecasters.prophet.library import LibraryProphet
from forecasting.forecasters.structural import Structural
from forecasting.forecasters.theta import Theta
from forecasting.prophet_options import ProphetOptions

FORECASTERS: dict[str, Forecaster] = {
    "naive": Naive(),
    "seasonal_naive": SeasonalNaive(),
    "seasonal_mean": SeasonalMean(),
    "prophet": AnchoredProphet(),
    "ets": ETS(),
    "theta": Theta(),
    "ces": CES(),
    "arima": ARIMA(),
    "tsb": TSB(),
    "structural": Structural(),
    "structural_evolving": Structural(season_memory=8.0),
    "prophet_library": LibraryProphet(),
}
REGRESSIONS = ("structural", "structural_evolving", "arima", "prophet", "prophet_library")
"""Forecasters with calendar regressors, which a dataset's own regressors may join."""
WITH_REGRESSORS = {name: f"{name}_regressors" for name in REGRESSIONS}
"""The forecaster with own regressors by the name of the same without them."""
FORECASTERS |= {WITH_REGRESSORS[name]: WithRegressors(FORECASTERS[name]) for name in REGRESSIONS}
ON_REQUEST = ("prophet_library", *WITH_REGRESSORS.values())
"""Forecasters that do not run by default."""
DEFAULT_FORECASTERS = tuple(name for name in FORECASTERS if name not in ON_REQUEST)


def configured_forecaster(name: str, prophet: ProphetOptions) -> Forecaster:
    """The forecaster with a name; `prophet` are the options of prophet_library."""
    if name == WITH_REGRESSORS["prophet_library"]:
        # Own regressors stand beside the calendar, which the options may leave out.
        return WithRegressors(LibraryProphet(replace(prophet, calendar=True)))
    forecaster = FORECASTERS[name]
    return replace(forecaster, options=prophet) if isinstance(forecaster, LibraryProphet) else forecaster


def regressor_pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """The regressions among some forecasters that are there without and with own regressors, as pairs."""
    return [(plain, name) for plain, name in WITH_REGRESSORS.items() if plain in names and name in names]


def with_own_regressors(names: Sequence[str]) -> tuple[str, ...]:
    """Some forecasters, and each regression of them with own regressors; `structural` where there is none."""
    plain = [name for name in REGRESSIONS if name in names] or ["structural"]
    return tuple(dict.fromkeys((*names, *plain, *(WITH_REGRESSORS[name] for name in plain))))


__all__ = [
    "DEFAULT_FORECASTERS",
    "FORECASTERS",
    "WITH_REGRESSORS",
    "Forecaster",
    "configured_forecaster",
    "regressor_pairs",
    "with_own_regressors",
]
