"""Forecasts and observations in any unit and over any periods."""
