"""PostgreSQL tables, and queries that are functions named for their answers."""
