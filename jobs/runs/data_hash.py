"""What a run is made of, in one word: runs on the same figures have the same."""

import hashlib

import pandas as pd


def hash_panel(frame: pd.DataFrame) -> str:
    """SHA-256 of what a run is made of: every series' months and values, in whatever order they came."""
    ordered = frame.sort_values(["unique_id", "ds"], ignore_index=True)
    rows = pd.util.hash_pandas_object(ordered[["unique_id", "ds", "y"]], index=False)
    return hashlib.sha256(rows.to_numpy().tobytes()).hexdigest()
