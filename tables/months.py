"""Formats of months: 2024-01, 2024M01, 2024/01, 01/2024, Jan-24, January 2001, 202401, Excel serials.

All cells of a column must have the same format. A day denotes its month only if it is the first or last of the month,
so that daily data are never read as months; this also distinguishes 01/02/2024 of one country from that of another.
"""

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

WANTED = "months are written YYYY-MM, such as 2024-01"
NAMES = (
    ("jan", "january"),
    ("feb", "february"),
    ("mar", "march"),
    ("apr", "april"),
    ("may",),
    ("jun", "june"),
    ("jul", "july"),
    ("aug", "august"),
    ("sep", "sept", "september"),
    ("oct", "october"),
    ("nov", "november"),
    ("dec", "december"),
)
WORDS = {word: number for number, words in enumerate(NAMES, start=1) for word in words}
SERIAL_ZERO = date(1899, 12, 30)
"""Day 0 of the 1900 date system of Excel, for all days after February 1900."""
SAMPLE = 1000
Y, YY, M, MM, D = r"(?P<y>[0-9]{4})", r"(?P<y>[0-9]{2})", r"(?P<m>[0-9]{1,2})", r"(?P<m>[0-9]{2})", r"(?P<d>[0-9]{1,2})"
WORD, MIDNIGHT = r"(?P<m>[A-Za-z]{3,9})\.?", r"([T ]00:00(:00(\.0+)?)?(Z|\+00:00)?)?"
QUARTER = re.compile(r"[0-9]{4}[ -]?Q[1-4]|Q[1-4][ /-]?[0-9]{4}", re.IGNORECASE)
LOST_ZERO, ANY_DAY = (
    re.compile(r"[0-9]{4}\.1"),
    re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]{1,2}[./-][0-9]{1,2}[./-].*"),
)


@dataclass(frozen=True, slots=True)
class Form:
    """A way of writing months; with `end` a day must be its month's last, otherwise its first."""

    pattern: "re.Pattern[str]"
    end: bool = False

    def read(self, text: str, latest: int) -> date | None:
        """The first day of the month, None where the text is not of this form; two-digit years end with `latest`."""
        found = self.pattern.fullmatch(text)
        if not found:
            return None
        parts = found.groupdict()
        if "serial" in parts:
            return self._whole(SERIAL_ZERO + timedelta(days=int(parts["serial"])))
        year, word = int(parts["y"]), parts["m"].casefold()
        if len(parts["y"]) == 2:
            year += 2000 if 2000 + year <= latest else 1900
        month = int(word) if word.isdecimal() else WORDS.get(word, 0)
        try:
            return self._whole(
                date(year, month, int(parts.get("d") or (monthrange(year, month)[1] if self.end else 1)))
            )
        except ValueError:
            return None

    def _whole(self, day: date) -> date | None:
        """The day's month, if it is the day that stands for one; within the years `datetime64[ns]` can hold."""
        if day.day != (monthrange(day.year, day.month)[1] if self.end else 1):
            return None
        return min(max(day.replace(day=1), date(1700, 1, 1)), date(2200, 1, 1))


def _forms() -> Iterable[Form]:
    whole = (
        rf"{Y}-{M}",
        rf"{Y}[ -]?[Mm]{M}",
        rf"{Y}/{M}",
        rf"{Y}\.{MM}",
        rf"{Y} {MM}",
        rf"{Y}{MM}",
        rf"{M}[/.-]{Y}",
        rf"{WORD}[ /,-]*{Y}",
        rf"{WORD}[ /-]?'?{YY}",
        rf"{Y}[ /-]?{WORD}",
        rf"{Y}年{M}月",
    )
    days = (
        rf"{Y}-{M}-{D}{MIDNIGHT}",
        rf"{Y}/{M}/{D}{MIDNIGHT}",
        rf"{Y}\.{M}\.{D}",
        rf"{Y}{MM}(?P<d>[0-9]{{2}})",
        rf"{D}[/.-]{M}[/.-]{Y}{MIDNIGHT}",
        rf"{M}[/.-]{D}[/.-]{Y}{MIDNIGHT}",
        rf"{D}[ /-]?{WORD}[ /,-]*{Y}",
        rf"{D}[ /-]{WORD}[ /-]{YY}",
        rf"{WORD} {D},? {Y}",
        r"(?P<serial>[0-9]{5})",
    )
    yield from (Form(re.compile(pattern)) for pattern in whole)
    for end in (False, True):
        yield from (Form(re.compile(pattern), end) for pattern in days)


FORMS = tuple(_forms())


def read_months(texts: list[str], *, latest: int) -> list[date | None]:
    """The months that distinct texts say, None where there is none.

    The form is the one that reads most of the first texts. `latest` is the last year that a two-digit year may mean.
    """
    form = best_form(texts, latest=latest)
    return [form.read(text, latest) for text in texts]


def best_form(texts: list[str], *, latest: int) -> Form:
    """The form that reads most of the first texts; of several, the first in FORMS."""
    sample = texts[:SAMPLE]
    return max(FORMS, key=lambda form: sum(form.read(text, latest) is not None for text in sample))


def month_reason(text: str, *, latest: int) -> str:
    """The reason why a text is no month, or has another form than the others, and the expected form."""
    if text == "":
        return f"is empty; {WANTED}"
    if any(form.read(text, latest) is not None for form in FORMS):
        return f"is not written like the other months; {WANTED}"
    if LOST_ZERO.fullmatch(text):
        return f"may be January, or October without its zero; {WANTED}"
    if QUARTER.fullmatch(text):
        return f"is a quarter; {WANTED}"
    if ANY_DAY.fullmatch(text):
        return f"is not a month, nor the first or last day of a month; {WANTED}"
    return f"is not a month; {WANTED}"
