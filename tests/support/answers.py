"""Answers held against their documented shapes."""

from typing import Any

from pydantic import TypeAdapter


def validate(shape: type[Any], content: Any) -> Any:
    """The content, checked against an answer's TypedDict: no key missing, none undocumented, every type right."""
    return TypeAdapter(shape).validate_python(content)
