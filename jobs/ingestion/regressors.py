"""Ingest own regressors of datasets from a file."""

import re
from datetime import date
from pathlib import Path

from sqlmodel import Session

from services.queries.regressors import REGRESSOR
from sources.errors import BadDefinition
from store.queries import regressors
from store.queries.regressors import RegressorRecord
from tables import check_regressor, read_table


def ingest_regressor_file(
    session: Session,
    path: Path,
    *,
    dataset: str,
    regressor: str,
    today: date,
    limit_bytes: int,
    define: RegressorRecord | None = None,
) -> int:
    """Store the values of a file, all or none, and return how many are new; `define` describes the regressor.

    The caller commits. Raises `tables.TableError`, BadDefinition, UnknownDataset, UnknownRegressor.
    """
    if define is not None:
        if not re.fullmatch(REGRESSOR, define.id):
            raise BadDefinition("regressor", define.id, "a code is of capital letters, digits and _, 40 at most")
        if define.flow not in ("X", "M", "*"):
            raise BadDefinition("explains", define.flow, "it is FLOW[.PARTNER[.SECTOR]], with flow X, M or *")
        regressors.define(session, dataset, define)
    frame = check_regressor(read_table(path, limit_bytes=limit_bytes), today=today)
    return regressors.append(session, dataset, regressor, frame)
