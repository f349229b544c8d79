"""General Administration of Customs of China (GACC)."""
