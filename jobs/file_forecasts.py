"""Forecasts and evaluations of a file, without a database."""

import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.config import BASELINE, COMBINATION, ForecastConfig, interval_probabilities
from forecasting.data.panel import Panel
from forecasting.errors import ForecastingError
from forecasting.evaluation.backtest import Backtest
from forecasting.evaluation.series_fits import Failure
from forecasting.pipeline import evaluate_panel, forecast_panel
from forecasting.types import OnProgress, RealArray
from tables import AS_IT_IS, Layout, UnreadableTable, check_panel, panel_frame, read_table

SPAN = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2])):(\d{4}-(?:0[1-9]|1[0-2]))")
DEFAULT_FOLDS, SHORTEST_HISTORY = 24, 2
WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": lambda table, path: table.to_csv(path, index=False),
    ".parquet": lambda table, path: table.to_parquet(path, index=False),
}


class BadCutoffs(ForecastingError):
    """The requested cutoffs are no valid list of months."""


def read_panel(
    path: Path,
    *,
    today: date,
    limit_bytes: int,
    layout: Layout = AS_IT_IS,
    force: bool = False,
    notify: Callable[[str], None] = lambda _: None,
) -> Panel:
    """The panel in a file of `unique_id, ds, y`, optionally `partner` and `sector`, or of another `layout`.

    A last value far beyond the earlier ones is refused, unless `force`; `notify` receives a sentence for each accepted
    irregularity.

    Raises:
        TableError: the file is unreadable or a row is invalid; PanelError: the series are no panel.
    """
    table = read_table(path, limit_bytes=limit_bytes, dialect=layout.dialect)
    frame = check_panel(
        panel_frame(table, layout, today=today),
        today=today,
        negative=True,
        dialect=layout.dialect,
        after_gaps=layout.after_gaps,
        force=force,
        notify=notify,
    )
    return Panel.from_long(frame)


def choose_cutoffs(panel: Panel, *, span: str | None, folds: int | None, every: int) -> list[np.datetime64]:
    """Cutoffs from `FIRST:LAST`, or `folds` of them back from the last month but one; 24 by default.

    Raises:
        BadCutoffs: the span is not two months in order, both arguments were given, or the history is too short.
    """
    if len(panel.months) < SHORTEST_HISTORY:
        raise BadCutoffs(
            f"the table has {len(panel.months)} month of history ({panel.cutoff}), and an evaluation needs "
            f"{SHORTEST_HISTORY} at least: one to forecast from and one to compare with"
        )
    if span is not None and folds is not None:
        raise BadCutoffs("give --cutoffs or --folds, not both")
    if span is None:
        last = panel.cutoff - 1
        back = last - every * np.arange((folds or DEFAULT_FOLDS) - 1, -1, -1)
        return [month for month in back if month >= panel.months[0]]
    found = SPAN.fullmatch(span)
    if not found:
        raise BadCutoffs(f"--cutoffs is FIRST:LAST, such as 2023-12:2025-12, not {span!r}")
    first, last = (np.datetime64(month, "M") for month in found.groups())
    if first > last:
        raise BadCutoffs(f"--cutoffs begins after it ends: {span}")
    return list(np.arange(first, last + 1, every))


def forecast_file(
    panel: Panel,
    *,
    config: ForecastConfig,
    reporter: str,
    executor: Executor | None,
    on_progress: OnProgress,
) -> tuple[pd.DataFrame, tuple[Failure, ...]]:
    """Forecasts of a panel, one row per series, month, forecaster and level; and the failures."""
    made = forecast_panel(panel, config=config, reporter=reporter, executor=executor, on_progress=on_progress)
    means = np.concatenate([made.base, made.mean[:, None]], axis=1)
    quantiles = np.concatenate([made.base_quantiles, made.quantiles[:, None]], axis=1)
    cutoffs = made.months[:1] - 1
    names = (*made.names, COMBINATION)
    table = long_table(made.unique_ids, names, cutoffs, means[:, :, None], quantiles[:, :, None], config)
    statuses = dict(zip(made.unique_ids, made.statuses, strict=True))
    return table.drop(columns="cutoff").assign(status=table["unique_id"].map(statuses)), made.failures


def evaluate_file(
    panel: Panel,
    *,
    cutoffs: Sequence[np.datetime64],
    config: ForecastConfig,
    reporter: str,
    executor: Executor | None,
    on_progress: OnProgress,
) -> tuple[pd.DataFrame, Backtest, tuple[Failure, ...]]:
    """Forecasts at every cutoff with actuals, their scores, and the failures.

    Raises:
        BadCutoff: a cutoff is outside the panel, or is its last month.
    """
    backtest, failures = evaluate_panel(
        panel, cutoffs=cutoffs, config=config, reporter=reporter, executor=executor, on_progress=on_progress
    )
    quantiles = np.stack([backtest.quantiles[name] for name in backtest.names], axis=1)
    table = long_table(
        panel.unique_ids, backtest.names, backtest.cutoffs, backtest.means, quantiles, config, backtest.actual
    )
    return table, backtest, failures


def long_table(
    unique_ids: Sequence[str],
    names: Sequence[str],
    cutoffs: NDArray[np.datetime64],
    means: RealArray,
    quantiles: RealArray,
    config: ForecastConfig,
    actual: RealArray | None = None,
) -> pd.DataFrame:
    """Rows unique_id, cutoff, month, step, forecaster, mean, level, lo, hi (and actual), where there is a forecast.

    `means` has shape (series, forecasters, cutoffs, horizon), `quantiles` (series, forecasters, cutoffs,
    probabilities, horizon), `actual` (series, cutoffs, horizon). The levels are those of the configuration.
    """
    series, forecaster, fold, step = np.nonzero(np.isfinite(means))
    months = cutoffs[fold] + 1 + step
    rows = {
        "unique_id": np.asarray(unique_ids, dtype=object)[series],
        "cutoff": cutoffs[fold].astype("datetime64[s]"),
        "month": months.astype("datetime64[s]"),
        "step": step + 1,
        "forecaster": np.asarray(names, dtype=object)[forecaster],
        "mean": means[series, forecaster, fold, step],
    }
    if actual is not None:
        rows["actual"] = actual[series, fold, step]
    parts = []
    for level in sorted(config.levels):
        lo, hi = (config.probabilities.index(bound) for bound in interval_probabilities(level))
        bounds = (quantiles[series, forecaster, fold, bound, step].astype(np.float64) for bound in (lo, hi))
        parts.append(pd.DataFrame(rows | {"level": level} | dict(zip(("lo", "hi"), bounds, strict=True))))
    table = pd.concat(parts, ignore_index=True)
    return table.sort_values(["unique_id", "cutoff", "forecaster", "step", "level"], ignore_index=True)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table in the format of its file extension, atomically.

    Raises:
        UnreadableTable: the extension is neither .csv nor .parquet, or the file cannot be written.
    """
    check_output(path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        WRITERS[path.suffix](table, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def check_output(path: Path) -> None:
    """Raise UnreadableTable unless a table can be written there; checked before hours of work."""
    if path.suffix not in WRITERS:
        raise UnreadableTable(str(path), f"the ending must be one of {', '.join(WRITERS)}")
    if path.is_dir():
        raise UnreadableTable(str(path), "this is a folder: name a file in it to write")
    if not path.parent.is_dir():
        raise UnreadableTable(str(path), f"there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise UnreadableTable(str(path), f"the folder {path.parent} may not be written to")


def score_summary(backtest: Backtest) -> pd.DataFrame:
    """Mean scores over the series, one row per forecaster: first the combination, second the baseline."""
    monthly = backtest.scores[(backtest.scores["kind"] == "month") & (backtest.scores["step"] == 0)]
    names = monthly["metric"].where(
        monthly["level"] == 0, monthly["metric"] + " " + monthly["level"].map("{:g}".format)
    )
    table = monthly.assign(name=names).pivot_table(index="forecaster", columns="name", values="value", aggfunc="mean")
    wanted = ["mase", "rmsse", "smape", "mae", "bias", "wis", "coverage 50", "coverage 80", "coverage 95"]
    # In its first year a series has no seasonal differences and therefore no scaled errors.
    table = table.reindex(columns=wanted)
    first = [name for name in (COMBINATION, BASELINE) if name in table.index]
    others = table.drop(index=first).sort_values(["mase", "mae"]).index
    return table.loc[[*first, *others]]
