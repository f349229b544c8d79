"""Terms of the glossary (docs/glossary.md) that pages explain where they appear."""

import re
from collections.abc import Mapping

from markupsafe import Markup, escape

MEANINGS: Mapping[str, str] = {
    "backtest": "forecasts made at past cutoffs from the data known then, compared with actuals",
    "baseline": "seasonal naive, last year's value: the reference for every score, and the replacement for a "
    "forecaster that fails",
    "bias": "mean of forecast minus actual, in the dataset's unit",
    "combination": "the weighted mean of forecasters that is published",
    "contribution": "the part of an aggregate's growth that is due to a component, in percentage points; contributions "
    "sum to the growth",
    "coverage": "the share of actuals inside the interval of a level; 0.80 is ideal for level 80",
    "cutoff": "the last month that a forecaster may use",
    "Diebold-Mariano": "a test of equal accuracy of two forecasters; a small p-value rejects equality",
    "first print": "the first published value of a month",
    "fold": "one cutoff of a backtest",
    "forecaster": "a method with its hyperparameters",
    "MASE": "mean absolute error divided by that of seasonal naive in the history known at the cutoff; below 1 beats "
    "repeating last year's value",
    "nowcast": "the forecast of a month that has ended and is not yet published",
    "pinball": "mean quantile score over the published probabilities; lower is better",
    "PIT": "probability integral transform: the position of an actual in its forecast distribution, from 0 to 1; "
    "uniform if the distribution is calibrated",
    "prediction interval": "a range with a probability: intervals of level 80 should contain 80 % of actuals",
    "revision": "the latest value of a month minus its first print",
    "RMSSE": "as MASE, with root mean squares",
    "sMAPE": "absolute error in per cent of the mean size of forecast and actual",
    "weight": "the share of a forecaster in the combination",
    "WIS": "weighted interval score: interval width plus a penalty for each miss; lower is better",
}
BY_LOWER_CASE = {term.lower(): meaning for term, meaning in MEANINGS.items()}
WORDS = "|".join(re.escape(term) for term in sorted(MEANINGS, key=len, reverse=True))
TERM = re.compile(rf"\b(?:{WORDS})(?=s?\b)", re.IGNORECASE)


def with_terms(text: str) -> Markup:
    """The text with each term of the glossary marked where it first appears; its meaning is the tooltip."""
    parts, end, seen = [Markup()], 0, set[str]()
    for found in TERM.finditer(text):
        term = found[0].lower()
        if term in seen:
            continue
        seen.add(term)
        mark = Markup('<abbr class="term" tabindex="0" title="{}">{}</abbr>').format(BY_LOWER_CASE[term], found[0])
        parts += [escape(text[end : found.start()]), mark]
        end = found.end()
    return Markup().join([*parts, escape(text[end:])])
