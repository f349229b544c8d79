"""Surprises in indicators: their months after a cutoff less the values expected at it.

An amount is compared with its forecast by a regression with airline errors on its own months up to the cutoff, in
logarithms; an index with the mean of its last three months. Known months beyond the cutoff are leads: the first lead
is the month after the cutoff.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import NDArray

from forecasting.data.calendar_regressors import CHINA, LUNAR_WINDOWS, calendar_regressors
from forecasting.data.indicators import DAY, DayArray, Indicator, IndicatorPanel
from forecasting.data.months import MONTH, MONTHS_PER_YEAR
from forecasting.forecasters.airline import airline_outliers, fit_airline, forecast_airline
from forecasting.forecasters.preprocessing import EFFECT_PRIOR, OUTLIER_DEVIATIONS, SHORTEST_REGRESSION
from forecasting.types import FloatArray, MonthArray

# January and February are published together in March: two months of indicators are then known beyond December.
LEADS = 2
LONGEST = 180
RECENT = 3
# Neighbours whose factories close for Lunar New Year too.
LUNAR_COUNTRIES = ("KOR", "HKG", "TWN", "SGP", "VNM")


@dataclass(frozen=True)
class Surprises:
    """Surprises of indicators at the folds of a panel.

    `values` has shape (indicators, folds, LEADS), in logarithms for amounts and in points for indices, NaN where a
    month is not published; `known_on`, alike, is the day its month became public; `days` (folds,) are the folds' own
    days, after which nothing may be used.
    """

    values: FloatArray
    known_on: DayArray
    days: DayArray

    def leads_at(self, fold: int) -> NDArray[np.int64]:
        """How many months beyond a fold's cutoff are known on its day, shape (indicators,)."""
        known = self.known_on[:, fold] <= self.days[fold]
        return np.asarray(np.where(known.any(axis=1), LEADS - np.argmax(known[:, ::-1], axis=1), 0), dtype=np.int64)


def find_surprises(indicators: IndicatorPanel, cutoffs: MonthArray) -> Surprises:
    """The surprises at each of the cutoffs (months), each from the values public on the day of its own month."""
    shape = (len(indicators.indicators), len(cutoffs), LEADS)
    values, known_on = np.full(shape, np.nan), np.full(shape, np.datetime64("NaT", "D"), dtype=DAY)
    for row, indicator in enumerate(indicators.indicators):
        for fold, cutoff in enumerate(cutoffs):
            for lead in range(1, LEADS + 1):
                day = indicator.first_known(cutoff.astype(MONTH) + lead)
                if not np.isnat(day) and day <= indicators.as_of:
                    known_on[row, fold, lead - 1] = day
                    values[row, fold, lead - 1] = surprise(indicator, cutoff.astype(MONTH), lead, day)
    days = np.array([indicators.day_at(cutoff) for cutoff in cutoffs], dtype=DAY)
    return Surprises(values, known_on, days)


def surprise(indicator: Indicator, cutoff: np.datetime64, lead: int, day: np.datetime64) -> float:
    """The surprise in the month `lead` months after a cutoff, as known on a day; NaN if too little is known."""
    months, values = indicator.known(day)
    past = months <= cutoff
    new = values[months == cutoff + lead]
    if not len(new) or not past.any():
        return np.nan
    if indicator.kind == "index":
        recent = values[past & (months > cutoff - RECENT)]
        return float(new[0] - recent.mean()) if len(recent) else np.nan
    expected = _expected(indicator.country, months[past], np.log(values[past]), cutoff, lead)
    return float(np.log(new[0]) - expected)


def _expected(country: str, months: MonthArray, logarithms: FloatArray, cutoff: np.datetime64, lead: int) -> float:
    """The expected logarithm `lead` months after a cutoff; NaN for a history that is short or ends before it."""
    breaks = np.flatnonzero(np.diff(months).astype(int) > 1)
    z = np.ascontiguousarray(logarithms[int(breaks[-1]) + 1 if len(breaks) else 0 :][-LONGEST:])
    if months[-1] != cutoff or len(z) < SHORTEST_REGRESSION:
        return np.nan
    return float(_forecast(z.tobytes(), int(cutoff.astype(np.int64)), country)[lead - 1])


@lru_cache(maxsize=1024)
def _forecast(logarithms: bytes, cutoff: int, country: str) -> FloatArray:
    """Expected logarithms of LEADS months after a cutoff, a number since January 1970; NaN where nothing can be fit.

    Cached, because both leads of a fold, and every configuration of a benchmark, ask for the same.
    """
    z = np.frombuffer(logarithms)
    calendar = _calendar((cutoff - len(z) + 1 + np.arange(len(z) + LEADS)).astype(MONTH), country)
    known, ahead = calendar[: len(z)], calendar[len(z) :]
    try:
        fit = fit_airline(z, known, season_length=MONTHS_PER_YEAR, prior=EFFECT_PRIOR)
        sizes = airline_outliers(fit, z - known @ fit.effects, deviations=OUTLIER_DEVIATIONS)
        if sizes.any():
            fit = fit_airline(z - sizes, known, season_length=MONTHS_PER_YEAR, prior=EFFECT_PRIOR)
    except LinAlgError:
        return np.full(LEADS, np.nan)
    forecast = forecast_airline(fit, z - sizes - known @ fit.effects, LEADS)
    return np.asarray(forecast + ahead @ fit.effects)


def _calendar(months: MonthArray, country: str) -> FloatArray:
    own = calendar_regressors(months, country)
    if country not in LUNAR_COUNTRIES:
        return own
    return np.hstack([calendar_regressors(months, CHINA)[:, : len(LUNAR_WINDOWS)], own])
