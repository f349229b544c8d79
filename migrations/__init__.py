"""Alembic migrations: the tables as they were made, step by step."""
