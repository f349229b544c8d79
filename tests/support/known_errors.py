"""Errors with a known distribution."""

import numpy as np

from forecasting.uncertainty.error_scale import KnownErrors

SERIES, FOLDS, HORIZON = 30, 60, 12


def known_law(seed=0, *, scales=None, growth=0.5, common=0.6):
    """Errors that grow with the step, share a common shock, and are random walks over the steps."""
    draw = np.random.default_rng(seed)
    scales = np.ones(SERIES) if scales is None else scales
    shared = draw.normal(size=(1, FOLDS, HORIZON))
    own = draw.normal(size=(len(scales), FOLDS, HORIZON))
    shocks = np.sqrt(common) * shared + np.sqrt(1 - common) * own
    walk = np.cumsum(shocks, axis=2) / np.sqrt(np.arange(1, HORIZON + 1))
    return scales[:, None, None] * walk * np.arange(1, HORIZON + 1) ** growth


def make_known_errors(errors, prior=None, *, cutoff=FOLDS, aggregation_level=None):
    """The errors known at month `cutoff`, of folds a month apart before it."""
    folds = errors.shape[1]
    cutoffs = np.arange(cutoff - folds, cutoff)
    aggregation_level = np.zeros(len(errors), dtype=np.int64) if aggregation_level is None else aggregation_level
    return KnownErrors(errors, cutoffs, cutoff, np.ones(len(errors)) if prior is None else prior, aggregation_level)
