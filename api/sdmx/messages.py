"""SDMX messages: structures and data in SDMX-ML 2.1, data in SDMX-CSV."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from lxml import etree

from api.sdmx.artefacts import AGENCY, CODED, CONCEPTS, SCHEME, VERSION, Dataflow
from api.sdmx.data import Series
from api.sdmx.structures_3_0 import convert_structures

BASE = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1"
BASE_3_0 = "http://www.sdmx.org/resources/sdmxml/schemas/v3_0"
MESSAGE, COMMON, STRUCTURE, GENERIC, SPECIFIC = (
    f"{BASE}/{name}" for name in ("message", "common", "structure", "data/generic", "data/structurespecific")
)
XML, XSI = "http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2001/XMLSchema-instance"
PREFIXES = {"mes": MESSAGE, "com": COMMON, "str": STRUCTURE, "gen": GENERIC, "ss": SPECIFIC, "xsi": XSI}
Parent = Any


def structure_message(
    prepared: datetime,
    *,
    flows: Sequence[Dataflow] = (),
    structures: Sequence[Dataflow] = (),
    codes: Mapping[str, Mapping[str, str]] | None = None,
    concepts: bool = False,
    constraint: tuple[Dataflow, Mapping[str, Sequence[str]]] | None = None,
    version: Literal["2.1", "3.0"] = "2.1",
) -> bytes:
    """A structure message of SDMX-ML 2.1 or 3.0 with the artefacts given, in the order of the schema."""
    root = _root("Structure", prepared)
    found = _add(root, MESSAGE, "Structures")
    if flows:
        parent = _add(found, STRUCTURE, "Dataflows")
        for flow in flows:
            element = _maintained(parent, "Dataflow", flow.id, flow.name)
            _reference(_add(element, STRUCTURE, "Structure"), flow.id, "DataStructure", "datastructure")
    if codes:
        parent = _add(found, STRUCTURE, "Codelists")
        for name, names in codes.items():
            element = _maintained(parent, "Codelist", name, name.removeprefix("CL_").replace("_", " ").capitalize())
            for code, text in names.items():
                _named(_add(element, STRUCTURE, "Code", id=code), text)
    if concepts:
        element = _maintained(_add(found, STRUCTURE, "Concepts"), "ConceptScheme", SCHEME, "Concepts of Tradewind")
        for concept, text in CONCEPTS.items():
            _named(_add(element, STRUCTURE, "Concept", id=concept), text)
    if structures:
        parent = _add(found, STRUCTURE, "DataStructures")
        for flow in structures:
            _data_structure(parent, flow)
    if constraint is not None:
        _constraint(_add(found, STRUCTURE, "Constraints"), *constraint)
    if version == "3.0":
        convert_structures(found)
    return _written(root, version)


def generic_data(prepared: datetime, flow: Dataflow, series: Iterable[Series]) -> bytes:
    """A generic data message, by series."""
    root = _root("GenericData", prepared, flow)
    data = _add(root, MESSAGE, "DataSet", structureRef=flow.id, action="Information")
    for keyed in series:
        element = _add(data, GENERIC, "Series")
        _values(_add(element, GENERIC, "SeriesKey"), flow.dimensions, keyed.key)
        if keyed.attributes:
            _values(_add(element, GENERIC, "Attributes"), flow.series_attributes, keyed.attributes)
        for observation in keyed.observations:
            obs = _add(element, GENERIC, "Obs")
            _add(obs, GENERIC, "ObsDimension", value=observation.period)
            _add(obs, GENERIC, "ObsValue", value=_number(observation.value))
            if observation.attributes:
                _values(_add(obs, GENERIC, "Attributes"), flow.observation_attributes, observation.attributes)
    return _written(root)


def specific_data(
    prepared: datetime, flow: Dataflow, series: Iterable[Series], version: Literal["2.1", "3.0"] = "2.1"
) -> bytes:
    """A structure-specific data message of SDMX-ML 2.1 or 3.0, by series."""
    root = _root("StructureSpecificData", prepared, flow, specific=True, urn=version == "3.0")
    data = _add(root, MESSAGE, "DataSet")
    data.set(f"{{{SPECIFIC}}}structureRef", flow.id)
    data.set(f"{{{SPECIFIC}}}dataScope", "DataStructure")
    data.set(f"{{{SPECIFIC}}}action", "Information")
    for keyed in series:
        names = (*flow.dimensions, *flow.series_attributes)
        element = etree.SubElement(data, "Series", dict(zip(names, (*keyed.key, *keyed.attributes), strict=True)))
        for observation in keyed.observations:
            attributes = dict(zip(flow.observation_attributes, observation.attributes, strict=True))
            measured = {"TIME_PERIOD": observation.period, "OBS_VALUE": _number(observation.value)}
            etree.SubElement(element, "Obs", measured | attributes)
    # These messages differ in 3.0 by namespaces and by the reference to the structure.
    return _written(root, version)


def csv_columns(flow: Dataflow, version: str) -> tuple[str, ...]:
    """The columns of SDMX-CSV 1.0 or 2.0."""
    head = ("DATAFLOW",) if version.startswith("1") else ("STRUCTURE", "STRUCTURE_ID", "ACTION")
    return (
        *(*head, *flow.dimensions, "TIME_PERIOD", "OBS_VALUE"),
        *(*flow.series_attributes, *flow.observation_attributes),
    )


def csv_rows(flow: Dataflow, series: Iterable[Series], version: str) -> Iterator[tuple[Any, ...]]:
    """Observations in the order of `csv_columns`."""
    identity = f"{AGENCY}:{flow.id}({VERSION})"
    head = (identity,) if version.startswith("1") else ("dataflow", identity, "I")
    for keyed in series:
        for observation in keyed.observations:
            values = (observation.period, _number(observation.value))
            yield (*head, *keyed.key, *values, *keyed.attributes, *observation.attributes)


def _written(root: Parent, version: Literal["2.1", "3.0"] = "2.1") -> bytes:
    content: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return content if version == "2.1" else content.replace(BASE.encode(), BASE_3_0.encode())


def _root(
    name: str, prepared: datetime, flow: Dataflow | None = None, *, specific: bool = False, urn: bool = False
) -> Parent:
    root = etree.Element(f"{{{MESSAGE}}}{name}", nsmap=PREFIXES)
    header = _add(root, MESSAGE, "Header")
    _add(header, MESSAGE, "ID").text = f"TW{prepared:%Y%m%d%H%M%S}"
    _add(header, MESSAGE, "Test").text = "false"
    _add(header, MESSAGE, "Prepared").text = prepared.astimezone(UTC).isoformat(timespec="seconds")
    _add(header, MESSAGE, "Sender", id=AGENCY)
    if flow is not None:
        structure_urn = f"urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure={AGENCY}:{flow.id}({VERSION})"
        given = {"structureID": flow.id, "dimensionAtObservation": "TIME_PERIOD"}
        structure = _add(header, MESSAGE, "Structure", **given)
        if specific:
            structure.set("namespace", structure_urn)
        reference = _add(structure, COMMON, "Structure")
        if urn:
            reference.text = structure_urn
            return root
        etree.SubElement(reference, "Ref", {"agencyID": AGENCY, "id": flow.id, "version": VERSION})
    return root


def _data_structure(parent: Parent, flow: Dataflow) -> None:
    element = _maintained(parent, "DataStructure", flow.id, flow.name)
    components = _add(element, STRUCTURE, "DataStructureComponents")
    dimensions = _add(components, STRUCTURE, "DimensionList", id="DimensionDescriptor")
    for position, name in enumerate(flow.dimensions, start=1):
        _component(_add(dimensions, STRUCTURE, "Dimension", id=name, position=str(position)), name)
    last = str(len(flow.dimensions) + 1)
    time = _add(dimensions, STRUCTURE, "TimeDimension", id="TIME_PERIOD", position=last)
    _component(time, "TIME_PERIOD", text="ObservationalTimePeriod")
    attributes = _add(components, STRUCTURE, "AttributeList", id="AttributeDescriptor")
    for name in (*flow.series_attributes, *flow.observation_attributes):
        attribute = _add(attributes, STRUCTURE, "Attribute", id=name, assignmentStatus="Conditional")
        _component(attribute, name)
        relation = _add(attribute, STRUCTURE, "AttributeRelationship")
        if name in flow.observation_attributes:
            etree.SubElement(_add(relation, STRUCTURE, "PrimaryMeasure"), "Ref", {"id": "OBS_VALUE"})
        else:
            for dimension in flow.dimensions:
                etree.SubElement(_add(relation, STRUCTURE, "Dimension"), "Ref", {"id": dimension})
    measures = _add(components, STRUCTURE, "MeasureList", id="MeasureDescriptor")
    _component(_add(measures, STRUCTURE, "PrimaryMeasure", id="OBS_VALUE"), "OBS_VALUE", text="Double")


def _component(element: Parent, name: str, *, text: str = "String") -> None:
    """The concept of a component and its representation."""
    identity = _add(element, STRUCTURE, "ConceptIdentity")
    given = {"id": name, "maintainableParentID": SCHEME, "maintainableParentVersion": VERSION, "agencyID": AGENCY}
    etree.SubElement(identity, "Ref", given | {"package": "conceptscheme", "class": "Concept"})
    representation = _add(element, STRUCTURE, "LocalRepresentation")
    if name in CODED:
        _reference(_add(representation, STRUCTURE, "Enumeration"), CODED[name], "Codelist", "codelist")
    else:
        _add(representation, STRUCTURE, "TextFormat", textType=text)


def _constraint(parent: Parent, flow: Dataflow, codes: Mapping[str, Sequence[str]]) -> None:
    element = _maintained(parent, "ContentConstraint", f"CC_{flow.id}", f"Available codes of {flow.id}")
    element.set("type", "Actual")
    attached = _add(_add(element, STRUCTURE, "ConstraintAttachment"), STRUCTURE, "Dataflow")
    _reference(attached, flow.id, "Dataflow", "datastructure")
    region = _add(element, STRUCTURE, "CubeRegion", include="true")
    for name, values in codes.items():
        key = _add(region, COMMON, "KeyValue", id=name)
        for value in values:
            _add(key, COMMON, "Value").text = value


def _maintained(parent: Parent, kind: str, name: str, text: str) -> Parent:
    given = {"agencyID": AGENCY, "id": name, "version": VERSION, "isFinal": "false"}
    return _named(_add(parent, STRUCTURE, kind, **given), text)


def _named(element: Parent, text: str) -> Parent:
    name = _add(element, COMMON, "Name")
    name.set(f"{{{XML}}}lang", "en")
    name.text = text
    return element


def _reference(parent: Parent, name: str, kind: str, package: str) -> None:
    given = {"agencyID": AGENCY, "id": name, "version": VERSION, "package": package, "class": kind}
    etree.SubElement(parent, "Ref", given)


def _values(parent: Parent, names: Sequence[str], values: Sequence[str]) -> None:
    for name, value in zip(names, values, strict=True):
        _add(parent, GENERIC, "Value", id=name, value=value)


def _add(parent: Parent, namespace: str, name: str, **attributes: str) -> Parent:
    return etree.SubElement(parent, f"{{{namespace}}}{name}", attributes)


def _number(value: float) -> str:
    return f"{value:.12g}"
