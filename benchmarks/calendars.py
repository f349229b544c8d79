"""Calendars by reporter: `python -m benchmarks.calendars [--cutoffs N] [--workers N] [--output FILE]`.

Exports of the economies of the World Bank's table, one step ahead from the last N monthly cutoffs, with the structural
forecaster, without a calendar, with working days, and with the moving holidays that the test of each series and cutoff
chose. A second table has trade of a reporter with one partner, with the partner's festivals. Errors are absolute, in
units of the mean change on a year ago. p-values are those of Diebold and Mariano for the mean loss of the economies at
each cutoff, one-sided: a small one says that the calendar lowers errors.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.development import GEM_EXPORTS, GROUPS, last_unbroken
from benchmarks.panels import us_imports
from benchmarks.tables import machine, markdown, write
from forecasting.data.calendar_regressors import calendar_names, calendar_regressors
from forecasting.data.history import History
from forecasting.data.moving_holidays import EUROPE, ISLAMIC, LATIN_AMERICA, LUNAR, holiday_regressors, moving_holidays
from forecasting.evaluation.metrics import diebold_mariano
from forecasting.forecasters.calendar_choice import with_moving_holidays
from forecasting.forecasters.structural import Structural
from forecasting.types import FloatArray
from jobs.execution.executors import process_pool
from sources.partner_names import country

VARIANTS = ("no calendar", "working days", "with moving holidays")
SHORTEST, CAP = 120, 10.0
FORECASTER = Structural()
MIRROR = GEM_EXPORTS.parents[1] / "mirror_2001_2019"
MIRROR_FILES = (
    ("japan-china-trade-data.csv", "JPN", "%Y/%m"),
    ("usa-china-trade-data.csv", "USA", "%B %Y"),
)
COUNTRY_GROUPS: dict[str, tuple[str, ...]] = {
    "Lunar New Year": LUNAR,
    "Ramadan and Eids": ISLAMIC,
    "Easter, Europe": EUROPE,
    "Easter, Latin America": LATIN_AMERICA,
    "Diwali": ("IND",),
    "Golden Week (working days)": ("JPN",),
}


@dataclass(frozen=True)
class Economy:
    """Trade of or with an economy, ending with the last month that is scored.

    Working days are those of `reporter`; `festivals` are tested, the economy's own.
    """

    code: str
    start: np.datetime64
    y: FloatArray
    reporter: str
    festivals: tuple[str, ...]


@dataclass(frozen=True)
class Losses:
    """Scaled absolute errors (variants, cutoffs), NaN where none, and how many cutoffs chose a moving holiday."""

    code: str
    errors: FloatArray
    chosen: int


def economies() -> Iterator[Economy]:
    """The economies with a country code and ten years without a gap to the end of 2024."""
    wide = pd.read_excel(GEM_EXPORTS, sheet_name="monthly", index_col=0)
    wide = wide[wide.index.notna()]
    wide.index = pd.to_datetime(wide.index.astype(str).str.replace("M", "-"))
    for name in wide.columns.astype(str):
        if any(group in name for group in GROUPS):
            continue
        series = last_unbroken(wide[name][: pd.Timestamp("2024-12-01")])
        if len(series) >= SHORTEST and series["ds"].iloc[-1] >= pd.Timestamp("2024-06-01"):
            code = country(name, where=str(GEM_EXPORTS))
            start = series["ds"].to_numpy().astype("datetime64[M]")[0]
            yield Economy(code, start, series["y"].to_numpy(), code, moving_holidays(code))


def partners() -> Iterator[Economy]:
    """Trade with partners whose festivals the reporter does not observe."""
    panel = us_imports().panel
    for row, (name, sector) in enumerate(zip(panel.keys["partner"], panel.keys["sector"], strict=True)):
        if sector == "TOTAL":
            known = np.flatnonzero(np.isfinite(panel.values[row]))
            months, y = panel.months[known], panel.values[row, known]
            yield _partner(country(name, where="us_imports"), months[0], y, "USA")
    for name, reporter, form in MIRROR_FILES:
        frame = pd.read_csv(MIRROR / name, sep=";", thousands=",").dropna(subset=["Exports", "Imports"])
        date = next(column for column in frame.columns if column in ("Date", "Month"))
        start = pd.to_datetime(frame[date].astype(str), format=form).to_numpy().astype("datetime64[M]")[0]
        for flow in ("Exports", "Imports"):
            yield _partner("CHN", start, frame[flow].to_numpy(dtype=np.float64), reporter)


def _partner(code: str, start: np.datetime64, y: FloatArray, reporter: str) -> Economy:
    observed = (*moving_holidays(code), *(("lunar_new_year",) if code == "CHN" else ()))
    own = moving_holidays(reporter)
    return Economy(code, start, y, reporter, tuple(name for name in observed if name not in own))


def losses(economy: Economy, cutoffs: int) -> Losses:
    """The errors of an economy at its last cutoffs, one month apart."""
    y, n = economy.y, len(economy.y)
    months = economy.start + np.arange(n)
    calendar = calendar_regressors(months, economy.reporter)
    holidays = {name: holiday_regressors(months, name) for name in economy.festivals}
    found, chosen = np.full((len(VARIANTS), cutoffs), np.nan), 0
    for place, end in enumerate(range(n - cutoffs, n)):
        known = y[:end]
        scale = np.abs(known[12:] - known[:-12]).mean()
        until = {name: rows[: end + 1] for name, rows in holidays.items()}
        wide = with_moving_holidays(known, calendar[: end + 1], until)
        chosen += wide.shape[1] > calendar.shape[1]
        for row, columns in enumerate((calendar[: end + 1, :0], calendar[: end + 1], wide)):
            history = History(economy.code, economy.start, known.copy(), columns, 1)
            found[row, place] = min(abs(float(FORECASTER.forecast(history)[0]) - y[end]) / scale, CAP)
    return Losses(economy.code, found, chosen)


def row_of(found: list[Losses], better: int, worse: int) -> dict[str, object]:
    """Mean errors of a group of economies by variant, and the test of one variant against another."""
    errors = np.stack([economy.errors for economy in found])
    means = errors.mean(axis=(0, 2))
    by_cutoff: NDArray[np.float64] = errors.mean(axis=0)
    two_sided = float(diebold_mariano(by_cutoff[better], by_cutoff[worse], step=1))
    one_sided = two_sided / 2 if means[better] < means[worse] else 1 - two_sided / 2
    cutoffs = errors.shape[2] * len(found)
    return {
        "economies": len(found),
        **{name: float(mean) for name, mean in zip(VARIANTS, means, strict=True)},
        "change, %": float(100 * (means[better] / means[worse] - 1)),
        "p": one_sided,
        "chosen, %": 100 * sum(economy.chosen for economy in found) / cutoffs,
    }


def partner_rows(found: list[Losses]) -> dict[str, dict[str, object]]:
    """The rows of partners' festivals, by group of partners."""
    groups = {"China": ("CHN",), **{name: codes for name, codes in COUNTRY_GROUPS.items() if codes != ("JPN",)}}
    members = {name: [part for part in found if part.code in codes] for name, codes in groups.items()}
    return {name: row_of(part, 2, 1) for name, part in members.items() if part}


def main() -> None:
    """Run the benchmark, print it, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cutoffs", type=int, default=48)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    with process_pool(given.workers) as pool:
        found = list(pool.map(partial(losses, cutoffs=given.cutoffs), economies()))
        tested = [economy for economy in partners() if economy.festivals]
        beside = list(pool.map(partial(losses, cutoffs=given.cutoffs), tested))
    with_days = [economy for economy in found if calendar_names(economy.code)]
    rows = {"working days, all that have them": row_of(with_days, 1, 0)}
    for name, codes in COUNTRY_GROUPS.items():
        members = [economy for economy in found if economy.code in codes]
        if members:
            rows[name] = row_of(members, *((1, 0) if codes == ("JPN",) else (2, 1)))
    tables = [markdown(pd.DataFrame.from_dict(part, orient="index"), 3) for part in (rows, partner_rows(beside))]
    print("\n\n".join(tables))
    if given.output:
        introduction = f'`make bench-calendars ARGS="--cutoffs {given.cutoffs}"` on {machine()}.\n\n{NOTES}'
        write(given.output, f"# Calendars by reporter\n\n{introduction}", [tables[0], PARTNER_NOTES, tables[1]])


NOTES = """Mean absolute error one step ahead of the structural forecaster, in units of the mean change on a year ago.
Change and p-value (Diebold and Mariano, one-sided) compare moving holidays with working days alone; in the first and
the last row working days with no calendar. The last column is the share of cutoffs whose test chose a moving
holiday."""


PARTNER_NOTES = """The same for the festivals of the partner, in trade of one reporter with it: US imports from thirty
partners, and exports to and imports from China of Japan and the United States, 2001 to 2019. The column of economies
counts series. Forecasts use China's New Year alone, for the other groups gain nothing."""

if __name__ == "__main__":
    main()
