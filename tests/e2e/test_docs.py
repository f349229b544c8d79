"""The documents are right: commands exist as written, and requests are answered in the shape that is printed."""

import io
import json
import re
import shlex
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import pairwise
from typing import Any

import httpx
import pandas as pd
import pytest
import uvicorn
import yaml
from sqlalchemy import Engine
from sqlmodel import Session

from api.app import create_app
from api.config import ServerConfig
from api.exception_handlers import STATUSES
from forecasting.forecasters import FORECASTERS, WITH_REGRESSORS
from store.database import make_engine
from store.queries import api_keys
from tests.conftest import database_copy
from tests.e2e.conftest import NOW, QUICK
from tests.support.documents import ROOT, Section, blocks, documents, parse_command, text

ADDRESS = "http://127.0.0.1:8000"
ANSWERS = ("json", "csv", "http")
# Programs that come with an operating system, or with Docker.
OTHERS = {".", "export", "docker", "curl", "pip", "git", "kubectl", "mv"}


@dataclass(frozen=True)
class Example:
    """A request in a document, and the answer if one is printed under it."""

    document: str
    words: tuple[str, ...]
    answer: Section | None

    def __str__(self) -> str:
        return f"{self.document}: {shlex.join(self.words)}"


@dataclass(frozen=True)
class Service:
    """A running service, and a key for everything."""

    url: str
    key: str


def commands() -> list[tuple[str, list[str]]]:
    return [(name, words) for name in documents() for block in blocks(name) for words in block.commands]


def examples(document: str) -> list[Example]:
    """The requests of a document, in order; a printed answer belongs to the last request above it."""
    found: list[Example] = []
    for block, after in pairwise([*blocks(document), Section("", "")]):
        requests = [tuple(words) for words in block.commands if words[0] == "curl"]
        answers = [None] * (len(requests) - 1) + [after if after.language in ANSWERS else None]
        found += [Example(document, *example) for example in zip(requests, answers, strict=False)]
    return found


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))


@pytest.mark.parametrize(
    ("document", "words"), commands(), ids=lambda given: given if isinstance(given, str) else "_".join(given)[:60]
)
def test_every_command_is_one_that_exists(document: str, words: list[str]) -> None:
    program, rest = words[0], words[1:]
    if program == "make":
        assert {word for word in rest if "=" not in word} <= make_targets()
    elif program == "tradewind":
        parse_command(rest)
    elif program == "docker" and rest[:2] == ["compose", "run"]:
        service, *command = [word for word in rest[2:] if word != "--rm"]
        assert service in yaml.safe_load(text("compose.yaml"))["services"]
        parse_command(command)
    else:
        for inner in re.findall(r"\$\(tradewind ([^)]+)\)", " ".join(rest)):
            parse_command(inner.split())
        assert program in OTHERS or re.match(r"\$?PROGRAMS\b", program), f"{document} uses {program}"


def test_arguments_of_make_up_are_those_of_the_command() -> None:
    given = [
        word for _, words in commands() if words[:2] == ["make", "up"] for word in words if word.startswith("ARGS=")
    ]
    assert given
    for arguments in given:
        parse_command(["up", *shlex.split(arguments.removeprefix("ARGS="))])


@pytest.fixture(scope="module")
def engine(server_url: str, documented: str) -> Iterator[Engine]:
    """A database for the requests of the documents, which write."""
    with database_copy(server_url, "documents", documented) as url:
        engine = make_engine(url, pool_size=5)
        yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def service(engine: Engine) -> Iterator[Service]:
    """The application on a port of its own."""
    with Session(engine) as session:
        key = api_keys.create(session, name="documents", scopes=["read", "write", "admin"], now=NOW)
        session.commit()
    options = ServerConfig(version="0.1.0", forecast=lambda _dataset: QUICK, now=lambda: NOW, threads=5)
    app = create_app(engine=engine, options=options)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Service(f"http://127.0.0.1:{port}", key)
    server.should_exit = True
    thread.join()


def ask(service: Service, words: tuple[str, ...]) -> httpx.Response:
    """Send the request of a `curl` line; its variables are the service's address and a key."""
    method, headers, body, url = "GET", {}, None, ""
    rest = iter(word.replace("$TRADEWIND_KEY", service.key).replace("$TRADEWIND", ADDRESS) for word in words[1:])
    for word in rest:
        if word in ("-X", "--request"):
            method = next(rest)
        elif word in ("-H", "--header"):
            name, _, value = next(rest).partition(": ")
            headers[name] = value
        elif word in ("-d", "--data", "--data-binary"):
            body = next(rest)
        elif not word.startswith("-"):
            url = word
    assert url.startswith(ADDRESS), words
    return httpx.request(method, url.replace(ADDRESS, service.url), headers=headers, content=body, timeout=30)


# tests/e2e/test_tutorial.py runs the tutorial.
REQUESTS = [document for document in documents() if examples(document) and document != "docs/tutorial.md"]


@pytest.mark.parametrize("document", REQUESTS)
def test_requests_are_answered_as_printed(service: Service, document: str) -> None:
    # In the order of the document: what one request writes a later one may read.
    for example in examples(document):
        status, printed = printed_answer(example.answer)
        response = ask(service, example.words)
        assert response.status_code == status if status else response.is_success, f"{example}: {response.text}"
        if printed and response.headers["content-type"].startswith("text/csv"):
            assert_same_table(printed, response.text, str(example))
        elif printed:
            assert_same_shape(json.loads(printed), response.json(), str(example))


def printed_answer(block: Section | None) -> tuple[int | None, str]:
    """The status if it is printed, and the body."""
    if block is None:
        return None, ""
    if block.language != "http":
        return None, block.text
    head, _, body = block.text.partition("\n\n")
    return int(head.split()[1]), body


def assert_same_table(printed: str, answered: str, example: str) -> None:
    """The same columns, and as many rows of the same kinds, if rows are printed; observations are the same values."""
    shown, given = (pd.read_csv(io.StringIO(table)) for table in (printed, answered))
    assert list(shown.columns) == list(given.columns), example
    if "/observations?" in example:
        pd.testing.assert_frame_equal(shown, given)
    elif len(shown):
        assert shown.dtypes.map(str).to_dict() == given.dtypes.map(str).to_dict(), example
        assert len(shown) == len(given), example


def assert_same_shape(shown: Any, answered: Any, where: str) -> None:
    """Same keys, same kinds of values; of a list, its first element. null says nothing."""
    if shown is None or answered is None:
        return
    if isinstance(shown, dict):
        assert isinstance(answered, dict), where
        assert set(shown) == set(answered), where
        for key, value in shown.items():
            assert_same_shape(value, answered[key], f"{where}.{key}")
    elif isinstance(shown, list):
        assert isinstance(answered, list), where
        for value, other in zip(shown[:1], answered[:1], strict=False):
            assert_same_shape(value, other, f"{where}[0]")
    else:
        numbers = (int, float)
        same = isinstance(answered, numbers) if isinstance(shown, numbers) else isinstance(answered, type(shown))
        assert same, f"{where}: {shown!r} and {answered!r}"


def test_the_readme_shows_a_request_with_its_answer() -> None:
    assert [example for example in examples("README.md") if example.answer]


def test_the_readme_shows_pictures_that_are_there() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text("README.md"))
    assert pictures == [
        "docs/forecast.svg",
        *(f"docs/screenshots/{name}.png" for name in ("partners", "series", "backtest")),
    ]
    assert min((ROOT / picture).stat().st_size for picture in pictures) > 10_000


def test_the_api_names_every_status_of_an_error() -> None:
    section = text("docs/api/conventions.md").split("| status | when |")[1].split("\n## ")[0]
    listed = {int(status) for row in section.splitlines() for status in re.findall(r"\d{3}", row.split(" | ")[0])}
    assert listed == {*map(int, STATUSES.values()), HTTPStatus.METHOD_NOT_ALLOWED}


def test_the_method_names_every_forecaster_and_its_shortest_history() -> None:
    section = text("docs/method.md").split("## Forecasters")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| .* \| (\d+) months? \|$", section, re.MULTILINE)
    shortest = {name: forecaster.min_observations for name, forecaster in FORECASTERS.items()}
    with_regressors = {name: shortest.pop(name) for name in WITH_REGRESSORS.values()}
    assert {name: int(months) for name, months in rows} == shortest
    assert with_regressors == {WITH_REGRESSORS[name]: shortest[name] for name in WITH_REGRESSORS}
