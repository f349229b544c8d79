"""The in-process fit as a Stan backend of Prophet, through the library's own interface; Stan fits the other options."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
from cachetools import LRUCache, cached
from prophet import Prophet
from prophet.models import CmdStanPyBackend, IStanBackend, StanBackendEnum, TrendIndicator

from forecasting.forecasters.prophet.map_fit import MapDesign, MapFit, fit_map, make_design

Modes = dict[Any, list[str]]
"""Names of components by mode, additive or multiplicative."""


class MapBackend(IStanBackend):
    """A Stan backend for Prophet that optimises in process, and calls Stan for the options that it lacks.

    Stan is used, and only then loaded, for logistic growth, multiplicative features, sampling, and whenever arguments
    meant for Stan are passed to `Prophet.fit`.
    """

    @staticmethod
    def get_type() -> str:
        """The backend that Prophet's diagnostics build a copy with: Stan's."""
        return str(StanBackendEnum.CMDSTANPY.name)

    def load_model(self) -> Any:
        """Nothing: Stan's program is loaded when it is first needed."""
        return None

    def fit(self, stan_init: dict[str, Any], stan_data: dict[str, Any], **kwargs: Any) -> OrderedDict[str, Any]:
        """Parameters in the shapes of Stan's backend, each (1, size), with `lp__` and `trend`."""
        logistic = stan_data["trend_indicator"] == TrendIndicator.LOGISTIC.value
        if logistic or kwargs or np.any(np.asarray(stan_data["s_m"])):
            return self._ask_stan(lambda stan: stan.fit(stan_init, stan_data, **kwargs))
        design = make_design(
            t=np.asarray(stan_data["t"], dtype=float),
            changepoints=np.asarray(stan_data["t_change"], dtype=float),
            features=np.asarray(stan_data["X"], dtype=float) * np.asarray(stan_data["s_a"]),
            scales=np.asarray(stan_data["sigmas"], dtype=float),
            tau=stan_data["tau"],
            flat=stan_data["trend_indicator"] == TrendIndicator.FLAT.value,
        )
        return _as_stan(design, fit_map(design, np.asarray(stan_data["y"], dtype=float)))

    def sampling(
        self, stan_init: dict[str, Any], stan_data: dict[str, Any], samples: int, **kwargs: Any
    ) -> OrderedDict[str, Any]:
        """Posterior draws, by Stan."""
        return self._ask_stan(lambda stan: stan.sampling(stan_init, stan_data, samples, **kwargs))

    def cleanup(self) -> None:
        """Remove the files Stan left, if it was used."""
        if self.model is not None:
            self.model.cleanup()

    def _ask_stan(self, ask: Callable[[CmdStanPyBackend], OrderedDict[str, Any]]) -> OrderedDict[str, Any]:
        self.model = self.model or CmdStanPyBackend()
        self.model.newton_fallback = self.newton_fallback
        params = ask(self.model)
        self.stan_fit = self.model.stan_fit
        return params


class MapProphet(Prophet):
    """Prophet itself, fitted by MapBackend; Stan's program is not loaded until the backend asks for it."""

    def _load_stan_backend(self, stan_backend: str | None) -> None:
        self.stan_backend = MapBackend()

    def regressor_column_matrix(self, seasonal_features: pd.DataFrame, modes: Modes) -> tuple[pd.DataFrame, Modes]:
        """The components that each column is part of, and the components by mode.

        They follow from names alone, which the series of a panel share. To build them is 40 % of the library's time.
        """
        columns, extended = _component_columns(self, seasonal_features, modes)
        return columns.copy(), {mode: list(names) for mode, names in extended.items()}


def _names(model: Prophet, features: pd.DataFrame, modes: Modes) -> Hashable:
    """Everything that the components of columns depend on."""
    return (
        tuple(features.columns),
        tuple((mode, tuple(names)) for mode, names in modes.items()),
        tuple((name, properties["mode"]) for name, properties in model.extra_regressors.items()),
        None if model.train_holiday_names is None else tuple(model.train_holiday_names),
        model.holidays_mode,
        None if model.train_component_cols is None else tuple(model.train_component_cols.columns),
    )


@cached(LRUCache(256), key=_names, lock=Lock())
def _component_columns(model: Prophet, features: pd.DataFrame, modes: Modes) -> tuple[pd.DataFrame, Modes]:
    return Prophet.regressor_column_matrix(model, features, {mode: list(names) for mode, names in modes.items()})


def _as_stan(design: MapDesign, fit: MapFit) -> OrderedDict[str, Any]:
    rate_offset = design.columns[:, :2] @ np.array([fit.k, fit.m])
    trend = rate_offset + design.columns[:, -design.hinges :] @ fit.delta
    named = {"lp__": fit.log_posterior, "k": fit.k, "m": fit.m, "delta": fit.delta}
    named |= {"sigma_obs": fit.sigma, "beta": fit.beta, "trend": trend}
    return OrderedDict((name, np.array(value, dtype=float).reshape(1, -1)) for name, value in named.items())
