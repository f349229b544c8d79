"""Calendar regressors by reporter: the effect of holidays and working days on a month's trade.

Lunar New Year falls between 21 January and 20 February; shipments are brought forward before it, stop during it and
recover over weeks. The days of three windows around New Year's Day are allocated to months (Bell and Hillmer 1983;
Lin and Liu 2002; X-13ARIMA-SEATS `genhol`). Working days include weekend days that make up for a holiday. Reporters
other than China have working days only, where the `holidays` package covers the country.
"""

from datetime import date, timedelta
from functools import lru_cache

import chinese_calendar
import holidays
import numpy as np
from holidays.registry import COUNTRIES

from forecasting.data.months import EPOCH, MONTH, MONTHS_PER_YEAR, first_day, month_number
from forecasting.errors import NoLunarNewYear
from forecasting.types import FloatArray, MonthArray

CHINA = "CHN"
# Windows in days around New Year's Day, both ends included. At most 20 days before, so that none reaches December.
LUNAR_WINDOWS = {"pre": (-20, -1), "during": (0, 6), "post": (7, 26)}
# Years whose calendar-month means centre the regressors; fixed, so that they do not change between runs.
LUNAR_SPAN = (2000, 2026)
WORKING_DAYS_SPAN = (2004, 2026)
# Codes that the package lacks or takes for something else, such as MAR for March.
OTHER_CODES = {"BGR": "BG", "BHR": "BH", "GTM": "GT", "MAR": "MA"}
# Divided by this, the logarithm of working days and the shares of the windows have effects of similar size, so that one
# prior fits both.
WORKING_DAYS_UNIT = 0.5


def calendar_regressors(months: MonthArray, reporter: str) -> FloatArray:
    """Regressors of `months` ('datetime64[M]', shape (T,)), shape (T, k); k = 0 for a reporter without a calendar.

    CHN: the centred shares of the three Lunar New Year windows, then working days; others: working days. Working days
    are a centred logarithm divided by WORKING_DAYS_UNIT. `reporter` is an ISO 3166-1 alpha-3 code; groups have none.
    """
    names = calendar_names(reporter)
    numbers = EPOCH + months.astype(MONTH).astype(int)
    rows = [_row(number // MONTHS_PER_YEAR, number % MONTHS_PER_YEAR + 1, reporter) for number in numbers.tolist()]
    return np.array(rows, dtype=np.float64).reshape(len(months), len(names))


def calendar_names(reporter: str) -> tuple[str, ...]:
    """Names of the columns of `calendar_regressors`."""
    if reporter == CHINA:
        return (*LUNAR_WINDOWS, "working_days")
    return ("working_days",) if _has_holidays(reporter) else ()


def has_moving_new_year(reporter: str) -> bool:
    """Whether a reporter's calendar has a New Year that moves between January and February."""
    return "pre" in calendar_names(reporter)


@lru_cache(maxsize=1024)
def lunar_new_year(year: int) -> date:
    """New Year's Day of the Chinese lunisolar calendar.

    Raises:
        NoLunarNewYear: the `holidays` package does not have it.
    """
    festivals = holidays.country_holidays("CN", years=year, language="en_US")
    named = festivals.get_named("Spring Festival", lookup="icontains")
    days = [day for day in named if day.year == year]
    if not days:
        raise NoLunarNewYear(year)
    return min(days)


@lru_cache(maxsize=4096)
def lunar_shares(year: int, month: int) -> tuple[float, ...]:
    """Shares of the pre, during and post windows' days in a month; the shares of each window sum to 1 over its year."""
    new_year = lunar_new_year(year)
    return tuple(_share(new_year, window, month) for window in LUNAR_WINDOWS.values())


@lru_cache(maxsize=16384)
def working_days(year: int, month: int, reporter: str = CHINA) -> int:
    """Working days of a month in a country that `holidays` covers."""
    first = date(year, month, 1)
    after = first_day(month_number(year, month) + 1)
    days = [first + timedelta(days=i) for i in range((after - first).days)]
    if reporter == CHINA:
        try:
            return sum(chinese_calendar.is_workday(day) for day in days)
        except NotImplementedError:  # chinesecalendar has no State Council table of the year
            pass
    known = holidays.country_holidays(_two_letters()[reporter], years=year)
    return sum(known.is_working_day(day) for day in days)


def _has_holidays(reporter: str) -> bool:
    return reporter in _two_letters()


@lru_cache(maxsize=1)
def _two_letters() -> dict[str, str]:
    """Codes of two letters, by code of three letters."""
    return {codes[2]: codes[1] for codes in COUNTRIES.values() if len(codes) > 2} | OTHER_CODES


def _share(new_year: date, window: tuple[int, int], month: int) -> float:
    days = [new_year + timedelta(days=i) for i in range(window[0], window[1] + 1)]
    return sum(day.month == month for day in days) / len(days)


@lru_cache(maxsize=16384)
def _row(year: int, month: int, reporter: str) -> tuple[float, ...]:
    row: list[float] = []
    if reporter == CHINA:
        row.extend(np.subtract(lunar_shares(year, month), _mean_lunar_shares(month)).tolist())
    if _has_holidays(reporter):
        excess = np.log(working_days(year, month, reporter)) - _mean_log_working_days(month, reporter)
        row.append(float(excess / WORKING_DAYS_UNIT))
    return tuple(row)


@lru_cache(maxsize=12)
def _mean_lunar_shares(month: int) -> FloatArray:
    years = range(LUNAR_SPAN[0], LUNAR_SPAN[1] + 1)
    mean: FloatArray = np.mean([lunar_shares(year, month) for year in years], axis=0)
    return mean


@lru_cache(maxsize=1024)
def _mean_log_working_days(month: int, reporter: str) -> float:
    years = range(WORKING_DAYS_SPAN[0], WORKING_DAYS_SPAN[1] + 1)
    return float(np.mean(np.log([working_days(year, month, reporter) for year in years])))
