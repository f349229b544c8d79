"""Events of series, and their effects."""
