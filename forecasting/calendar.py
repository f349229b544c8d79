"""Calendar regressors by reporter: what the date of a holiday does to a month's trade.

Lunar New Year falls between 21 January and 20 February; shipments are pulled forward before it, stop during it and take weeks
to recover. Each of three windows around New Year's Day is spread over the months by days (Bell and Hillmer 1983; Lin and Liu
2002; X-13ARIMA-SEATS `genhol`). Working days count make-up weekends as worked.
"""

from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache

import chinese_calendar
import holidays
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
MonthArray = NDArray[np.datetime64]

# Windows in days around New Year's Day, first and last day included. At most 20 days before never reach December.
LUNAR_WINDOWS = {"pre": (-20, -1), "during": (0, 6), "post": (7, 26)}
# Regressors are centred by calendar-month means over a fixed span, so that retraining never moves them.
LUNAR_SPAN = (2000, 2026)
WORKING_DAYS_SPAN = (2004, 2026)


def calendar_regressors(months: MonthArray, reporter: str) -> FloatArray:
    """Regressors of `months` ('datetime64[M]', shape (T,)), shape (T, k); k = 0 for a reporter without a calendar here.

    CHN: the centred shares of the three Lunar New Year windows, then the centred logarithm of working days; no unit.
    """
    regressors = _REGRESSORS.get(reporter)
    if regressors is None or len(months) == 0:
        return np.zeros((len(months), len(calendar_names(reporter))))
    rows = [regressors(*divmod(int(month), 12)) for month in months.astype("datetime64[M]").astype(int)]
    return np.array(rows, dtype=np.float64)


def calendar_names(reporter: str) -> tuple[str, ...]:
    """Names of the columns of `calendar_regressors`."""
    return (*LUNAR_WINDOWS, "working_days") if reporter in _REGRESSORS else ()


@lru_cache(maxsize=1024)
def lunar_new_year(year: int) -> date:
    """New Year's Day of the Chinese lunisolar calendar."""
    days = holidays.country_holidays("CN", years=year).get_named("Spring Festival", lookup="icontains")
    return min(day for day in days if day.year == year)


@lru_cache(maxsize=4096)
def lunar_shares(year: int, month: int) -> tuple[float, float, float]:
    """Share of the pre, during and post windows' days that fall in a month; each window sums to 1 over its year."""
    new_year = lunar_new_year(year)
    return tuple(_share(new_year, window, month) for window in LUNAR_WINDOWS.values())  # type: ignore[return-value]


@lru_cache(maxsize=4096)
def working_days(year: int, month: int) -> int:
    """Working days of a month in China, weekends worked to make up for a holiday included."""
    first = date(year, month, 1)
    after = date(year + month // 12, month % 12 + 1, 1)
    days = [first + timedelta(days=i) for i in range((after - first).days)]
    try:
        return sum(chinese_calendar.is_workday(day) for day in days)
    except NotImplementedError:  # a year the State Council's table in chinesecalendar does not reach
        known = holidays.country_holidays("CN", years=year)
        return sum(known.is_working_day(day) for day in days)


def _share(new_year: date, window: tuple[int, int], month: int) -> float:
    days = [new_year + timedelta(days=i) for i in range(window[0], window[1] + 1)]
    return sum(day.month == month for day in days) / len(days)


@lru_cache(maxsize=4096)
def _china(years_since_1970: int, month_index: int) -> tuple[float, ...]:
    year, month = 1970 + years_since_1970, month_index + 1
    shares = np.subtract(lunar_shares(year, month), _mean_lunar_shares(month))
    return (*shares.tolist(), float(np.log(working_days(year, month)) - _mean_log_working_days(month)))


@lru_cache(maxsize=12)
def _mean_lunar_shares(month: int) -> FloatArray:
    years = range(LUNAR_SPAN[0], LUNAR_SPAN[1] + 1)
    mean: FloatArray = np.mean([lunar_shares(year, month) for year in years], axis=0)
    return mean


@lru_cache(maxsize=12)
def _mean_log_working_days(month: int) -> float:
    years = range(WORKING_DAYS_SPAN[0], WORKING_DAYS_SPAN[1] + 1)
    return float(np.mean(np.log([working_days(year, month) for year in years])))


_REGRESSORS: dict[str, Callable[[int, int], tuple[float, ...]]] = {"CHN": _china}
