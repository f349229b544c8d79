"""A panel to be forecast (unique_id, ds, y) as observations of a dataset."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from services.datasets.datasets import SECTOR_LENGTH
from sources.partner_names import partner_names
from store.models import TOTAL_PARTNER, TOTAL_SECTOR

EXPORTS = "X"


@dataclass(frozen=True, slots=True)
class PanelObservations:
    """Observations of a panel, its sectors' names by code, and whether its series are partners and sectors.

    Only then do they add up to anything.
    """

    frame: pd.DataFrame
    sectors: Mapping[str, str]
    structured: bool


def panel_observations(panel: pd.DataFrame) -> PanelObservations:
    """The observations of a panel as checked by `tables.check_panel`: month, flow, partner, sector, value.

    Series are exports unless their names say otherwise. A name is read as FLOW.PARTNER.SECTOR or PARTNER.SECTOR, with
    or without a dataset before it, where all names can be; columns partner and sector come first. All other names
    become sectors of their own, of trade with the world.
    """
    columns = {"ds": "month", "y": "value"}
    if {"partner", "sector"} & set(panel.columns):
        frame = panel.rename(columns=columns).drop(columns="unique_id")
        given = {"flow": EXPORTS, "partner": TOTAL_PARTNER, "sector": TOTAL_SECTOR}
        frame = frame.assign(**{name: value for name, value in given.items() if name not in frame})
        return PanelObservations(frame, _own_names(frame["sector"].unique()), structured=True)
    names = panel["unique_id"].unique()
    keys = {name: _key(str(name)) for name in names}
    structured = all(keys.values())
    if not structured:
        codes = _codes([str(name) for name in names])
        keys = {name: (EXPORTS, TOTAL_PARTNER, codes[str(name)]) for name in names}
    frame = panel.rename(columns=columns)
    for place, column in enumerate(("flow", "partner", "sector")):
        frame[column] = panel["unique_id"].map({name: key[place] for name, key in keys.items() if key})
    named = _own_names(frame["sector"].unique()) if structured else {code: name for name, code in codes.items()}
    return PanelObservations(frame.drop(columns="unique_id"), named, structured)


def _key(name: str) -> tuple[str, str, str] | None:
    """Flow, partner and sector, if the name has them."""
    parts = name.split(".")
    if len(parts) in (3, 4) and parts[-3] in ("X", "M"):
        flow, partner, sector = parts[-3:]
    elif len(parts) == 2:
        flow, (partner, sector) = EXPORTS, parts
    else:
        return None
    code = partner_names().find(partner)
    usable = re.fullmatch(rf"[A-Za-z0-9_-]{{1,{SECTOR_LENGTH}}}", sector)
    return (flow, code, sector) if code and usable else None


def _own_names(sectors: Iterable[object]) -> dict[str, str]:
    return {str(sector): str(sector) for sector in sectors if sector != TOTAL_SECTOR}


def _codes(names: list[str]) -> dict[str, str]:
    """A code for each name: its letters and digits, with a number where two are alike."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for number, name in enumerate(names, start=1):
        code = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_")[:SECTOR_LENGTH] or f"S{number}"
        if code in taken or code == TOTAL_SECTOR:
            code = f"{code[: SECTOR_LENGTH - 8]}_{number}"
        taken.add(code)
        found[name] = code
    return found
