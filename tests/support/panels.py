"""Small generated panels for tests."""

import numpy as np
import pandas as pd

from forecasting.data.panel import Panel


def long_frame(series, *, start="2015-01", keys=None):
    """A long frame from {unique_id: values}; `keys` gives {unique_id: {column: code}}."""
    parts = []
    for uid, values in series.items():
        ds = pd.date_range(start, periods=len(values), freq="MS")
        parts.append(pd.DataFrame({"unique_id": uid, "ds": ds, "y": values, **(keys or {}).get(uid, {})}))
    return pd.concat(parts, ignore_index=True)


def trade_series(months, *, seed, level=100.0, noise=0.08):
    """Positive, seasonal, growing, with autocorrelated noise."""
    draw = np.random.default_rng(seed)
    shocks = np.cumsum(draw.normal(0, noise / 3, months)) + draw.normal(0, noise, months)
    season = 0.15 * np.sin(2 * np.pi * np.arange(months) / 12 + seed)
    return level * np.exp(0.004 * np.arange(months) + season + shocks)


def grid_panel(months=72, *, partners=("DEU", "USA", "VNM"), sectors=("EV", "SOLAR")):
    """Partners x sectors that add up to WLD and TOTAL; one part is small and has zeros."""
    parts = {
        (partner, sector): trade_series(months, seed=7 * i + j, level=10.0 ** (1 + (i + j) % 3))
        for i, partner in enumerate(partners)
        for j, sector in enumerate(sectors)
    }
    last = (partners[-1], sectors[-1])
    parts[last] = np.where(np.arange(months) % 5 == 0, 0.0, parts[last] / 50)
    cells = dict(parts)
    for sector in sectors:
        cells["WLD", sector] = sum(parts[partner, sector] for partner in partners)
    for partner in (*partners, "WLD"):
        cells[partner, "TOTAL"] = sum(cells[partner, sector] for sector in sectors)
    series = {f"T.X.{partner}.{sector}": values for (partner, sector), values in cells.items()}
    keys = {f"T.X.{p}.{s}": {"flow": "X", "partner": p, "sector": s} for p, s in cells}
    return Panel.from_long(long_frame(series, keys=keys))


def gaps_of_sums(panel, values):
    """The largest difference between an aggregate and the sum of its parts in `values` (series, ...)."""
    keys = panel.keys
    worst = 0.0
    for column, code, others in (("partner", "WLD", ["flow", "sector"]), ("sector", "TOTAL", ["flow", "partner"])):
        for _, rows in keys.groupby(others):
            whole = rows.index[rows[column] == code]
            parts = rows.index[rows[column] != code]
            worst = max(worst, float(np.abs(values[whole[0]] - values[list(parts)].sum(axis=0)).max()))
    return worst
