"""Sources of observations: one module per provider, all returning the same frame."""
