"""`python -m deploy.notices`: the licences of the software that the package and the image contain."""

import tomllib
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("cluster", "mcp")
"""Extras that are installed for use, as opposed to development."""
CLASSIFIER = "License :: OSI Approved :: "
LONGEST = 60
"""Characters of a licence's name: some packages give the whole text instead."""
HEADING = """# Third-party notices

Tradewind is published under the MIT licence. Its package and image contain or depend on the software below, under the
licences named; the text of each licence is in the metadata of the installed package (`*.dist-info`). `make notices`
renews this file.

## Bundled files

| files | software | licence |
|---|---|---|
| `api/pages/static/vega` | Vega, Vega-Lite, Vega-Embed, Vega Interpreter | BSD-3-Clause |
| `api/pages/static/swagger-ui` | Swagger UI | Apache-2.0 |
| `tests/vendor/axe.min.js` (tests only) | axe-core | MPL-2.0 |

## Python packages

| package | licence |
|---|---|
"""


class Notice(NamedTuple):
    """A package and its licence."""

    name: str
    licence: str


def notices() -> list[Notice]:
    """Every package that Tradewind needs, directly or not, by name."""
    found: dict[str, Notice] = {}
    waiting = _own_requirements()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in found or not _applies(requirement):
            continue
        distribution = metadata.distribution(name)
        found[name] = Notice(name, _licence(distribution.metadata))
        for text in distribution.requires or ():
            needed = Requirement(text)
            if _applies(needed, requirement.extras):
                waiting.append(needed)
    return [found[name] for name in sorted(found)]


def document() -> str:
    """The notices as Markdown."""
    return HEADING + "".join(f"| {notice.name} | {notice.licence} |\n" for notice in notices())


def _own_requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = [text for extra in EXTRAS for text in project["optional-dependencies"][extra]]
    return [Requirement(text) for text in [*project["dependencies"], *optional]]


def _applies(requirement: Requirement, extras: set[str] | None = None) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in (extras or set()) | {""})


def _licence(about: metadata.PackageMetadata) -> str:
    expression = (about.get_all("License-Expression") or [""])[0]
    classified = [text.removeprefix(CLASSIFIER) for text in about.get_all("Classifier") or () if CLASSIFIER in text]
    given = (about.get_all("License") or [""])[0].strip().splitlines()
    return (
        expression
        or ", ".join(classified)
        or next((line for line in given[:1] if len(line) <= LONGEST), "see its text")
    )


if __name__ == "__main__":
    (ROOT / "THIRD_PARTY_NOTICES.md").write_text(document())
