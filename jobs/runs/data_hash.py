"""Hash of a run's data: runs on the same observations have the same hash."""

import hashlib

import pandas as pd


def hash_panel(frame: pd.DataFrame) -> str:
    """SHA-256 of months and values of every series, independent of their order."""
    ordered = frame.sort_values(["unique_id", "ds"], ignore_index=True)
    rows = pd.util.hash_pandas_object(ordered[["unique_id", "ds", "y"]], index=False)
    return hashlib.sha256(rows.to_numpy().tobytes()).hexdigest()
