"""Korea's exports of days 1 to 10 and 1 to 20 as indicators of China's trade, beside the indicators of a month's end.

`python -m benchmarks.korea_days`: mean absolute error of China's trade one release ahead, per cent of the value, on the
months from 2024-01 whose days are known; by the regression of published nowcasts on this one surprise. The surprise is
growth on a year ago, as it is or per working day, less the mean of the three months before. The figures are read from
../shared/data/korea_customs; nothing is measured where they are absent.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import panels
from benchmarks.nowcast import DAY, NowcastMaker
from benchmarks.tables import markdown
from forecasting.combination.combined_forecasts import CombinedForecasts
from forecasting.combination.indicator_adjustment import LARGEST, PENALTIES, bounded, regress
from forecasting.data.months import MONTH
from forecasting.evaluation.metrics import diebold_mariano
from forecasting.types import FloatArray
from forecasting.uncertainty.arsinh_transform import inverse_transform, transform

FIGURES = Path(__file__).resolve().parents[2] / "shared" / "data" / "korea_customs"
SPANS = {"days 1-10": ("D10", "10d", 10), "days 1-20": ("D20", "20d", 20)}
FIRST = pd.Period("2024-01")


def growth(segment: str, period: str) -> pd.Series:
    """Log growth on a year ago of the first days of each month; as first reported where that is known."""
    rows = pd.DataFrame(json.loads((FIGURES / "korea_exports_customs.json").read_text(encoding="utf-8"))["rows"])
    confirmed = rows[rows["seg"] == segment]
    levels = pd.Series(1e3 * confirmed["total"].to_numpy(), pd.PeriodIndex(confirmed["ym"], freq="M"))
    flash = pd.read_csv(FIGURES / "customs_flash_2021-2026.csv")
    flash = flash[flash["period"] == period]
    flash = flash.set_index(pd.PeriodIndex(flash["date"], freq="M"))
    levels = pd.concat([flash["export_usd"].astype(float), levels])
    levels = levels[~levels.index.duplicated()].sort_index()
    before = levels.reindex(levels.index - 12).to_numpy(dtype=np.float64)
    computed = pd.Series(np.log(levels.to_numpy(dtype=np.float64) / before), levels.index)
    first = pd.Series(np.log1p(flash["export_yoy_pct"].to_numpy(dtype=np.float64) / 100), flash.index)
    return first.combine_first(computed).dropna().sort_index()


def per_working_day(values: pd.Series, days: int) -> pd.Series:
    """Growth per working day of the first days of each month."""

    def working(month: pd.Period) -> int:
        first = np.datetime64(month.start_time.date())
        return int(np.busday_count(first, first + days))

    change = [np.log(working(month) / working(month - 12)) for month in values.index]
    return values.sub(pd.Series(change, values.index))


def surprises(values: pd.Series, months: pd.PeriodIndex) -> FloatArray:
    """Each month's growth less the mean of the known ones of the three months before, shape (months,)."""
    before = np.column_stack([values.reindex(months - back).to_numpy() for back in (1, 2, 3)])
    counts = np.isfinite(before).sum(axis=1)
    mean = np.nansum(before, axis=1) / np.where(counts > 0, counts, np.nan)
    found: FloatArray = values.reindex(months).to_numpy() - mean
    return found


def adjusted(combined: CombinedForecasts, row: int, surprise: FloatArray) -> FloatArray:
    """The combination of the first month ahead adjusted for one surprise at each fold, shape (folds,)."""
    adjustment = combined.indicators
    assert adjustment is not None
    target = combined.data.months + 1
    effect = np.zeros(len(target))
    for fold in range(len(target)):
        errors = np.where(np.isfinite(surprise[:fold]), adjustment.known_errors[fold][row, :, 0], np.nan)
        x = bounded(surprise[None, : fold + 1])
        effect[fold] = np.clip(regress(errors, x, target[: fold + 1], PENALTIES) @ x[:, -1], -LARGEST, LARGEST)
    unit = combined.transform_unit[row]
    return inverse_transform(transform(adjustment.plain[row, :, 0], unit) + effect, unit)


def table(combined: CombinedForecasts) -> pd.DataFrame:
    """Errors by flow and indicator: without indicators, with this one, and with those of the month's end."""
    adjustment = combined.indicators
    assert adjustment is not None
    months = pd.PeriodIndex((combined.data.months + 1).astype(MONTH).astype(str), freq="M")
    found = {}
    for row, unique_id in enumerate(combined.panel.unique_ids):
        actual = combined.actual[row, :, 0]
        for name, (segment, period, days) in SPANS.items():
            raw = growth(segment, period)
            for label, values in ((name, raw), (f"{name} per working day", per_working_day(raw, days))):
                surprise = surprises(values, months)
                scored = np.isfinite(surprise) & np.isfinite(actual) & (months >= FIRST)
                methods = (adjustment.plain[row, :, 0], adjusted(combined, row, surprise), combined.centre[row, :, 0])
                found[f"{unique_id[0]}, {label}"] = _row(methods, actual, scored)
    return pd.DataFrame.from_dict(found, orient="index")


def _row(methods: Sequence[FloatArray], actual: FloatArray, scored: "np.ndarray") -> dict[str, float]:
    plain, early, late = (100 * np.abs(values - actual)[scored] / actual[scored] for values in methods)
    return {
        "months": int(scored.sum()),
        "without": float(plain.mean()),
        "with": float(early.mean()),
        "DM p": float(diebold_mariano(early, plain, step=1)),
        "at the month's end": float(late.mean()),
    }


def main() -> int:
    """Print the table; end with 0."""
    if not FIGURES.exists():
        print(f"Skipped: {FIGURES} is absent.")
        return 0
    combined = NowcastMaker(*panels.cn_trade_with_indicators(DAY)).make(None).one_month
    print(markdown(table(combined), 2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
