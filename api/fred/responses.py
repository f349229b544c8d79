"""Answers of the FRED protocol in XML and JSON."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

import orjson
from fastapi import Response

Element = Mapping[str, Any]


def fred_response(
    file_type: str, root: str, attributes: Element, child: str, children: Sequence[Element], *, key: str | None = None
) -> Response:
    """A list: an XML element `root` with `child` elements, or a JSON object with the list under `key`."""
    if file_type == "json":
        return Response(orjson.dumps({**attributes, key or root: list(children)}), media_type="application/json")
    element = ET.Element(root, {name: _text(value) for name, value in attributes.items()})
    for fields in children:
        ET.SubElement(element, child, {name: _text(value) for name, value in fields.items()})
    return _xml(element)


def dates_response(file_type: str, attributes: Element, dates: Sequence[Any]) -> Response:
    """Vintage dates."""
    if file_type == "json":
        content = {**attributes, "vintage_dates": [str(day) for day in dates]}
        return Response(orjson.dumps(content), media_type="application/json")
    element = ET.Element("vintage_dates", {name: _text(value) for name, value in attributes.items()})
    for day in dates:
        ET.SubElement(element, "vintage_date").text = str(day)
    return _xml(element)


def error_response(file_type: str, status: int, message: str) -> Response:
    """An error as FRED writes it."""
    if file_type == "json":
        content = {"error_code": status, "error_message": message}
        return Response(orjson.dumps(content), status, media_type="application/json")
    return _xml(ET.Element("error", {"code": str(status), "message": message}), status)


def _xml(element: ET.Element, status: int = 200) -> Response:
    content = ET.tostring(element, encoding="utf-8", xml_declaration=True)
    return Response(content, status, media_type="text/xml; charset=utf-8")


def _text(value: Any) -> str:
    return "" if value is None else str(value)
