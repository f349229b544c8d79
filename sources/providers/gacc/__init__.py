"""Gacc."""
