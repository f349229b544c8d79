"""The panels on which the constants of the combination are chosen, with their folds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks import panels
from benchmarks.panels import SHARED
from forecasting.data.panel import Panel

CN_PARTNERS = SHARED.parent / "more_figures" / "cn_partners.csv"
GEM_EXPORTS = SHARED / "gem_exports" / "exports_nsa.xlsx"
M1 = SHARED / "m1_monthly" / "m1_monthly.parquet"
HOSPITAL = SHARED / "hospital" / "hospital.parquet"
NO_CALENDAR = "XXX"
# Names of groups of economies in the World Bank's table.
GROUPS = ("Economies", "EMDE", "Countries", "World")


@dataclass(frozen=True)
class Development:
    """A panel, the cutoffs (positions) that are scored, and the distance and number of the folds before them."""

    name: str
    panel: Panel
    reporter: str
    scored: tuple[int, ...]
    horizon: int = 12
    every: int = 1
    burn_in: int = 24
    shortest: int = 24

    @property
    def folds(self) -> list[int]:
        """The cutoffs (positions) of all folds, ascending."""
        before = [self.scored[0] - self.every * back for back in range(self.burn_in, 0, -1)]
        between = range(self.scored[0], self.scored[-1], self.every)
        return sorted({*(cutoff for cutoff in before if cutoff >= self.shortest - 1), *between, *self.scored})


def cn_trade_exports() -> Development:
    """China's exports, every month's cutoff from December 2016."""
    return _of(panels.cn_trade())


def cn_trade_imports() -> Development:
    """China's imports, the same cutoffs."""
    return _of(panels.cn_trade("M"))


def cn_cleantech() -> Development:
    """China's clean-technology exports, every month's cutoff."""
    return _of(panels.cn_cleantech(every=1))


def us_imports() -> Development:
    """US imports, half-yearly cutoffs with monthly folds."""
    return _of(panels.us_imports())


def cn_partners() -> Development:
    """China's trade with its partners, 31 months: the shortest panel."""
    frame = pd.read_csv(CN_PARTNERS, parse_dates=["month"])
    frame = frame.assign(unique_id=frame["flow"] + "." + frame["partner"] + ".TOTAL", sector="TOTAL")
    panel = Panel.from_long(frame.assign(ds=frame["month"], y=frame["value_cny_100mn"]))
    return Development("CN_PARTNERS", panel, "CHN", tuple(range(24, 30)), horizon=6, burn_in=0)


def gem_exports() -> Development:
    """Total exports of every second economy with at least ten years to 2024; half-yearly cutoffs over ten years."""
    wide = pd.read_excel(GEM_EXPORTS, sheet_name="monthly", index_col=0)
    wide = wide[wide.index.notna()]
    wide.index = pd.to_datetime(wide.index.astype(str).str.replace("M", "-"))
    found = [
        last_unbroken(wide[name]) for name in wide.columns.astype(str) if not any(group in name for group in GROUPS)
    ]
    long = [series for series in found if len(series) >= 120 and series["ds"].max() >= pd.Timestamp("2024-06-01")]
    panel = panels.one_in(2, Panel.from_long(pd.concat(long)))
    first, last = (panel.position(np.datetime64(month, "M")) for month in ("2014-12", "2024-06"))
    return Development("gem_exports", panel, NO_CALENDAR, tuple(range(first, last + 1, 6)), every=6, burn_in=6)


def m1_monthly() -> Development:
    """Every second monthly series of the M1 competition, the competition's cutoff and horizon."""
    panel = panels.one_in(2, Panel.from_long(_dated(pd.read_parquet(M1))))
    return Development("m1_monthly", panel, NO_CALENDAR, (panel.position(np.datetime64("2010-12", "M")),), horizon=18)


def hospital() -> Development:
    """Patients of every fourth product line of a hospital, two cutoffs a year apart."""
    panel = panels.one_in(4, Panel.from_long(_dated(pd.read_parquet(HOSPITAL))))
    return Development("hospital", panel, NO_CALENDAR, (59, 71))


def synthetic() -> Development:
    """Strong seasons and growth that continues, 24 steps: what restrained forecasters, and the prior, get wrong."""
    draw = np.random.default_rng(7)
    series, months = 50, 160
    month, found = np.arange(months), []
    for row in range(series):
        drift = draw.normal(0.05, 0.04) / 12 + np.cumsum(draw.normal(0, 0.0006, months))
        level = np.cumsum(drift + draw.normal(0, 0.012, months))
        shape = draw.normal(0, 1, 12)
        shape = (shape - shape.mean()) * draw.uniform(0.2, 0.5)
        season = shape[month % 12] * (1 + 0.3 * np.cumsum(draw.normal(0, 0.05, months)))
        y = np.exp(draw.uniform(4, 9) + level + season + draw.normal(0, draw.uniform(0.03, 0.1), months))
        dates, first = pd.date_range("2000-01-01", periods=months, freq="MS"), draw.integers(0, 80)
        found.append(pd.DataFrame({"unique_id": f"s{row:03d}", "ds": dates[first:], "y": y[first:]}))
    panel = Panel.from_long(pd.concat(found))
    return Development("synthetic", panel, NO_CALENDAR, (panel.position(np.datetime64("2011-04", "M")),), horizon=24)


DEVELOPMENT: dict[str, Callable[[], Development]] = {
    "CN_TRADE.X": cn_trade_exports,
    "CN_TRADE.M": cn_trade_imports,
    "CN_PARTNERS": cn_partners,
    "CN_CLEANTECH": cn_cleantech,
    "us_imports": us_imports,
    "gem_exports": gem_exports,
    "m1_monthly": m1_monthly,
    "hospital": hospital,
    "synthetic": synthetic,
}


def _of(problem: panels.Problem) -> Development:
    cutoffs: NDArray[np.datetime64] = problem.cutoffs
    scored = tuple(problem.panel.position(cutoff) for cutoff in cutoffs)
    return Development(problem.name, problem.panel, problem.reporter, scored)


def _dated(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(ds=pd.to_datetime(frame["ds"]))[["unique_id", "ds", "y"]]


def last_unbroken(column: "pd.Series[float]") -> pd.DataFrame:
    """The last months of an economy without a gap."""
    known = column.dropna().astype(float)
    number = known.index.year * 12 + known.index.month  # type: ignore[attr-defined]  # a DatetimeIndex
    breaks = np.flatnonzero(np.diff(number) != 1)
    known = known.iloc[breaks[-1] + 1 :] if len(breaks) else known
    return pd.DataFrame({"unique_id": column.name, "ds": known.index, "y": known.to_numpy()})
