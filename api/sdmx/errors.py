"""Errors of the SDMX protocol.

NotStored
└── UnknownArtefact

RequestError
├── UnreadableKey
└── UnreadablePeriod
"""

from api.exception_handlers import RequestError
from store.errors import NotStored


class UnknownArtefact(NotStored):
    """A structure or a dataflow that is not maintained here."""

    def __init__(self, kind: str, artefact: str) -> None:
        self.kind, self.artefact = kind, artefact
        super().__init__(f"there is no {kind} {artefact}")


class UnreadableKey(RequestError):
    """A key with another number of positions than the dataflow has dimensions."""

    def __init__(self, key: str, dimensions: tuple[str, ...]) -> None:
        self.key, self.dimensions = key, dimensions
        super().__init__(f"the key {key} must have {len(dimensions)} positions: {'.'.join(dimensions)}")


class UnreadablePeriod(RequestError):
    """A bound of TIME_PERIOD in another form than that of the standard."""

    def __init__(self, given: str) -> None:
        self.given = given
        super().__init__(f"c[TIME_PERIOD] is written ge:2020-01+le:2020-12, not {given}")
