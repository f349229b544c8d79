"""Events, and a panel that a yearly change of a duty moves."""

from typing import Any

import numpy as np

from forecasting.data.events import Event, EventPanel, exposures
from forecasting.data.panel import Panel
from tests.support.panels import long_frame, trade_series

NEVER = np.datetime64("NaT", "D")


def event(announced: str, effective: str, rates: tuple[float, float] = (0.0, 25.0), **more: Any) -> Event:
    fields: dict[str, Any] = {"id": f"E_{effective}", "measure": "DUTY", "until": NEVER, "until_known_on": NEVER}
    fields |= {"rate_before": rates[0], "rate_after": rates[1]} | more
    return Event(announced=np.datetime64(announced, "D"), effective=np.datetime64(effective, "D"), **fields)


def months(first: str, last: str) -> "np.ndarray[Any, np.dtype[np.datetime64]]":
    return np.arange(first, np.datetime64(last, "M") + 1, dtype="datetime64[M]")


def tariff_panel() -> tuple[Panel, EventPanel]:
    """Exports to two partners; a duty on one of them changes each year, with an elasticity of 2."""
    length = 132
    panel_months = months("2015-01", "2025-12")
    rates = [0.0, 10, 0, 20, 5, 25, 0, 15, 30, 10, 25]
    duties = [
        event(f"{year - 1}-12-20", f"{year}-02-01", (before, after))
        for year, before, after in zip(range(2016, 2026), rates, rates[1:], strict=False)
    ]
    cost = exposures(duties, panel_months, np.datetime64("2030-01-01"))[0]
    hit = trade_series(length, seed=1, noise=0.02) * np.exp(-2 * cost)
    other = trade_series(length, seed=2, noise=0.02)
    series = {"T.X.USA.TOTAL": hit, "T.X.DEU.TOTAL": other, "T.X.WLD.TOTAL": hit + other}
    keys = {uid: dict(zip(("flow", "partner", "sector"), uid.split(".")[1:], strict=True)) for uid in series}
    panel = Panel.from_long(long_frame(series, start="2015-01", keys=keys))
    covers = {"T.X.USA.TOTAL": tuple(duty.id for duty in duties)}
    return panel, EventPanel(tuple(duties), covers, np.datetime64("2026-01-15"), panel.cutoff)
