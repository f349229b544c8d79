"""Fetching from sources, and storing observations."""
