"""Promises of the house that no single room can keep."""

import ast
import builtins
import contextlib
import importlib
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import importlinter.cli
import pytest

from errors import TradewindError
from settings import Settings
from tests.support.documents import ROOT, repository_files, table_rows, text

ROOMS = ("api", "forecasting", "jobs", "presentation", "services", "sources", "store")
OURS = {*ROOMS, "cli", "errors", "settings", "tables", "tradewind", "migrations", "tests"}
TREE_LINE = re.compile(r"^((?:│   |    )*)[├└]── (\w+)", re.MULTILINE)
# What Python itself has the right name for.
BUILTIN_ERRORS_RAISED = {"TimeoutError", "ValueError", "TypeError"}
# Others' code, under licences of its own.
VENDORED = "api/pages/static/swagger-ui/"
MACHINE_PATH = re.compile(r"(?<![\w.{}])/(?:work|root|home|Users|tmp)/\w")
REGISTRY = re.compile(r"index[-]url|find[-]links|python[h]osted|/simp[l]e/|registry[.]npmjs", re.IGNORECASE)


def modules(*rooms: str) -> list[str]:
    files = (file for room in rooms for file in (ROOT / room).rglob("*.py"))
    return sorted(".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files)


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_setting_is_documented_with_its_default() -> None:
    section = text("docs/operations/settings.md")
    documented = table_rows(section)
    expected = {f"TRADEWIND_{name.upper()}": field.default for name, field in Settings.model_fields.items()}
    assert set(documented) == set(expected)
    for name, default in expected.items():
        # A default that is computed elsewhere is described in words.
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        described = default in (None, ())
        assert documented[name].startswith("`") != described, name
        assert described or documented[name] == f"`{shown}`", name


@pytest.mark.parametrize("leaf", ["tables", "tradewind", "settings", "errors"])
def test_a_leaf_imports_nothing_of_ours(leaf: str) -> None:
    files = [file for file in (ROOT / f"{leaf}.py", *(ROOT / leaf).rglob("*.py")) if file.exists()]
    assert files
    assert {name for file in files for name in imported(file)} & OURS <= {leaf, "errors"}


def imported(file: Path) -> set[str]:
    """The top-level names of everything a file imports, at its top or within a function."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_importing_every_room_connects_nowhere_and_reads_no_setting() -> None:
    ran = run_python(
        f"""
import importlib, sys
import psycopg, pydantic_settings, sqlalchemy

def refuse(*_given, **_named):
    raise AssertionError("something happened at import")

psycopg.connect = psycopg.Connection.connect = sqlalchemy.create_engine = refuse
pydantic_settings.BaseSettings.__init__ = refuse
sys.addaudithook(lambda event, _given: refuse() if event in ("socket.connect", "socket.bind") else None)
for module in {modules(*ROOMS, "cli", "tables", "tradewind")}:
    importlib.import_module(module)
import settings
print("quiet")
"""
    )
    assert ran.stdout == "quiet\n", ran.stderr


def test_the_api_loads_no_forecaster() -> None:
    heavy = ("prophet", "statsforecast", "cmdstanpy", "matplotlib", "forecasting.forecasters", "jobs")
    ran = run_python(f"import sys, api.app; print([name for name in {heavy} if name in sys.modules])")
    assert ran.stdout == "[]\n", ran.stderr


def test_helping_at_the_command_line_loads_neither_forecasters_nor_the_database() -> None:
    ran = run_python(
        "import sys, cli.app; print([name for name in ('prophet', 'numpy', 'sqlalchemy') if name in sys.modules])"
    )
    assert ran.stdout == "[]\n", ran.stderr


def test_a_command_of_keys_or_backups_loads_neither_tables_nor_migrations() -> None:
    ran = run_python(
        "import sys, store.backup, store.database, store.embedded_postgres, store.queries.api_keys;"
        "print([name for name in ('pandas', 'pyarrow', 'alembic') if name in sys.modules])"
    )
    assert ran.stdout == "[]\n", ran.stderr


def drawn_trees() -> Iterator[str]:
    """Every file whose heading draws a tree of errors, and every errors.py."""
    for name in repository_files():
        if name.endswith(".py") and name.split("/")[0] in {*ROOMS, "tables", "tradewind"}:
            heading = ast.get_docstring(ast.parse(text(name))) or ""
            if TREE_LINE.search(heading) or name.endswith("/errors.py"):
                yield name


def parents(heading: str) -> dict[str, str]:
    """The name above each name of the trees drawn in a heading."""
    above: list[str] = []
    found = {}
    for line in heading.splitlines():
        if re.fullmatch(r"\w+", line):
            above = [line]
        elif branch := TREE_LINE.match(line):
            indent, name = branch.groups()
            depth = len(indent) // 4 + 1
            found[name] = above[depth - 1]
            above[depth:] = [name]
    return found


@pytest.mark.parametrize("name", list(drawn_trees()))
def test_the_tree_of_errors_is_the_one_in_the_code(name: str) -> None:
    module = importlib.import_module(name.removesuffix(".py").replace("/", "."))
    defined = {
        error.__name__: error
        for error in vars(module).values()
        if isinstance(error, type) and issubclass(error, Exception) and error.__module__ == module.__name__
    }
    tree = parents(module.__doc__ or "")
    assert set(tree) - set(defined) == set()
    assert set(defined) - set(tree) <= set(tree.values())
    for child, parent in tree.items():
        assert issubclass(defined[child], TradewindError), child
        assert parent in {base.__name__ for base in defined[child].__bases__}, child


def test_every_error_of_ours_belongs_to_a_named_tree() -> None:
    plain = {name for name in vars(builtins) if name.endswith(("Error", "Exception"))} - BUILTIN_ERRORS_RAISED
    wrong = []
    for name in repository_files():
        if name.endswith(".py") and name.split("/")[0] in ROOMS:
            for node in ast.walk(ast.parse(text(name))):
                if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                    raised = getattr(node.exc.func, "id", "")
                    wrong += [f"{name}:{node.lineno} {raised}"] if raised in plain else []
    assert wrong == []


def test_the_arrows_between_the_rooms_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        status = importlinter.cli.lint_imports(no_cache=True)
    assert status == 0, printed.getvalue()


def test_no_file_names_a_path_of_a_machine_or_the_address_of_a_registry() -> None:
    found = []
    for name in repository_files():
        if not name.startswith(VENDORED) and not name.endswith((".png", ".parquet")):
            for number, line in enumerate(text(name).splitlines(), start=1):
                if MACHINE_PATH.search(line) or REGISTRY.search(line):
                    found.append(f"{name}:{number}: {line.strip()[:80]}")
    assert found == []


def test_the_decisions_are_listed() -> None:
    pages = {file.name for file in (ROOT / "docs" / "decisions").glob("0*.md")}
    assert set(re.findall(r"\]\((0\d{3}-[\w-]+\.md)\)", text("docs/decisions/README.md"))) == pages


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for name in repository_files():
        if name.endswith(".md") and not name.startswith(VENDORED):
            for target in re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", text(name)):
                if not (ROOT / name).parent.joinpath(target).exists():
                    broken.append(f"{name}: {target}")
    assert broken == []
