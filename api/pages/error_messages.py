"""Messages of invalid requests for readers: the parameter, the choices, and the likely intention."""

from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from api.query_parameters import intention

LABELS = {
    "flow": "flow",
    "frequency": "frequency",
    "units": "units",
    "kind": "kind of period",
    "measure": "measure",
    "order": "order",
    "save": "file format",
    "which": "partners",
}
CHOICES = {
    "X": "exports (X)",
    "M": "imports (M)",
    "B": "the balance (B)",
    "Q": "quarters (Q)",
    "A": "years (A)",
    "lin": "level (lin)",
    "pc1": "growth on a year ago (pc1)",
}
FREQUENCIES = {"M": "months (M)"}
TITLES = {
    HTTPStatus.UNPROCESSABLE_ENTITY: "This request cannot be answered",
    HTTPStatus.NOT_FOUND: "Not found",
    HTTPStatus.CONFLICT: "Not available yet",
    HTTPStatus.FORBIDDEN: "Not permitted",
}


def title(status: HTTPStatus) -> str:
    """The heading of an error page."""
    return TITLES.get(status, status.phrase)


def invalid_parameters(faults: Sequence[Mapping[str, Any]], known: Collection[str]) -> str:
    """All faults of a request; `known` are the names of the page's parameters."""
    return " ".join(_message(fault, known) for fault in faults)


def _message(fault: Mapping[str, Any], known: Collection[str]) -> str:
    name = str(fault["loc"][-1])
    if fault["type"] == "extra_forbidden":
        return f"Unknown parameter {name}: {intention(name, known)}"
    if fault["type"] == "literal_error":
        expected = str(fault["ctx"]["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        names = FREQUENCIES if name == "frequency" else {}
        choices = [names.get(choice) or CHOICES.get(choice, choice) for choice in expected]
        listed = f"{', '.join(choices[:-1])} or {choices[-1]}" if len(choices) > 1 else choices[0]
        return f"Choose for {LABELS.get(name, name)}: {listed}."
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{name}: {message[:1].lower()}{message[1:]}."
