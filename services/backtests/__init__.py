"""Folds, scores and coverage of the backtest, for stored and derived series."""
