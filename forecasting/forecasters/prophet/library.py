"""The Prophet library itself (Taylor and Letham 2018): a forecaster with the library's own options.

The maximum a posteriori fit runs in process where `MapBackend` can compute it (linear or flat trend, additive terms)
and in Stan otherwise. prophet is imported on the first fit, because the import takes seconds.
"""

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecasting.data.history import History
from forecasting.data.months import MONTH
from forecasting.errors import ForecasterFailed
from forecasting.forecasters.base import require_finite, require_observations
from forecasting.forecasters.scaling import scale_of
from forecasting.prophet_options import ProphetOptions
from forecasting.types import FloatArray, MonthArray

if TYPE_CHECKING:
    from prophet import Prophet

CALENDAR = "calendar_"
"""Prefix of the columns with calendar regressors."""


@dataclass(frozen=True, slots=True)
class LibraryProphet:
    """Prophet with the library's options; see ProphetOptions."""

    options: ProphetOptions = field(default_factory=ProphetOptions)
    prior_weight: float = 1.0

    @property
    def min_observations(self) -> int:
        """Two years: the season is estimated with the library's weak prior."""
        return 24

    def forecast(self, history: History) -> FloatArray:
        """Mean forecasts, shape (horizon,), in the units of `y`. Raises TooFewObservations or ForecasterFailed."""
        require_observations(self, history)
        y = np.asarray(history.y, dtype=np.float64)
        if np.ptp(y) == 0.0:
            return np.full(history.horizon, y[-1])
        scale = scale_of(y, allow_log=self.options.log and self.options.growth != "logistic")
        try:
            predicted = fit_and_predict(scale.to(y), history.months, history.calendar, self.options)
        except Exception as error:  # the library raises many exception types on degenerate series
            raise ForecasterFailed(history.unique_id, type(self).__name__, repr(error)) from error
        ahead = predicted["yhat"].to_numpy(dtype=np.float64)[len(y) :]
        return require_finite(self, history, scale.back(ahead))


def fit_and_predict(z: FloatArray, months: MonthArray, calendar: FloatArray, options: ProphetOptions) -> pd.DataFrame:
    """The library's components and `yhat` for all `months` (n + horizon,), fitted to the first n values `z`.

    `calendar` has shape (n + horizon, k); its columns are named calendar_0 to calendar_(k - 1).
    """
    frame = _frame(z, months, calendar, options)
    model = _model(options, calendar.shape[1])
    model.fit(frame.iloc[: len(z)].assign(y=z))
    return model.predict(frame)


def _frame(z: FloatArray, months: MonthArray, calendar: FloatArray, options: ProphetOptions) -> pd.DataFrame:
    columns: dict[str, Any] = {"ds": months.astype("datetime64[ns]")}
    if options.calendar:
        columns |= {f"{CALENDAR}{column}": calendar[:, column] for column in range(calendar.shape[1])}
    labels = months.astype(MONTH).astype(str)
    for name, by_month in options.regressors:
        values = dict(by_month)
        columns[name] = [float(values.get(label, 0.0)) for label in labels]
    if options.growth == "logistic":
        columns |= {"cap": options.capacity * float(z.max()), "floor": min(float(z.min()), 0.0)}
    return pd.DataFrame(columns)


def _model(options: ProphetOptions, calendar_columns: int) -> "Prophet":
    # The library warns at import that plotly is missing, which nothing here uses.
    logging.getLogger("prophet.plot").disabled = True
    from forecasting.forecasters.prophet.library_backend import MapProphet

    model = MapProphet(
        growth=options.growth,
        n_changepoints=options.n_changepoints,
        changepoint_range=options.changepoint_range,
        changepoint_prior_scale=options.changepoint_prior_scale,
        yearly_seasonality=options.yearly_seasonality,
        weekly_seasonality=False,
        daily_seasonality=False,
        seasonality_mode=options.seasonality_mode,
        seasonality_prior_scale=options.seasonality_prior_scale,
        holidays=_holidays(options),
        holidays_prior_scale=options.holidays_prior_scale,
        scaling="absmax" if options.growth == "logistic" else "minmax",
        uncertainty_samples=0,
    )
    calendar = [f"{CALENDAR}{column}" for column in range(calendar_columns)] if options.calendar else []
    for name in (*calendar, *(name for name, _ in options.regressors)):
        model.add_regressor(name, prior_scale=options.regressor_prior_scale, standardize=False)
    return model


def _holidays(options: ProphetOptions) -> pd.DataFrame | None:
    rows = [(name, month) for name, months in options.holidays for month in months]
    if not rows:
        return None
    names, months = zip(*rows, strict=True)
    return pd.DataFrame({"holiday": names, "ds": pd.to_datetime(pd.Series(months), format="%Y-%m")})
