"""Clients that economists use, unmodified, against a served instance."""
