"""The documentation in a real browser, under its own security policy."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NoReturn

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from api.app import create_app
from api.config import ServerConfig
from store.database import make_engine
from tests.support.site import build_site

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
PAGES = ("/docs/", "/docs/quickstart/", "/docs/method/", "/docs/api/forecasts/", "/docs/api")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here (Debian: apt-get install chromium)")


def no_runs(_dataset: str, _horizon: int | None) -> NoReturn:
    raise AssertionError("no run is requested")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The application with a built site. No page of it reads the database, so the engine is never connected."""
    site = build_site(tmp_path_factory.mktemp("site"))
    config = ServerConfig(version="0", now=lambda: datetime.now(UTC), docs_site=site)
    app = create_app(engine=make_engine("postgresql://nobody@localhost:1/none"), options=config)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(base_url=address)
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_the_documentation_violates_no_policy(page: Page, address: str, path: str) -> None:
    complaints: list[str] = []
    requested: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requested.append(request.url))
    page.goto(path)
    page.wait_for_load_state("networkidle")
    assert complaints == [], complaints
    assert [url for url in requested if not url.startswith((address, "data:", "blob:"))] == []


def test_the_search_finds_a_term_of_the_glossary(page: Page) -> None:
    page.goto("/docs/")
    page.keyboard.press("/")
    page.keyboard.type("Herfindahl")
    page.get_by_text("Glossary").last.wait_for()
    page.locator("a[href*='glossary']").first.wait_for(state="attached")


def test_the_reference_lists_the_endpoints(page: Page) -> None:
    page.goto("/docs/api")
    page.get_by_text("/v1/datasets/{dataset}/forecasts", exact=True).first.wait_for()
