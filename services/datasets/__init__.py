"""Datasets from tables of users: columns, import and summary."""
