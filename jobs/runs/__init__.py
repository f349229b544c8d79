"""Forecast runs: computing, writing, scoring and comparing them."""
