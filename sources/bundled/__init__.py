"""The published figures that come with the code: see the cards in figures/."""

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from sources.observation_batch import DatasetDefinition, ObservationBatch
from tables import read_table

HERE = Path(__file__).resolve().parent
LARGEST_FILE = 10_000_000


def definitions() -> dict[str, DatasetDefinition]:
    """The bundled datasets by code."""
    names = {field.name for field in fields(DatasetDefinition)}
    return {
        code: DatasetDefinition(id=code, **{name: value for name, value in entry.items() if name in names})
        for code, entry in entries().items()
    }


def delivery(dataset: str) -> ObservationBatch:
    """The figures of a bundled dataset. Raises KeyError for any other."""
    entry = entries()[dataset]
    frame = read_table(HERE / "data" / entry["file"], limit_bytes=LARGEST_FILE)
    frame = frame.rename(columns={entry["value"]: "value"}).assign(**entry["constant"])
    return ObservationBatch(dataset, frame, backfilled=True)


def calendar(dataset: str) -> pd.DataFrame:
    """The due dates that come with a bundled dataset, none for most: dataset, period, due_on, time."""
    planned = read_table(HERE / "calendars" / "gacc.csv", limit_bytes=LARGEST_FILE)
    return planned[planned["dataset"] == dataset]


def codes(name: str) -> pd.DataFrame:
    """A table of codes, as text: `partners` (code, name, is_group), `sectors` (code, name, classification)."""
    return read_table(HERE / "codes" / f"{name}.csv", limit_bytes=LARGEST_FILE)


def groups() -> dict[str, list[str]]:
    """The full membership of each group of countries, by code."""
    table = codes("groups")
    return {str(group): members["member"].tolist() for group, members in table.groupby("group")}


def entries() -> dict[str, dict[str, Any]]:
    """The entries of datasets.toml by code."""
    return tomllib.loads((HERE / "datasets.toml").read_text(encoding="utf-8"))
