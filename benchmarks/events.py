"""Events as regressors: forecasts with and without them, where a change of cost was known and not observed yet.

US imports from China are one series of 40 years, with the duties of 2018 to 2020; China's exports by partner have the
duties of 2025 on a short history. The forecasts are made at rolling origins, each fold knows the events announced by
the day 20 days after its month, and MASE is that of forecasts in which a regressor changes, and of those that moved.
"""

import argparse
from concurrent.futures import Executor, ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.panels import cn_partners, cn_totals, us_from_cn
from benchmarks.tables import machine, markdown, write
from forecasting.combination.combined_forecasts import CombinedForecasts, combine_panel
from forecasting.data.borrowed_history import borrow_history, borrowed_at_cutoffs
from forecasting.data.events import REGRESSORS, EventPanel
from forecasting.data.panel import Panel
from forecasting.evaluation.metrics import diebold_mariano
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.types import FloatArray
from jobs.runs.event_inputs import EventInputs, usable
from services.events.events import Scopes
from sources import bundled
from store.models import EVENT_KINDS
from store.queries.events import records
from tables import check_events

HORIZON, LAG_DAYS = 12, 20
FORECASTERS = ("seasonal_naive", "theta", "structural")
PARTNERS = ("USA", "ASEAN", "EU27", "AFRICA", "LATAM", "JPN", "KOR", "IND", "RUS", "WLD")


def main() -> None:
    """Run the benchmark and write its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with ProcessPoolExecutor(given.workers, mp_context=get_context("spawn")) as executor:
        pools = {"US imports from China": _long(executor), "China's exports by partner": _short(executor)}
    rows = [row for name, pool in pools.items() for row in _rows(name, *pool)]
    table = pd.DataFrame(rows).set_index("panel")
    print(table.round(3).to_string())
    write(given.output, "# Events as regressors", [__doc__ or "", markdown(table, 3), machine()])


def event_panel(panel: Panel, reporter: str) -> EventPanel:
    """The bundled events that cover a panel, as known LAG_DAYS days after its last month."""
    as_of = (panel.cutoff + 1).astype("datetime64[D]") + LAG_DAYS
    known = [
        record
        for row in records(check_events(bundled.events(), kinds=EVENT_KINDS))
        if (record := row.known(as_of.astype(date)))
    ]
    groups: dict[str, set[str]] = {}
    for group, members in bundled.groups().items():
        for member in members:
            groups.setdefault(member, set()).add(group)
    scopes = Scopes({member: frozenset(found) for member, found in groups.items()})
    found = EventInputs(as_of.astype(date), reporter, usable(known), scopes).panel(panel, release_day=LAG_DAYS + 1)
    assert found is not None
    return found


Pools = tuple[CombinedForecasts, CombinedForecasts]


def _long(executor: Executor) -> Pools:
    panel = us_from_cn().panel
    cutoffs = list(range(panel.position(np.datetime64("2015-12")), len(panel.months) - 1))
    base = forecast_at_cutoffs(
        panel, cutoffs=cutoffs, horizon=HORIZON, reporter="USA", forecasters=FORECASTERS, executor=executor
    )
    return combine_panel(panel, base), combine_panel(panel, base, events=event_panel(panel, "USA"))


def _short(executor: Executor) -> Pools:
    original, donors = _exports(cn_partners()), cn_totals()
    panel = borrow_history(original, donors)
    cutoffs = list(range(panel.first_published + 5, len(panel.months) - 1))
    vintage_values = borrowed_at_cutoffs(panel, original, donors, cutoffs, {})
    base = forecast_at_cutoffs(
        panel,
        cutoffs=cutoffs,
        horizon=HORIZON,
        reporter="CHN",
        forecasters=FORECASTERS,
        vintage_values=vintage_values,
        executor=executor,
    )
    plain = combine_panel(panel, base, vintage_values=vintage_values)
    return plain, combine_panel(panel, base, vintage_values=vintage_values, events=event_panel(panel, "CHN"))


def _exports(panel: Panel) -> Panel:
    """Exports to the main partners and to the world."""
    rows = [row for row, uid in enumerate(panel.unique_ids) if uid in {f"X.{code}.TOTAL" for code in PARTNERS}]
    ids = tuple(panel.unique_ids[row] for row in rows)
    keys = panel.keys.iloc[rows].reset_index(drop=True)
    return Panel(ids, panel.months, panel.values[rows], panel.imputed[rows], keys)


def _rows(name: str, plain: CombinedForecasts, adjusted: CombinedForecasts) -> list[dict[str, object]]:
    """Scaled errors with and without events over three sets of forecasts."""
    assert adjusted.events is not None
    effect = next((row for row in adjusted.events.coefficients[::-1] if row.any()), np.zeros(len(REGRESSORS)))
    changed = adjusted.events.changes.any(axis=2)
    moved = adjusted.centre != plain.centre
    sets = {"covered series, changed cost": changed, "forecasts that events moved": moved}
    errors = [np.abs(pool.centre - pool.actual) / _scale(pool) for pool in (plain, adjusted)]
    found: list[dict[str, object]] = []
    for label, chosen in sets.items():
        known = chosen & np.isfinite(errors[0]) & np.isfinite(errors[1])
        without, with_events = (float(values[known].mean()) if known.any() else np.nan for values in errors)
        losses = [np.where(known, values, np.nan).mean(axis=(0, 2), where=known) for values in errors]
        used = np.isfinite(losses[0])
        p_value = diebold_mariano(losses[1][used], losses[0][used], step=1) if used.sum() > 2 else np.nan
        found.append(
            {
                "panel": name,
                "forecasts": label,
                "number": int(known.sum()),
                "MASE without": without,
                "with": with_events,
            }
            | {"ratio": with_events / without if without else np.nan, "p value": float(p_value)}
            | {f"effect of {column}": effect[place] for place, column in enumerate(REGRESSORS)}
        )
    return found


def _scale(pool: CombinedForecasts) -> FloatArray:
    """The mean absolute change on a year ago up to each cutoff, shape (series, folds, 1)."""
    scale: FloatArray = pool.data.seasonal_scale[..., None]
    return scale


if __name__ == "__main__":
    main()
