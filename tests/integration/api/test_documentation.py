"""The documentation site is complete, needs no other server, and runs under a strict policy."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.config import ServerConfig
from api.documentation import content_security_policy
from store.database import make_engine
from tests.support.documents import ROOT
from tests.support.site import build_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_site(tmp_path_factory.mktemp("documentation"))


def application(site: Path | None) -> Iterator[TestClient]:
    """A client of the application. Pages of the documentation need no database: the engine is never connected."""
    engine = make_engine("postgresql://nobody@localhost:1/none")
    options = ServerConfig(version="0", now=lambda: datetime.now(UTC), docs_site=site)
    with TestClient(create_app(engine=engine, options=options)) as client:
        yield client


@pytest.fixture
def reader(site: Path) -> Iterator[TestClient]:
    yield from application(site)


@pytest.fixture
def client() -> Iterator[TestClient]:
    yield from application(None)


def test_every_page_of_docs_is_served(reader: TestClient, site: Path) -> None:
    for source in (ROOT / "docs").rglob("*.md"):
        name = source.relative_to(ROOT / "docs").with_suffix("").as_posix()
        path = re.sub(r"(^|/)(index|README)$", "", name)
        response = reader.get(f"/docs/{path}/".replace("//", "/"))
        assert response.status_code == 200, name
        assert "<h1" in response.text, name


def test_no_page_loads_anything_from_another_server(site: Path) -> None:
    loaded = [
        f"{page.relative_to(site)}: {address}"
        for page in site.rglob("*.html")
        for address in re.findall(
            r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"?(https?:[^\" >]+)", page.read_text()
        )
    ]
    assert loaded == []


def test_the_policy_allows_the_inline_scripts_of_the_site_and_no_others(reader: TestClient, site: Path) -> None:
    policy = reader.get("/docs/").headers["content-security-policy"]
    assert policy == content_security_policy([page.read_text() for page in site.rglob("*.html")])
    assert "'sha256-" in policy
    assert "unsafe" not in policy


def test_no_page_needs_inline_styles(site: Path) -> None:
    styled = [page for page in site.rglob("*.html") if re.search(r"<style|<[^>]+ style=", page.read_text())]
    assert styled == []


def test_the_reference_has_its_address_beside_the_site(reader: TestClient) -> None:
    for path in ("/docs/api", "/docs/api/"):
        response = reader.get(path)
        assert "swagger-ui" in response.text
        assert "'sha256-" in response.headers["content-security-policy"]


def test_a_page_that_is_missing_is_a_404(reader: TestClient) -> None:
    assert reader.get("/docs/no-such-page/").status_code == 404


def test_without_a_built_site_docs_leads_to_the_reference(client: TestClient) -> None:
    assert client.get("/docs/", follow_redirects=False).headers["location"] == "/docs/api"
