"""The verdict on a backtest in one sentence: typical error, coverage, bias, and forecasters that were more accurate."""

from collections.abc import Sequence

from forecasting.analysis.periods import GROWTH
from forecasting.config import BASELINE, COMBINATION
from presentation import formatting
from presentation.sections.section import in_unit
from services.backtests.backtest_folds import score_unit
from services.backtests.backtest_summary import BacktestScores
from store.queries.backtests import ScoreRow

LEVEL, NAMED = 80.0, 3
NO_BIAS = 1.0
"""Bias in per cent below which a forecast is called unbiased."""


def verdict(scores: BacktestScores, *, kind: str, unit: str) -> str:
    """One sentence about the shortest step, then how the forecasters compare; empty without scores."""
    steps = [row.step for row in scores.steps if row.forecaster == COMBINATION and row.metric == "mae"]
    if not steps:
        return ""
    step = min(steps)
    rows = {(row.metric, row.level): row for row in scores.steps if row.forecaster == COMBINATION and row.step == step}
    parts = [_error(rows, kind, unit), _coverage(rows.get(("coverage", LEVEL))), _bias(rows, kind)]
    when = f"{formatting.count_of(step, 'month')} ahead"
    first = f"{when[:1].upper()}{when[1:]}, {'; '.join(part for part in parts if part)}."
    return f"{first} {_comparison(scores.pooled)}".strip()


def _error(rows: dict[tuple[str, float], ScoreRow], kind: str, unit: str) -> str:
    if not kind.endswith(GROWTH) and ("smape", 0.0) in rows:
        return f"the typical error is {formatting.per_cent(rows['smape', 0.0].value)}"
    show = formatting.size_of_points if kind.endswith(GROWTH) else in_unit(score_unit(kind, unit))
    return f"the typical error is {show(rows['mae', 0.0].value)}"


def _coverage(row: ScoreRow | None) -> str:
    if row is None:
        return ""
    return f"the 80 % interval contained {round(row.value * row.n):,} of {row.n:,} outcomes"


def _bias(rows: dict[tuple[str, float], ScoreRow], kind: str) -> str:
    """The bias in per cent of the level, inferred from the ratio of absolute to relative error."""
    bias, mae, smape = (rows.get((metric, 0.0)) for metric in ("bias", "mae", "smape"))
    if bias is None or mae is None or smape is None or not mae.value or kind.endswith(GROWTH):
        return ""
    share = smape.value * bias.value / mae.value
    if abs(share) < NO_BIAS:
        return "forecasts are unbiased"
    return f"forecasts are {formatting.per_cent(abs(share))} too {'high' if share > 0 else 'low'} on average"


def _comparison(pooled: Sequence[ScoreRow]) -> str:
    """Forecasters that were more accurate than the combination over all steps, and the baseline."""
    errors = {row.forecaster: row.value for row in pooled if row.metric == "mae"}
    if COMBINATION not in errors or len(errors) <= 2:
        return ""
    own = errors[COMBINATION]
    better = sorted((name for name in errors if errors[name] < own), key=errors.__getitem__)
    names = ", ".join(name.replace("_", " ") for name in better[:NAMED])
    beaten = f"Over all steps, more accurate than the combination: {names}" if better else ""
    none = f"Over all steps, none of the {len(errors) - 1} single forecasters was more accurate than the combination"
    text = beaten or none
    if BASELINE in errors and errors[BASELINE] > 0:
        change = 100 * (own / errors[BASELINE] - 1)
        relation = "below" if change < 0 else "above"
        text += f"; its error is {formatting.per_cent(abs(change))} {relation} that of repeating last year’s value"
    return f"{text}."
