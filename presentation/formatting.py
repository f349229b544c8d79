"""Numbers and dates in the style of economic reports: USD 395bn, +19 %, August 2026."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Any

NBSP = "\u00a0"
MINUS = "\u2212"
NOTHING = "–"
SCALES = {"": 1.0, "k": 1e3, "m": 1e6, "bn": 1e9, "tn": 1e12}
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
FLOW_NAMES = {"X": "exports", "M": "imports", "B": "balance"}
STAGES = {"fit": ("forecasting", " series"), "backtest": ("backtest", " folds")}
"""Names of the stages of a run, and of their parts."""
STATUS_SIGNS = {"published": "✓", "failed": "✗", "running": "…", "queued": "○", "unchanged": "="}


def month_name(month: date | str | None) -> str:
    """August 2026, from a date or from YYYY-MM."""
    if month is None:
        return NOTHING
    year, number = (int(part) for part in str(month)[:7].split("-"))
    return f"{MONTHS[number - 1]} {year}"


def month_names(months: Sequence[date]) -> str:
    """August, September and October 2026: months with their year where it changes."""
    texts = [
        MONTHS[month.month - 1] if month.year == following.year else month_name(month)
        for month, following in pairwise(months)
    ]
    texts += [month_name(month) for month in months[-1:]]
    return f"{', '.join(texts[:-1])} and {texts[-1]}" if len(texts) > 1 else "".join(texts)


def period_name(period: str) -> str:
    """August 2026, Q3 2026, 2026, January and February 2026, or January to August 2026, from the label of a period."""
    if "/" in period:
        first, last = period.split("/")
        start = MONTHS[int(first[5:7]) - 1] if first[:4] == last[:4] else month_name(first)
        adjacent = first[:4] == last[:4] and int(last[5:7]) == int(first[5:7]) + 1
        return f"{start} {'and' if adjacent else 'to'} {month_name(last)}"
    if "Q" in period:
        return f"{period[5:]} {period[:4]}"
    return month_name(period) if len(period) >= len("2026-08") else period


def day_name(day: date | datetime | None) -> str:
    """21 November 2026."""
    return NOTHING if day is None else f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def moment_name(moment: datetime | None) -> str:
    """21 November 2026, 21:47 UTC."""
    return NOTHING if moment is None else f"{day_name(moment)}, {moment:%H:%M} UTC"


def duration(seconds: float) -> str:
    """28 s, 4 min 10 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def digits(value: float, significant: int = 3) -> str:
    """A number with three significant digits, or all of its integer digits: 1,234, 395, 39.5, −0.123."""
    if value == 0:
        return "0"
    places = max(significant - 1 - _magnitude(value, significant), 0)
    return f"{value:,.{places}f}".replace("-", MINUS)


def _magnitude(value: float, significant: int) -> int:
    # The magnitude of the rounded number: 9.996 is 10.0.
    return int(f"{value:.{significant - 1}e}".split("e")[1])


def money(value: float | None, unit: str) -> str:
    """USD 395bn, USD 1.30tn: a value of a unit such as `USD bn`, rescaled to a readable magnitude."""
    if value is None:
        return NOTHING
    found = re.fullmatch(r"(\w{3}) (k|m|bn|tn)", unit)
    if found is None:
        return f"{digits(value)}{NBSP}{unit}"
    currency, scale = found.groups()
    whole = abs(value) * SCALES[scale]
    name = next((name for name in ("tn", "bn", "m", "k") if whole >= 0.9995 * SCALES[name]), scale)
    if whole == 0:
        name = scale
    sign = MINUS if value < 0 else ""
    return f"{sign}{currency}{NBSP}{digits(whole / SCALES[name])}{name}"


def round_money(value: float | None, unit: str) -> str:
    """USD 1.1tn: as `money`, without trailing zeros."""
    return (
        re.sub(r"\.?0+(?=[a-z]*$)", "", money(value, unit))
        if value is not None and "." in money(value, unit)
        else money(value, unit)
    )


def signed(value: float | None, suffix: str = "") -> str:
    """+19, −2.4: a signed change, without decimals from ten."""
    if value is None:
        return NOTHING
    text = f"{value:+,.0f}" if abs(value) >= 9.95 else f"{value:+.1f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("+-")
    return text.replace("-", MINUS) + suffix


def per_cent_change(value: float | None) -> str:
    """+19 %."""
    return signed(value, f"{NBSP}%")


def points(value: float | None) -> str:
    """+1.4 pp."""
    return signed(value, f"{NBSP}pp")


def size_of_points(value: float | None) -> str:
    """1.4 pp: an unsigned size."""
    return points(value).removeprefix("+")


def share(value: float | None) -> str:
    """97 %: a probability between 0 and 1; never 0 or 100 %, which simulation cannot establish."""
    if value is None:
        return NOTHING
    if value < 0.005:
        return f"below 1{NBSP}%"
    if value > 0.995:
        return f"above 99{NBSP}%"
    return f"{100 * value:.0f}{NBSP}%"


def share_of(value: float | None) -> str:
    """78.4 %: a share between 0 and 1."""
    return NOTHING if value is None else f"{100 * value:.1f}{NBSP}%"


def per_cent(value: float | None) -> str:
    """12.3 %: a value in per cent."""
    return NOTHING if value is None else f"{digits(value)}{NBSP}%"


def unbroken(text: str) -> str:
    """A text in which no line ends between a figure and its % sign."""
    return text.replace(" %", f"{NBSP}%")


def ratio(value: float | None) -> str:
    """0.83."""
    return NOTHING if value is None else f"{value:.2f}".replace("-", MINUS)


def inside_sentence(name: str) -> str:
    """Exports to Germany: a name with a small first letter."""
    return name[:1].lower() + name[1:]


def plain(value: Any) -> str:
    """Any value as text; None as a dash."""
    return NOTHING if value is None else str(value)


def number(value: float | None) -> str:
    """395, 39.5, 1,234: a number; integers in full."""
    if isinstance(value, int):
        return f"{value:,}"
    return NOTHING if value is None else digits(value)


def count_of(number: int, word: str, plural: str | None = None) -> str:
    """1 run, 3 runs, 4 series."""
    return f"{number:,}{NBSP}{word if number == 1 else plural or word + 's'}"
