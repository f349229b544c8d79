"""Executors, the dask cluster, and the supervision of processes."""
