"""Rolling-origin backtest: forecasts at past cutoffs and their scores."""
