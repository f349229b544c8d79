"""Forecasts of whole panels."""
