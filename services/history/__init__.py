"""Forecasts as they were made before, beside first prints and external forecasts."""
