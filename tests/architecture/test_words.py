"""Plain English: no private or archaic word in identifiers, comments, docstrings, templates and documents.

The glossary (docs/glossary.md) has the words to use; CONTRIBUTING.md has the rules.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import lru_cache

import pytest

from tests.support.documents import repository_files, text

ROOMS = sorted({name.split("/")[0] for name in repository_files() if name.endswith(".py")})
DOCUMENTS = ("docs", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
TEMPLATES = ("api/pages/templates", "presentation/templates")
# A variable has the name of its value: a run, a series, a row.
VAGUE_NAMES = {"one", "each", "then", "still", "thing", "things", "asked", "nought"}
# As a part of a name, between underscores.
WORDS_IN_NAMES = {"said", "told", "came", "gone", "nought", "anew", "outlook", "certificate", "twin", "tally"}
IN_PROSE = re.compile(
    r"""\b(
      said|told|came|nought|anew|nobody's|somebody|whoever
      |has\ gone|are\ gone|is\ gone
      |stood\ in|stands\ in|stand\ in\ for|held\ what|hold\ what
      |of\ one's\ own|lived\ again|lives\ through|to\ be\ had|take\ away|taken\ away
      |worked\ out|works\ out|work\ out|gives\ way|give\ way|kinder|bust
      |passed\ over|passes\ over|brings\ in|bring\ in|brought\ in|mended|mend
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
# A clause with "what" as a noun has a plainer noun: "the observations" for "what is known".
NOUN_CLAUSE = re.compile(
    r"\bwhat (?:came|is|was|are|were|comes|it|a|an|the|they|we|each|every|stands)\b", re.IGNORECASE
)
VENDORED = ("api/pages/static/", "tests/vendor/")


def files(room: str, *suffixes: str) -> list[str]:
    return [
        name
        for name in repository_files()
        if (name == room or name.startswith(f"{room}/")) and name.endswith(suffixes) and not name.startswith(VENDORED)
    ]


@lru_cache(maxsize=1)
def nodes(source: str) -> list[ast.AST]:
    """All nodes of a module's syntax tree."""
    return list(ast.walk(ast.parse(source)))


def identifiers(source: str) -> Iterator[tuple[int, str]]:
    """Every name that a module defines: variables, arguments, functions, classes, attributes."""
    for node in nodes(source):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def prose(source: str, *, messages: bool) -> Iterator[tuple[int, str]]:
    """Comments, docstrings and, if asked for, messages: strings with a space in them."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in nodes(source):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value and messages:
            yield node.lineno, node.value
        elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (words := ast.get_docstring(node)):
            yield getattr(node, "lineno", 1), words


def is_vague(name: str) -> bool:
    words = set(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_"))
    return name in VAGUE_NAMES or bool(words & WORDS_IN_NAMES)


def faults_in(words: str) -> list[str]:
    """The words of a text that have no place here."""
    return [match.group(0) for pattern in (IN_PROSE, NOUN_CLAUSE) for match in pattern.finditer(words)]


def faults_of(name: str) -> list[str]:
    """Where a Python file breaks the rules."""
    source = text(name)
    # Migrations hold SQL and names of columns as they were.
    history = name.startswith("migrations/versions/")
    vague = [] if history else list(identifiers(source))
    found = [f"{name}:{line}: name {word}" for line, word in vague if is_vague(word)]
    # The names of tests are sentences, and this file lists the words.
    if name != "tests/architecture/test_words.py":
        found += [
            f"{name}:{line}: {words!r}"
            for line, text_found in prose(source, messages=not history)
            for words in faults_in(text_found)
        ]
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_names_and_comments_are_plain(room: str) -> None:
    assert files(room, ".py")
    assert [fault for name in files(room, ".py") for fault in faults_of(name)] == []


@pytest.mark.parametrize("place", [*DOCUMENTS, *TEMPLATES])
def test_documents_and_templates_are_plain(place: str) -> None:
    found = [
        f"{name}:{number}: {words!r}"
        for name in files(place, ".md", ".html", ".txt")
        for number, line in enumerate(text(name).splitlines(), start=1)
        for words in faults_in(line)
    ]
    assert found == []


def test_packages_and_modules_of_the_root_are_rooms() -> None:
    assert {"api", "tests", "errors.py"} <= set(ROOMS)
