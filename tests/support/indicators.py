"""One series that moves with news, and indicators that show the news."""

import numpy as np

from forecasting.data.indicators import DAY, Indicator, IndicatorPanel
from forecasting.data.panel import Panel
from tests.support.panels import long_frame

MONTHS = 96
UID = "T.X.WLD.TOTAL"


def day(text: str) -> np.datetime64:
    return np.datetime64(text, "D")


def shocks(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.05, MONTHS + 2)


def panel(news: np.ndarray) -> Panel:
    """One series whose months move with news, and with noise of its own."""
    own = np.random.default_rng(9).normal(0, 0.01, MONTHS)
    season = 0.1 * np.sin(2 * np.pi * np.arange(MONTHS) / 12)
    return Panel.from_long(long_frame({UID: 100 * np.exp(season + news[:MONTHS] + own)}))


def index(news: np.ndarray, *, start: str = "2015-01", lag: int = 0, extra: int = 1) -> Indicator:
    """An index that shows the news, public `lag` days after each month, to `extra` months beyond the panel."""
    months = np.datetime64(start, "M") + np.arange(MONTHS + extra)
    known_on = (months + 1).astype(DAY) - 1 + lag
    return Indicator("NEWS", "index", "CHN", months, known_on, 50 + 100 * news[: MONTHS + extra])


def indicators(*given: Indicator, as_of: str = "2023-01-31") -> IndicatorPanel:
    """Indicators that all inform the series; the panel ends with 2022-12."""
    ids = tuple(indicator.id for indicator in given)
    return IndicatorPanel(given, {UID: ids}, day(as_of), np.datetime64("2022-12", "M"))
