"""Bundled indicators; data/ has a card for each table."""

import tomllib
from typing import Any

import pandas as pd

from sources import bundled
from sources.observation_batch import IndicatorDefinition
from tables import read_table

DEFINED = ("title", "kind", "unit", "country", "publisher", "licence", "citation", "lag_days")


def definitions() -> dict[str, IndicatorDefinition]:
    """The bundled indicators by code."""
    return {
        code: IndicatorDefinition(id=code, **{name: entry[name] for name in DEFINED})
        for code, entry in _entries().items()
    }


def table(indicator: str) -> pd.DataFrame:
    """Columns month, value and known_on, as text; months without a value are omitted. Raises KeyError."""
    entry = _entries()[indicator]
    frame = read_table(bundled.HERE / "data" / entry["file"], limit_bytes=bundled.LARGEST_FILE)
    frame = frame.rename(columns={entry["value"]: "value"})[["month", "value", "known_on"]]
    return frame[frame["value"] != ""]


def uses(dataset: str) -> dict[str, list[str]]:
    """The indicators that may inform a bundled dataset, by flow; empty for a dataset without any."""
    named: dict[str, list[str]] = bundled.entries().get(dataset, {}).get("indicators", {})
    return named


def _entries() -> dict[str, dict[str, Any]]:
    return tomllib.loads((bundled.HERE / "indicators.toml").read_text(encoding="utf-8"))
