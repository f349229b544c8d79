"""Bundled observations, codes and calendars; data/ has a card for each table."""

import tomllib
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
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


def on_request() -> set[str]:
    """The bundled datasets that are imported only when they are asked for."""
    return {code for code, entry in entries().items() if entry.get("on_request", False)}


def config(dataset: str) -> dict[str, Any]:
    """Settings of forecasts of a bundled dataset that differ from the defaults; none for any other."""
    found: dict[str, Any] = entries().get(dataset, {}).get("config", {})
    return found


def delivery(dataset: str) -> ObservationBatch:
    """The observations of a bundled dataset. Raises KeyError for any other."""
    entry = entries()[dataset]
    frame = read_table(HERE / "data" / entry["file"], limit_bytes=LARGEST_FILE)
    frame = frame.rename(columns={entry["value"]: "value"}).assign(**entry["constant"])
    if "vintages" in entry:
        frame = _with_vintages(frame, read_table(HERE / "data" / entry["vintages"], limit_bytes=LARGEST_FILE), entry)
    frame["value"] = _in_unit(frame["value"], entry.get("divisor", 1))
    if "quantities" in entry:
        quantities = read_table(HERE / "data" / entry["quantities"], limit_bytes=LARGEST_FILE)
        quantities = quantities.rename(columns={"quantity": "value"}).assign(**entry["constant"])
        frame = pd.concat([frame, quantities.set_axis(frame.index[-1] + 1 + np.arange(len(quantities)))])
    if "backfilled" not in frame:
        return ObservationBatch(dataset, frame, backfilled=True)
    return ObservationBatch(dataset, frame.drop(columns="backfilled"), backfilled=frame["backfilled"] == "true")


def _with_vintages(frame: pd.DataFrame, vintages: pd.DataFrame, entry: dict[str, Any]) -> pd.DataFrame:
    """Values with their later vintages: the first of a month replaces its first print, the others revise it."""
    vintages = vintages.rename(columns={entry["value"]: "value"}).assign(**entry["constant"])
    key = ["month", "flow"]
    first = ~vintages.duplicated(key)
    base = frame.merge(vintages.loc[first, [*key, "value"]], on=key, how="left", suffixes=("", "_first"))
    base = base.set_axis(frame.index)
    base = base.assign(value=base.pop("value_first").fillna(base["value"]), vintage="", backfilled="true")
    revised = vintages[~first].assign(backfilled="false")
    return pd.concat([base, revised.set_axis(base.index[-1] + 1 + np.arange(len(revised)))])


def _in_unit(values: "pd.Series[str]", divisor: int) -> "pd.Series[str]":
    """Values as text, divided exactly in decimals: 100 million to billion."""
    return values if divisor == 1 else values.map(lambda value: str(Decimal(value) / divisor))


def calendar(dataset: str) -> pd.DataFrame:
    """Bundled due dates of a dataset, empty for most: dataset, period, due_on, time."""
    planned = read_table(HERE / "calendars" / "gacc.csv", limit_bytes=LARGEST_FILE)
    return planned[planned["dataset"] == dataset]


def events() -> pd.DataFrame:
    """The bundled events, as text: the input of `tables.check_events`."""
    return read_table(HERE / "data" / "events.csv", limit_bytes=LARGEST_FILE)


def polls(dataset: str) -> pd.DataFrame | None:
    """Polls on a bundled dataset, as text: month, what, released, first_print, poll_median; None without any."""
    name = entries()[dataset].get("polls")
    return None if name is None else read_table(HERE / "data" / name, limit_bytes=LARGEST_FILE)


def codes(name: str) -> pd.DataFrame:
    """A table of codes, as text: `partners` (code, name, is_group), `sectors` (as `SectorRecord`)."""
    return read_table(HERE / "codes" / f"{name}.csv", limit_bytes=LARGEST_FILE)


def groups() -> dict[str, list[str]]:
    """The full membership of each group of countries, by code."""
    table = codes("groups")
    return {str(group): members["member"].tolist() for group, members in table.groupby("group")}


def entries() -> dict[str, dict[str, Any]]:
    """The entries of datasets.toml by code."""
    return tomllib.loads((HERE / "datasets.toml").read_text(encoding="utf-8"))
