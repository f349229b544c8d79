"""Structures of SDMX-ML 2.1 as those of 3.0, which refer to one another by URN and have measures beside attributes."""

from typing import Any

from lxml import etree

ORDER = ("Codelists", "ConceptSchemes", "Dataflows", "DataStructures")
USAGE = {"Conditional": "optional", "Mandatory": "mandatory"}


def convert_structures(found: Any) -> None:
    """Convert the element Structures of a message in place; its namespaces remain those of 2.1."""
    for element in list(found.iter()):
        name = etree.QName(element)
        if name.localname == "Concepts":
            element.tag = f"{{{name.namespace}}}ConceptSchemes"
        elif name.localname == "PrimaryMeasure":
            _convert_measure(element, name.namespace)
        elif name.localname == "TimeDimension":
            del element.attrib["position"]
        element.attrib.pop("isFinal", None)
        if "assignmentStatus" in element.attrib:
            element.set("usage", USAGE[element.attrib.pop("assignmentStatus")])
    for reference in list(found.iter("Ref")):
        parent = reference.getparent()
        parent.remove(reference)
        parent.text = _text(reference.attrib)
    found[:] = sorted(found, key=lambda part: ORDER.index(etree.QName(part).localname))


def _convert_measure(element: Any, namespace: str | None) -> None:
    """The definition of the measure, or the relationship of an attribute to an observation."""
    defined = "id" in element.attrib
    element.tag = f"{{{namespace}}}{'Measure' if defined else 'Observation'}"
    if not defined:
        del element[:]


def _text(reference: Any) -> str:
    """The URN of a structure or of a concept, or the name of a component of the same structure."""
    if "agencyID" not in reference:
        return str(reference["id"])
    kind = f"urn:sdmx:org.sdmx.infomodel.{reference['package']}.{reference['class']}={reference['agencyID']}"
    if "maintainableParentID" in reference:
        scheme, version = reference["maintainableParentID"], reference["maintainableParentVersion"]
        return f"{kind}:{scheme}({version}).{reference['id']}"
    return f"{kind}:{reference['id']}({reference['version']})"
