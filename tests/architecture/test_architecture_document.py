"""The routes of docs/architecture.md exist in the import graph, in the order of the layers."""

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache

import grimp
import pytest

from tests.support.documents import ROOT, text

ROUTES = ("Query", "Probability", "Run", "Page", "Fetch")
ROW = re.compile(r"^\| `(?P<file>[\w/]+\.py)` \| (?P<task>[^|]+) \| (?P<imports>[^|]*) ?\|$", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """One file of a route and the files it is documented to import."""

    file: str
    imports: tuple[str, ...]


def steps(route: str) -> list[Step]:
    """The rows of a route's table."""
    found = re.search(rf"^### {route}\b.*?$(.*?)(?=^##|\Z)", text("docs/architecture.md"), re.MULTILINE | re.DOTALL)
    assert found, f"docs/architecture.md has no route {route}"
    return [
        Step(row["file"], tuple(re.findall(r"`([\w/]+\.py)`", row["imports"]))) for row in ROW.finditer(found.group(1))
    ]


def layers() -> list[set[str]]:
    """The layers contract, top to bottom."""
    contracts = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    (contract,) = (contract for contract in contracts if contract["name"] == "layers")
    return [{room.strip() for room in layer.split("|")} for layer in contract["layers"]]


def depth(file: str) -> int:
    """The layer of a file, 0 at the top."""
    room = file.split("/", maxsplit=1)[0].removesuffix(".py")
    (found,) = (index for index, rooms in enumerate(layers()) if room in rooms)
    return found


def module(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@lru_cache(maxsize=1)
def graph() -> grimp.ImportGraph:
    rooms = sorted(room for layer in layers() for room in layer)
    return grimp.build_graph(*rooms, cache_dir=None)


@pytest.mark.parametrize("route", ROUTES)
def test_every_file_of_a_route_exists(route: str) -> None:
    assert len(steps(route)) >= 5
    assert [step.file for step in steps(route) if not (ROOT / step.file).is_file()] == []


@pytest.mark.parametrize("route", ROUTES)
def test_every_documented_import_is_in_the_code(route: str) -> None:
    missing = [
        f"{step.file} does not import {imported}"
        for step in steps(route)
        for imported in step.imports
        if not graph().direct_import_exists(importer=module(step.file), imported=module(imported))
    ]
    assert missing == []


@pytest.mark.parametrize("route", ROUTES)
def test_no_step_of_a_route_leads_to_a_higher_layer(route: str) -> None:
    upward = [
        f"{step.file} imports {imported}"
        for step in steps(route)
        for imported in step.imports
        if depth(imported) < depth(step.file)
    ]
    assert upward == []


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_is_connected_and_complete(route: str) -> None:
    first, *rest = steps(route)
    reached = {first.file}
    for step in [first, *rest]:
        assert step.file in reached, f"no earlier file imports {step.file}"
        reached |= set(step.imports)
    assert reached == {step.file for step in [first, *rest]}


@pytest.mark.parametrize("route", ROUTES)
def test_each_file_has_one_row(route: str) -> None:
    files = [step.file for step in steps(route)]
    assert len(files) == len(set(files))


def test_the_picture_shows_every_room() -> None:
    picture = text("docs/rooms.svg")
    assert [room for layer in layers() for room in layer if f">{room}</text>" not in picture] == []
