"""The panels that benchmarks run on, as the issues that set the targets define them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.data.borrowed_history import Donor, borrow_history, borrowed_at_cutoffs
from forecasting.data.indicators import DAY, Indicator, IndicatorPanel
from forecasting.data.months import MONTH
from forecasting.data.panel import Panel
from forecasting.types import FloatArray
from sources import bundled
from sources.bundled import indicators as bundled_indicators
from sources.observation_batch import IndicatorDefinition
from store.queries.derived_series import COLUMNS, remainders_and_totals
from store.queries.partner_wholes import assign_wholes
from tables import SERIES_COLUMNS, check_indicator, check_observations

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
US_IMPORTS = SHARED / "us_imports" / "top30-NAICS-imports.parquet"
US_FROM_CN = SHARED / "us_from_cn" / "IMPCH.csv"
CN_SOLAR = SHARED / "cn_solar" / "mart_solar_exports_full_release_monthly.csv"
OVERLAPPING = ("EUROPEAN UNION", "USMCA (NAFTA)", "TOTAL FOR ALL COUNTRIES")

OFTEN_MONTHS = 100


@dataclass(frozen=True)
class Problem:
    """A panel, whose calendar applies to it, and the cutoffs at which forecasts of it are judged (months).

    `vintage_values` are the values known at cutoffs, by position, where they differ from the panel's.
    """

    name: str
    panel: Panel
    reporter: str
    cutoffs: NDArray[np.datetime64]
    vintage_values: Mapping[int, FloatArray] = field(default_factory=dict)


def months(first: str, last: str, every: int = 1) -> NDArray[np.datetime64]:
    """Months from the first to the last, `every` so many."""
    return np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + 1, every)


def one_in(every: int, panel: Panel) -> Panel:
    """One series in `every` of a panel, from the first on."""
    rows = np.arange(0, len(panel.unique_ids), every)
    ids = tuple(panel.unique_ids[row] for row in rows)
    return Panel(
        ids, panel.months, panel.values[rows], panel.imputed[rows], panel.keys.iloc[rows].reset_index(drop=True)
    )


def cn_trade(flow: str = "X") -> Problem:
    """China's exports or imports, every month's cutoff from December 2016."""
    frame = _bundled("CN_TRADE")
    return Problem(f"CN_TRADE.{flow}", _panel(frame[frame["flow"] == flow]), "CHN", months("2016-12", "2026-06"))


def cn_trade_with_indicators(day: str) -> tuple[Panel, IndicatorPanel]:
    """China's exports and imports, with the bundled indicators as known on a day."""
    panel = _panel(_bundled("CN_TRADE"))
    definitions = bundled_indicators.definitions()
    uses = bundled_indicators.uses("CN_TRADE")
    informs = {unique_id: tuple(uses[unique_id[0]]) for unique_id in panel.unique_ids}
    found = tuple(_indicator(definitions[code]) for code in sorted({code for codes in uses.values() for code in codes}))
    return panel, IndicatorPanel(found, informs, np.datetime64(day), panel.cutoff)


def _indicator(definition: IndicatorDefinition) -> Indicator:
    checked = check_indicator(bundled_indicators.table(definition.id), today=date(2026, 11, 1))
    rule = checked["month"] + pd.offsets.MonthEnd(0) + pd.Timedelta(days=definition.lag_days)
    frame = checked.assign(known_on=checked["known_on"].fillna(rule)).sort_values(["month", "known_on"])
    return Indicator(
        id=definition.id,
        kind="index" if definition.kind == "index" else "amount",
        country=definition.country,
        months=frame["month"].to_numpy().astype(MONTH),
        known_on=frame["known_on"].to_numpy().astype(DAY),
        values=frame["value"].to_numpy(dtype=np.float64),
    )


def cn_cleantech(every: int = 4) -> Problem:
    """China's clean-technology exports with their rest and totals, 136 series."""
    frame = _bundled("CN_CLEANTECH")
    published = frame.assign(vintage=frame["month"], months=1, status="A", backfilled=True)
    wholes = assign_wholes(published["partner"].unique(), {})
    derived = remainders_and_totals(published[COLUMNS], dataset="CN_CLEANTECH", wholes=wholes)
    whole = pd.concat([published, derived], ignore_index=True)
    return Problem("CN_CLEANTECH", _panel(whole), "CHN", months("2022-12", "2025-08", every))


def cn_partners() -> Panel:
    """China's exports and imports by partner, with remainders of groups and of the world, 96 series of 31 months."""
    batch = bundled.delivery("CN_PARTNERS")
    frame = check_observations(batch.frame, today=date(2026, 11, 1))
    published = frame.assign(vintage=frame["month"], months=1, status="A", backfilled=True)
    wholes = assign_wholes(published["partner"].unique(), bundled.groups())
    derived = remainders_and_totals(published[COLUMNS], dataset="CN_PARTNERS", wholes=wholes)
    listed = pd.concat([published, derived], ignore_index=True)
    wholes = assign_wholes(listed["partner"].unique(), bundled.groups())
    return _panel(listed.assign(whole=listed["partner"].map(wholes).fillna("")))


def cn_totals() -> dict[str, Donor]:
    """China's total exports and imports since 2008, which the partner panel borrows history from."""
    panel = _panel(_bundled("CN_TRADE"))
    return {flow: Donor(panel.months, panel.values[row]) for row, flow in enumerate(panel.keys["flow"])}


def cn_partners_borrowed() -> Problem:
    """The partner panel with the history that it borrows, as known at each cutoff; every other month from June 2025."""
    original, donors = cn_partners(), cn_totals()
    panel = borrow_history(original, donors)
    cutoffs = list(range(panel.first_published, len(panel.months)))
    known = borrowed_at_cutoffs(panel, original, donors, cutoffs, {})
    return Problem("CN_PARTNERS", panel, "CHN", months("2025-06", "2026-06", 2), known)


def world_exports() -> Problem:
    """World exports by economy, with the rest of the world, at every other December from 2010."""
    frame = _bundled("WORLD_EXPORTS")
    published = frame.assign(vintage=frame["month"], months=1, status="A", backfilled=True)
    wholes = assign_wholes(published["partner"].unique(), {})
    derived = remainders_and_totals(published[COLUMNS], dataset="WORLD_EXPORTS", wholes=wholes)
    whole = pd.concat([published, derived], ignore_index=True)
    return Problem("WORLD_EXPORTS", _panel(whole), "WLD", months("2010-12", "2022-12", 24))


def us_imports() -> Problem:
    """US imports: 30 partners' totals and China's sectors, the series that are positive in every month.

    Raises:
        FileNotFoundError: the shared panel is absent.
    """
    frame = _us_frame()
    wanted = frame[(frame["sector"] == "TOTAL") | (frame["partner"] == "CHINA")]
    positive = wanted.groupby(["partner", "sector"])["value"].transform(lambda values: (values > 0).all())
    return Problem("us_imports", _panel(wanted[positive]), "USA", months("2019-12", "2024-06", 6))


def us_imports_whole(every: int = 1) -> Problem:
    """US imports by partner and sector: every series that is there in every month, or one in `every`."""
    name = "us_imports, whole" if every == 1 else f"us_imports, one series in {every}"
    return Problem(name, one_in(every, _panel(_us_frame())), "USA", months("2019-12", "2024-06", 6))


def us_from_cn() -> Problem:
    """US imports from China, one series of 40 years; the drift by decades was learnt on it, nothing else."""
    raw = pd.read_csv(US_FROM_CN, parse_dates=["observation_date"])
    frame = pd.DataFrame({"month": raw["observation_date"], "value": raw["IMPCH"]})
    frame = frame.assign(flow="M", partner="CHN", sector="TOTAL")
    return Problem("us_from_cn", _panel(frame), "USA", months("2016-12", "2024-12"))


def cn_solar() -> Problem:
    """China's solar exports to the markets that traded in nearly every month, on which nothing was tuned."""
    raw = pd.read_csv(CN_SOLAR, parse_dates=["Date"])
    raw = raw[(raw["Area type"] == "Country or economy") & raw["Commodity type"].isin(("Panels", "Cells"))]
    table = raw.pivot_table(index="Date", columns="Area", values="Amount (USD)", aggfunc="sum")
    often = table.columns[table.notna().sum() >= OFTEN_MONTHS]
    frame = table[often].fillna(0.0).rename_axis("month").reset_index().melt("month", var_name="partner")
    frame = frame.assign(flow="X", sector="SOLAR")
    return Problem("cn_solar, held out", _panel(frame), "CHN", months("2021-12", "2024-09", 3))


def _bundled(dataset: str) -> pd.DataFrame:
    """The bundled figures, the latest vintage of each month."""
    checked = check_observations(bundled.delivery(dataset).frame, today=date(2026, 11, 1))
    latest = checked.sort_values("vintage", na_position="first", kind="stable")
    return latest.drop_duplicates([*SERIES_COLUMNS, "month"], keep="last").sort_index()


def _us_frame() -> pd.DataFrame:
    raw = pd.read_parquet(US_IMPORTS).reset_index()
    raw = raw[~raw["CTY_NAME"].isin(OVERLAPPING)]
    frame = pd.DataFrame(
        {
            "month": pd.to_datetime(raw["time"]),
            "flow": "M",
            "partner": raw["CTY_NAME"],
            "sector": raw["NAICS"].astype(str).replace({"0": "TOTAL", "00": "TOTAL"}),
            "value": raw["imports"].astype(float),
        }
    )
    key = ["partner", "sector", "month", "flow"]
    frame = frame.groupby(key)["value"].sum().reset_index()
    complete = frame.groupby(["partner", "sector"])["month"].transform("size") == frame["month"].nunique()
    return frame[complete]


def _panel(frame: pd.DataFrame) -> Panel:
    codes = frame["flow"] + "." + frame["partner"] + "." + frame["sector"]
    return Panel.from_long(frame.assign(unique_id=codes, ds=frame["month"], y=frame["value"]))
