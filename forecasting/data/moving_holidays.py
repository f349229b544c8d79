"""Moving holidays by reporter and partner: festivals whose date in the Gregorian calendar changes from year to year.

The days of windows around a festival are allocated to months, as those of China's New Year (Bell and Hillmer 1983).
Dates are those of the `holidays` package. Whether a festival moves the trade of a series is
tested per series (forecasters/calendar_choice.py). Holidays with fixed dates, such as Japan's Golden Week, are part of
working days. China's New Year is not tested: its regressors are part of `calendar_regressors`.
"""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import holidays
import numpy as np

from forecasting.data.calendar_regressors import CHINA, LUNAR_WINDOWS, lunar_new_year
from forecasting.data.months import EPOCH, MONTH, MONTHS_PER_YEAR
from forecasting.types import FloatArray, MonthArray

# Years whose calendar-month means centre the regressors: a whole cycle of the Islamic calendar.
CENTRE_SPAN = (2000, 2032)
FIRST_YEAR, LAST_YEAR = 1970, 2035


@dataclass(frozen=True)
class Festival:
    """Dates of a festival in a year, none where unknown, and windows in days around them, both ends included."""

    dates: Callable[[int], tuple[date, ...]]
    windows: tuple[tuple[int, int], ...]


def _lunar_new_year(year: int) -> tuple[date, ...]:
    return (lunar_new_year(year),)


def _easter_monday(year: int) -> tuple[date, ...]:
    return tuple(day for day in _first_days("DE", "Easter Monday") if day.year == year)


def _eid_al_fitr(year: int) -> tuple[date, ...]:
    return tuple(day for day in _first_days("TR", "Eid al-Fitr") if day.year == year)


def _eid_al_adha(year: int) -> tuple[date, ...]:
    return tuple(day for day in _first_days("TR", "Eid al-Adha") if day.year == year)


def _diwali(year: int) -> tuple[date, ...]:
    return tuple(day for day in _first_days("IN", "Diwali") if day.year == year)


FESTIVALS: dict[str, Festival] = {
    "lunar_new_year": Festival(_lunar_new_year, tuple(LUNAR_WINDOWS.values())),
    "ramadan": Festival(_eid_al_fitr, ((-29, -1), (0, 6))),
    "eid_al_adha": Festival(_eid_al_adha, ((0, 6),)),
    "easter": Festival(_easter_monday, ((-7, 0),)),
    "diwali": Festival(_diwali, ((-3, 3),)),
}
LUNAR = ("HKG", "KOR", "MYS", "SGP", "TWN", "VNM")
ISLAMIC = (
    *("AFG", "ARE", "AZE", "BGD", "BHR", "BRN", "DZA", "EGY", "IDN", "IRN", "IRQ", "JOR", "KAZ", "KGZ", "KWT", "LBN"),
    *("LBY", "MAR", "MRT", "MYS", "OMN", "PAK", "QAT", "SAU", "SEN", "TUN", "TUR", "UZB"),
)
EUROPE = (
    *("ALB", "AUT", "BEL", "BGR", "BIH", "BLR", "CHE", "CYP", "CZE", "DEU", "DNK", "ESP", "EST", "FIN", "FRA", "GBR"),
    *("GRC", "HRV", "HUN", "IRL", "ISL", "ITA", "LTU", "LUX", "LVA", "MDA", "MKD", "MLT", "MNE", "NLD", "NOR", "POL"),
    *("PRT", "ROU", "RUS", "SRB", "SVK", "SVN", "SWE", "UKR"),
)
LATIN_AMERICA = (
    *("ARG", "BOL", "BRA", "CHL", "COL", "CRI", "DOM", "ECU", "GTM", "HND", "MEX", "NIC", "PAN", "PER", "PRY", "SLV"),
    *("URY", "VEN"),
)
OBSERVED: dict[str, tuple[str, ...]] = {
    "lunar_new_year": LUNAR,
    "ramadan": ISLAMIC,
    "eid_al_adha": ISLAMIC,
    "easter": (*EUROPE, *LATIN_AMERICA),
    "diwali": ("IND",),
}


def moving_holidays(reporter: str, partner: str = "") -> tuple[str, ...]:
    """The names of the festivals that may move trade of a reporter with a partner, ISO 3166-1 alpha-3 codes.

    Those that the reporter observes, and China's New Year for trade with China, whose ports and factories stop. The
    festivals of other partners gained nothing (benchmarks/results/calendars.md).
    """
    observed = tuple(name for name, reporters in OBSERVED.items() if reporter in reporters)
    abroad = partner == CHINA and reporter != CHINA and "lunar_new_year" not in observed
    return ("lunar_new_year", *observed) if abroad else observed


def holiday_regressors(months: MonthArray, festival: str) -> FloatArray:
    """Regressors of `months` ('datetime64[M]', shape (T,)), shape (T, windows): centred shares of a festival's windows.

    Zero in years without a known date.
    """
    numbers = EPOCH + months.astype(MONTH).astype(int)
    rows = [_row(festival, number // MONTHS_PER_YEAR, number % MONTHS_PER_YEAR + 1) for number in numbers.tolist()]
    return np.array(rows, dtype=np.float64).reshape(len(months), len(FESTIVALS[festival].windows))


@lru_cache(maxsize=16384)
def _row(festival: str, year: int, month: int) -> tuple[float, ...]:
    if not FESTIVALS[festival].dates(year):
        return (0.0,) * len(FESTIVALS[festival].windows)
    return tuple(np.subtract(_shares(festival, year, month), _mean_shares(festival, month)).tolist())


@lru_cache(maxsize=256)
def _mean_shares(festival: str, month: int) -> FloatArray:
    years = [year for year in range(CENTRE_SPAN[0], CENTRE_SPAN[1] + 1) if FESTIVALS[festival].dates(year)]
    mean: FloatArray = np.mean([_shares(festival, year, month) for year in years], axis=0)
    return mean


def _shares(festival: str, year: int, month: int) -> list[float]:
    """The share of each window's days in a month; a festival may fall in a year twice."""
    chosen = FESTIVALS[festival]
    dates = [day for near in (year - 1, year, year + 1) for day in chosen.dates(near)]
    return [_share(dates, window, year, month) for window in chosen.windows]


def _share(dates: Iterable[date], window: tuple[int, int], year: int, month: int) -> float:
    days = [day + timedelta(days=offset) for day in dates for offset in range(window[0], window[1] + 1)]
    return sum((day.year, day.month) == (year, month) for day in days) / (window[1] - window[0] + 1)


@lru_cache(maxsize=8)
def _first_days(country: str, name: str) -> tuple[date, ...]:
    """The first day of each festival of a name in a country's public holidays."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package warns of years that it does not have
        known = holidays.country_holidays(country, years=range(FIRST_YEAR, LAST_YEAR + 1), language="en_US")
    days = sorted(known.get_named(name, lookup="icontains"))
    return tuple(day for place, day in enumerate(days) if not place or (day - days[place - 1]).days > 1)
