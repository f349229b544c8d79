"""Forecasts given conditions and shocks, and adjustments by people."""
