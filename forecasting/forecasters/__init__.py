"""The forecasters: a dict of frozen, stateless objects. A new forecaster is one class and one line here."""

from dataclasses import replace

from forecasting.forecasters.arima import ARIMA
from forecasting.forecasters.base import Forecaster
from forecasting.forecasters.exponential_smoothing import CES, ETS, TSB, Theta
from forecasting.forecasters.naive import Naive, SeasonalMean, SeasonalNaive
from forecasting.forecasters.own_regressors import WithRegressors
from forecasting.forecasters.prophet.forecaster import AnchoredProphet
from forecasting.forecasters.prophet.library import LibraryProphet
from forecasting.forecasters.structural import Structural
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
    "structural_regressors": WithRegressors(),
    "prophet_library": LibraryProphet(),
}
WITHOUT_REGRESSORS, WITH_REGRESSORS = "structural", "structural_regressors"
"""The forecaster that runs where a dataset has own regressors, and the same without them."""
ON_REQUEST = ("prophet_library", WITH_REGRESSORS)
"""Forecasters that do not run by default."""
DEFAULT_FORECASTERS = tuple(name for name in FORECASTERS if name not in ON_REQUEST)


def configured_forecaster(name: str, prophet: ProphetOptions) -> Forecaster:
    """The forecaster with a name; `prophet` are the options of prophet_library."""
    forecaster = FORECASTERS[name]
    return replace(forecaster, options=prophet) if isinstance(forecaster, LibraryProphet) else forecaster


__all__ = [
    "DEFAULT_FORECASTERS",
    "FORECASTERS",
    "WITHOUT_REGRESSORS",
    "WITH_REGRESSORS",
    "Forecaster",
    "configured_forecaster",
]
