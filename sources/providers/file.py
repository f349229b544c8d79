"""A panel in a file of one's own: CSV or Parquet in long format."""

from pathlib import Path

from sources.observation_batch import ObservationBatch
from tables import OBSERVATION_COLUMNS, read_table, require_columns


def delivery(path: Path, *, dataset: str, limit_bytes: int) -> ObservationBatch:
    """The file's observations, unchecked: month, flow, partner, sector, value and, if given, vintage, months, status.

    Raises `tabular.UnreadableTable`.
    """
    frame = read_table(path, limit_bytes=limit_bytes)
    require_columns(frame, OBSERVATION_COLUMNS, str(path))
    return ObservationBatch(dataset, frame)
