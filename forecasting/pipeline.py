"""The forecasting pipeline: a panel in, published forecasts or an evaluation out."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecasting.analysis.decomposition import decompose_panel
from forecasting.combination.combined_forecasts import CombinedForecasts, combine_panel
from forecasting.config import ForecastConfig
from forecasting.data.events import EventPanel
from forecasting.data.given_totals import GivenTotals
from forecasting.data.indicators import IndicatorPanel
from forecasting.data.panel import Panel
from forecasting.data.regressors import RegressorPanel
from forecasting.errors import BadCutoff, TooShortToEvaluate
from forecasting.evaluation.backtest import FEWEST_SERIES, Backtest, evaluate_folds
from forecasting.evaluation.event_evidence import EventReport, report_events
from forecasting.evaluation.fit_record import OpenRecord, record_in_memory
from forecasting.evaluation.fold_paths import fold_paths
from forecasting.evaluation.indicator_evidence import IndicatorReport, report_indicators
from forecasting.evaluation.regressor_evidence import RegressorReport, report_regressors
from forecasting.evaluation.rolling_origin import forecast_at_cutoffs
from forecasting.evaluation.scoring_tasks import base_intervals, published_distribution
from forecasting.evaluation.series_fits import Failure
from forecasting.large_arrays import in_memory
from forecasting.path_quantiles import quantiles_of_paths
from forecasting.types import FloatArray, NewArray, OnProgress

SHORTEST_OWN_HISTORY = 6
"""Months that a panel with borrowed history must have of its own before its first fold."""

FEWEST_MONTHS = 2
"""Months of the shortest panel of which a forecast can be scored."""
UNUSUAL = "last value is unusual: the forecast covers a single event and a lasting change"
ENDED_MONTHS = 12.0
"""Months of unusual delay after which a series is reported as ended."""


@dataclass(frozen=True)
class PanelForecast:
    """Forecasts of every series of a panel, and the backtest behind them.

    `months` has shape (horizon,); `centre` (series, horizon) is the combination that draws are centred on and that
    folds score; `mean` and `median` (series, horizon) and `quantiles` (series, probabilities, horizon) are those of the
    draws; `paths` (series, draws, horizon) is float32; `base` (series, forecasters, horizon) each forecaster's means,
    `base_quantiles` (series, forecasters, probabilities, horizon) their quantiles, and `weights` (series, forecasters)
    their weights, in the order of `names`; the probabilities are the configuration's. `components` is the result of
    `decompose_panel`. `statuses` has that of each series that ended or whose last value is unusual, else an empty text;
    `indicators`, `events` and `regressors` say which of them the forecasts rest on, and `total_effect` (series,
    horizon) how much published totals moved them; None without any.
    """

    unique_ids: tuple[str, ...]
    months: NDArray[np.datetime64]
    centre: FloatArray
    mean: FloatArray
    median: FloatArray
    quantiles: FloatArray
    paths: NDArray[np.float32]
    names: tuple[str, ...]
    base: FloatArray
    base_quantiles: NDArray[np.float32]
    weights: FloatArray
    failures: tuple[Failure, ...]
    backtest: Backtest
    components: NDArray[np.float32]
    statuses: tuple[str, ...]
    indicators: IndicatorReport | None = None
    events: EventReport | None = None
    regressors: RegressorReport | None = None
    total_effect: FloatArray | None = None


def forecast_panel(
    panel: Panel,
    *,
    config: ForecastConfig,
    reporter: str,
    vintage_values: Mapping[int, FloatArray] | None = None,
    indicators: IndicatorPanel | None = None,
    events: EventPanel | None = None,
    regressors: RegressorPanel | None = None,
    unscored: Collection[date] = (),
    given: Mapping[int, GivenTotals] | None = None,
    open_record: OpenRecord = record_in_memory,
    new_array: NewArray = in_memory,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> PanelForecast:
    """Forecast every series of a panel from its last month on, with a backtest over the folds before it.

    `vintage_values` are the values known at past cutoffs, as in `forecast_at_cutoffs`; forecasts are scored against
    the panel's. `indicators` adjust the first steps for values public beyond the panel's last month, and `events`
    every step for changes that are announced and not observed; `regressors` enter a forecaster of their own. `given`
    has by cutoff (a position) totals that are published beyond it, which parts then add up to. Folds whose cutoff is
    one of the months `unscored` are not scored. `open_record` gives the record of the fits, which may have some
    already; `new_array` gives the largest arrays. A panel too short for a fold has intervals from its own past changes.
    """
    folds = fold_positions(panel, config)
    vintage_values = without_joined_januaries(panel, folds, vintage_values or {})
    base = forecast_at_cutoffs(
        panel,
        cutoffs=[*folds, len(panel.months) - 1],
        horizon=config.horizon,
        reporter=reporter,
        forecasters=config.forecasters,
        prophet=config.prophet,
        vintage_values=vintage_values,
        regressors=regressors,
        open_record=open_record,
        executor=executor,
        on_progress=on_progress,
    )
    pool = combine_panel(
        panel,
        base,
        recent=config.recent,
        vintage_values=vintage_values,
        events=events,
        indicators=indicators,
        given=given,
        new_array=new_array,
    )
    scored = _scored_folds(panel, folds, config, unscored)
    backtest = evaluate_folds(
        pool, scored, config=config, executor=executor, on_progress=on_progress, new_array=new_array
    )
    components = decompose_panel(panel, horizon=config.horizon, reporter=reporter, executor=executor)
    components[:, :, : panel.first_published] = np.nan
    return replace(
        _published(pool, backtest, config=config, components=components, new_array=new_array, executor=executor),
        indicators=None if indicators is None else report_indicators(pool, indicators),
        events=None if events is None else report_events(pool, events),
        regressors=None if regressors is None else report_regressors(pool, regressors),
    )


def _scored_folds(panel: Panel, folds: Sequence[int], config: ForecastConfig, unscored: Collection[date]) -> list[int]:
    """Places of the folds after the burn-in, without those whose cutoff is one of the months `unscored`."""
    first = max(len(folds) - config.folds, 0)
    return [place for place in range(first, len(folds)) if panel.months[folds[place]].astype(date) not in unscored]


def _published(
    pool: CombinedForecasts,
    backtest: Backtest,
    *,
    config: ForecastConfig,
    components: NDArray[np.float32],
    new_array: NewArray,
    executor: Executor | None,
) -> PanelForecast:
    """The forecasts at the last cutoff, which is the panel's own."""
    panel, base, last = pool.panel, pool.base, len(pool.base.cutoffs) - 1
    executor = None if len(pool.centre) < FEWEST_SERIES else executor
    distribution = published_distribution(pool, executor)
    paths = fold_paths(pool, last, draws=config.draws, seed=config.seed, distribution=distribution, new_array=new_array)
    quantiles = quantiles_of_paths(paths, config.probabilities)
    return PanelForecast(
        unique_ids=panel.unique_ids,
        months=panel.cutoff + 1 + np.arange(config.horizon),
        centre=pool.centre[:, last],
        mean=paths.mean(axis=1, dtype=np.float64),
        median=quantiles[:, config.probabilities.index(0.5)],
        quantiles=quantiles,
        paths=paths,
        names=base.names,
        base=base.means[:, :, last],
        base_quantiles=base_intervals(pool, last, config.probabilities, executor=executor, new_array=new_array),
        weights=pool.weights[:, last],
        failures=base.failures,
        backtest=backtest,
        components=components,
        statuses=_statuses(pool, last),
        total_effect=pool.total_effect,
    )


def _statuses(pool: CombinedForecasts, fold: int) -> tuple[str, ...]:
    """The status of each series whose end needs attention, empty for the others."""
    readings, delay = pool.last_values[fold], pool.data.delay[:, fold]
    unusual = np.zeros(len(delay), dtype=bool) if readings is None else readings.unusual
    statuses = []
    for row, values in enumerate(pool.seen(fold)):
        ended = delay[row] >= ENDED_MONTHS or pool.discontinued[row, fold]
        last = pool.panel.months[np.flatnonzero(np.isfinite(values))[-1]] if ended else None
        statuses.append(f"ended since {last}" if ended else UNUSUAL if unusual[row] else "")
    return tuple(statuses)


def evaluate_panel(
    panel: Panel,
    *,
    cutoffs: Sequence[np.datetime64],
    config: ForecastConfig,
    reporter: str,
    vintage_values: Mapping[int, FloatArray] | None = None,
    indicators: IndicatorPanel | None = None,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[Backtest, tuple[Failure, ...]]:
    """Score the forecasts made at `cutoffs` (months), each from the folds before it, on the steps that are known.

    The folds are as far apart as a run's, whatever the distance between the cutoffs. `vintage_values` as in
    `forecast_panel`.

    Raises:
        BadCutoff: no cutoff was given, or one is outside the panel or has no month after it.
    """
    first_month, last_month = str(panel.months[0]), str(panel.cutoff)
    if len(panel.months) < FEWEST_MONTHS:
        raise TooShortToEvaluate(len(panel.months), FEWEST_MONTHS)
    if not len(cutoffs):
        raise BadCutoff("(none)", first_month, last_month)
    scored = sorted({panel.position(cutoff) for cutoff in cutoffs})
    if scored[-1] == len(panel.months) - 1:
        raise BadCutoff(last_month, first_month, str(panel.months[-2]) if len(panel.months) > 1 else first_month)
    burn_in = _in_own_history(panel, _positions_before(scored[0], config, count=config.burn_in))
    folds = sorted({*burn_in, *range(scored[0], scored[-1], config.every), *scored})
    vintage_values = without_joined_januaries(panel, folds, vintage_values or {})
    base = forecast_at_cutoffs(
        panel,
        cutoffs=folds,
        horizon=config.horizon,
        reporter=reporter,
        forecasters=config.forecasters,
        prophet=config.prophet,
        vintage_values=vintage_values,
        executor=executor,
        on_progress=on_progress,
    )
    pool = combine_panel(panel, base, recent=config.recent, vintage_values=vintage_values, indicators=indicators)
    places = [folds.index(cutoff) for cutoff in scored]
    backtest = evaluate_folds(pool, places, config=config, keep_all=True, executor=executor, on_progress=on_progress)
    return backtest, base.failures


def without_joined_januaries(
    panel: Panel, cutoffs: Sequence[int], vintage_values: Mapping[int, FloatArray]
) -> dict[int, FloatArray]:
    """`vintage_values` without a January at its own cutoff if it was published in one figure with February."""
    known = dict(vintage_values)
    for cutoff in cutoffs:
        joined = panel.imputed[:, cutoff] & (panel.months[cutoff].astype(object).month == 1)
        if joined.any():
            known[cutoff] = known.get(cutoff, panel.values[:, : cutoff + 1]).copy()
            known[cutoff][joined, cutoff] = np.nan
    return known


def fold_positions(panel: Panel, config: ForecastConfig) -> list[int]:
    """The cutoffs (positions in the panel's months) of a run's folds, burn-in folds first."""
    positions = _positions_before(len(panel.months) - 1, config, count=config.folds + config.burn_in)
    return _in_own_history(panel, positions)


def _in_own_history(panel: Panel, positions: Sequence[int]) -> list[int]:
    """The positions with enough months of the panel's own, not borrowed, before them."""
    return [position for position in positions if position >= panel.first_published + SHORTEST_OWN_HISTORY - 1]


def _positions_before(position: int, config: ForecastConfig, *, count: int) -> list[int]:
    """Up to `count` cutoffs before a position, `every` months apart, none before the shortest history."""
    back = position - config.every * np.arange(count, 0, -1)
    return [int(cutoff) for cutoff in back if cutoff >= config.shortest - 1]
