"""The structures that the service maintains: dimensions, attributes, codelists and dataflows."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlmodel import Session

from forecasting.config import PROBABILITIES
from store.queries import catalog

AGENCY, VERSION = "TRADEWIND", "1.0"
SCHEME = "CS_TRADEWIND"
CODED: Mapping[str, str] = {
    "FREQ": "CL_FREQ",
    "DATASET": "CL_DATASET",
    "FLOW": "CL_FLOW",
    "PARTNER": "CL_PARTNER",
    "SECTOR": "CL_SECTOR",
    "STATISTIC": "CL_STATISTIC",
    "OBS_STATUS": "CL_OBS_STATUS",
}
"""Codelists by concept; the other concepts are text."""
CONCEPTS: Mapping[str, str] = {
    "FREQ": "Frequency",
    "DATASET": "Dataset",
    "FLOW": "Trade flow",
    "PARTNER": "Partner",
    "SECTOR": "Sector",
    "STATISTIC": "Mean, median or quantile",
    "VINTAGE": "Day on which the value became known",
    "TIME_PERIOD": "Month",
    "OBS_VALUE": "Value",
    "OBS_STATUS": "Observation status",
    "UNIT_MEASURE": "Unit",
    "RUN": "Run",
    "AS_OF": "Day whose knowledge the forecast uses",
    "FORECAST_STATUS": "Ended, or last value unusual; empty for other series",
}
COMMON = ("FREQ", "DATASET", "FLOW", "PARTNER", "SECTOR")


class Dataflow(NamedTuple):
    """A dataflow, whose data structure has the same id."""

    id: str
    name: str
    dimensions: tuple[str, ...]
    series_attributes: tuple[str, ...]
    observation_attributes: tuple[str, ...]


DATAFLOWS: Mapping[str, Dataflow] = {
    flow.id: flow
    for flow in (
        Dataflow("OBSERVATIONS", "Observed trade by month", COMMON, ("UNIT_MEASURE",), ("OBS_STATUS",)),
        Dataflow(
            "FORECASTS",
            "Forecast trade by month",
            (*COMMON, "STATISTIC"),
            ("UNIT_MEASURE", "RUN", "AS_OF", "FORECAST_STATUS"),
            (),
        ),
        Dataflow("VINTAGES", "Every published value", (*COMMON, "VINTAGE"), ("UNIT_MEASURE",), ("OBS_STATUS",)),
    )
}


def quantile_code(probability: float) -> str:
    """The code of a quantile, such as P2_5 for the probability 0.025."""
    return f"P{100 * probability:g}".replace(".", "_")


def codelists(session: Session) -> dict[str, dict[str, str]]:
    """Names by code of every codelist."""
    quantiles = {quantile_code(value): f"Quantile at probability {value:g}" for value in PROBABILITIES}
    return {
        "CL_FREQ": {"M": "Monthly"},
        "CL_DATASET": {dataset.id: dataset.title for dataset in catalog.datasets(session)},
        "CL_FLOW": {"X": "Exports", "M": "Imports", "B": "Balance, X - M"},
        "CL_PARTNER": {row.code: row.name for row in catalog.partners(session).rows},
        "CL_SECTOR": {row.code: row.name for row in catalog.sectors(session).rows},
        "CL_STATISTIC": {"MEAN": "Mean", "MEDIAN": "Median", **quantiles},
        "CL_OBS_STATUS": {"A": "Normal", "P": "Provisional", "I": "Imputed"},
    }
