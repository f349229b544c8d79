"""Queries of the store that need no database."""
