"""The panel of monthly series, its calendar regressors and its hierarchy: the input of every method."""
