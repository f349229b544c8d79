"""The forecasters: a dict of frozen, stateless objects. A new forecaster is one class and one line here."""

from forecasting.forecasters.arima import ARIMA
from forecasting.forecasters.base import Forecaster
from forecasting.forecasters.exponential_smoothing import CES, ETS, TSB, Theta
from forecasting.forecasters.naive import Naive, SeasonalMean, SeasonalNaive
from forecasting.forecasters.prophet.forecaster import AnchoredProphet
from forecasting.forecasters.structural import Structural

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
}

__all__ = ["FORECASTERS", "Forecaster"]
