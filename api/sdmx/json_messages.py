"""Data messages in SDMX-JSON 1.0: codes and attribute values by their place in lists."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from api.sdmx.artefacts import AGENCY, CONCEPTS, Dataflow
from api.sdmx.data import Series


class _Places:
    """The distinct values of a component, and the place of each."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def of(self, value: str) -> int:
        return self.places.setdefault(value, len(self.places))

    @property
    def values(self) -> list[dict[str, str]]:
        return [{"id": value, "name": value} for value in self.places]


def json_data(prepared: datetime, flow: Dataflow, series: Iterable[Series]) -> dict[str, Any]:
    """A data message by series, with `header`, `structure` and `dataSets` at the root.

    That is the layout of the first releases of SDMX-JSON, which clients read; the official 1.0 has them in `data`.
    """
    dimensions = [_Places() for _ in flow.dimensions]
    of_series = [_Places() for _ in flow.series_attributes]
    of_observations = [_Places() for _ in flow.observation_attributes]
    times = _Places()
    found = {}
    for keyed in series:
        observations = {
            str(times.of(observation.period)): [observation.value, *_placed(of_observations, observation.attributes)]
            for observation in keyed.observations
        }
        key = ":".join(map(str, _placed(dimensions, keyed.key)))
        found[key] = {"attributes": _placed(of_series, keyed.attributes), "observations": observations}
    return {
        "header": {
            "id": f"TW{prepared:%Y%m%d%H%M%S}",
            "test": False,
            "prepared": prepared.astimezone(UTC).isoformat(timespec="seconds"),
            "sender": {"id": AGENCY},
        },
        "structure": {
            "name": flow.name,
            "dimensions": {
                "dataSet": [],
                "series": _components(flow.dimensions, dimensions),
                "observation": _components(("TIME_PERIOD",), [times], first=len(flow.dimensions)),
            },
            "attributes": {
                "dataSet": [],
                "series": _components(flow.series_attributes, of_series),
                "observation": _components(flow.observation_attributes, of_observations),
            },
        },
        "dataSets": [{"action": "Information", "series": found}],
    }


def _placed(components: Sequence[_Places], values: Sequence[str]) -> list[int]:
    return [places.of(value) for places, value in zip(components, values, strict=False)]


def _components(names: Sequence[str], components: Sequence[_Places], *, first: int = 0) -> list[dict[str, Any]]:
    return [
        {"id": name, "name": CONCEPTS[name], "keyPosition": position, "values": places.values}
        for position, (name, places) in enumerate(zip(names, components, strict=True), start=first)
    ]
