"""Signing in at a browser: a cookie that reads, never writes, and ends with the key, the day or the person."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlmodel import Session

from store.queries import api_keys
from tests.integration.api.conftest import TODAY, World, client_of, scalar

RUN = {"dataset": "CN_TRADE"}


def closed(world: World, **changes: Any) -> TestClient:
    return client_of(world, require_key_to_read=True, **changes)


def sign_in(client: TestClient, key: str, to: str = "/runs") -> Any:
    return client.post("/sign-in", data={"key": key, "to": to}, follow_redirects=False)


def test_a_page_that_needs_a_key_offers_to_sign_in_and_leads_on(scratch: World) -> None:
    client = closed(scratch)
    answer = client.get("/series/CN_TRADE/X/WLD/TOTAL?units=pc1")
    assert answer.status_code == 401
    assert 'name="to" value="/series/CN_TRADE/X/WLD/TOTAL?units=pc1"' in answer.text
    assert answer.headers["www-authenticate"].startswith("Bearer")
    entered = sign_in(client, scratch.keys["read"], to="/series/CN_TRADE/X/WLD/TOTAL?units=pc1")
    assert (entered.status_code, entered.headers["location"]) == (303, "/series/CN_TRADE/X/WLD/TOTAL?units=pc1")
    page = client.get(entered.headers["location"])
    assert page.status_code == 200
    assert "Sign out" in page.text
    assert page.headers["cache-control"] == "private, no-store"
    assert client.get("/v1/datasets").status_code == 200


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(scratch: World) -> None:
    plain = sign_in(closed(scratch), scratch.keys["read"]).headers["set-cookie"]
    assert "HttpOnly" in plain
    assert "SameSite=strict" in plain
    assert "Secure" not in plain
    client = closed(scratch)
    client.base_url = "https://testserver"
    assert "Secure" in sign_in(client, scratch.keys["read"]).headers["set-cookie"]
    assert scratch.keys["read"] not in plain
    token = plain.partition("=")[2].partition(";")[0]
    assert scalar(scratch, f"SELECT count(*) FROM browser_session WHERE token_hash = '{token}'") == 0
    assert scalar(scratch, f"SELECT count(*) FROM browser_session WHERE token_hash = '{api_keys.digest(token)}'") == 1


@pytest.mark.parametrize(("key", "status"), [("tw_wrong", 401), ("", 401), ("write", 403)])
def test_who_may_not_read_gets_the_form_again(scratch: World, key: str, status: int) -> None:
    client = closed(scratch)
    answer = sign_in(client, scratch.keys.get(key, key))
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert not client.cookies
    assert client.get("/runs").status_code == 401


def test_the_cookie_never_writes(scratch: World) -> None:
    client = closed(scratch)
    sign_in(client, scratch.keys["admin"])
    assert client.get("/v1/runs").status_code == 200
    assert client.post("/v1/runs", json=RUN).status_code == 401
    assert client.post("/v1/runs", json=RUN, headers=scratch.headers("publish")).status_code == 202


def test_bearer_keys_go_on_working_beside_a_cookie(scratch: World) -> None:
    client = closed(scratch)
    client.cookies.set("tradewind_sign_in", "stale")
    assert client.get("/v1/runs").status_code == 401
    assert client.get("/v1/runs", headers=scratch.headers("read")).status_code == 200


def test_signing_out_ends_it_everywhere(scratch: World) -> None:
    client = closed(scratch)
    sign_in(client, scratch.keys["read"])
    copied = dict(client.cookies)
    assert client.post("/sign-out", follow_redirects=False).headers["location"] == "/sign-in"
    assert not client.cookies
    other = closed(scratch)
    other.cookies.update(copied)
    assert other.get("/runs").status_code == 401


def test_it_ends_with_the_key_and_after_a_week(scratch: World) -> None:
    client, later = closed(scratch), closed(scratch, now=lambda: TODAY + timedelta(days=8))
    sign_in(client, scratch.keys["read"])
    later.cookies.update(dict(client.cookies))
    assert later.get("/runs").status_code == 401
    assert client.get("/runs").status_code == 200
    with Session(scratch.engine) as session:
        api_keys.revoke(session, "read")
        session.commit()
    assert client.get("/runs").status_code == 401
    sign_in(later, scratch.keys["admin"])
    with scratch.engine.connect() as connection:
        assert len(connection.execute(sa.text("SELECT * FROM browser_session")).all()) == 1


def test_the_documentation_is_read_after_signing_in(scratch: World, tmp_path: Path) -> None:
    (tmp_path / "faq").mkdir()
    for page in ("index.html", "faq/index.html", "search.json"):
        (tmp_path / page).write_text(f"the text of {page}")
    client, reader = closed(scratch, docs_site=tmp_path), scratch.headers("read")
    for path in ("/docs/", "/docs/faq/", "/docs/search.json", "/docs/no-such-page/", "/docs/api", "/docs/api/"):
        refused = client.get(path)
        assert (refused.status_code, f'name="to" value="{path}"' in refused.text) == (401, True), path
        assert "the text of" not in refused.text
        assert client.get(path, headers=scratch.headers("write")).status_code == 403, path
    assert client.get("/docs/faq/", headers=reader).text == "the text of faq/index.html"
    sign_in(client, scratch.keys["read"])
    for path in ("/docs/faq/", "/docs/api"):
        page = client.get(path)
        assert (page.status_code, page.headers["cache-control"]) == (200, "private, no-cache"), path
        assert page.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example", "runs"])
def test_it_leads_nowhere_else(scratch: World, to: str) -> None:
    assert sign_in(closed(scratch), scratch.keys["read"], to=to).headers["location"] == "/"


def test_where_reading_is_open_there_is_nothing_to_sign_in_to(client: TestClient) -> None:
    assert client.get("/sign-in", follow_redirects=False).headers["location"] == "/"
    assert "Sign out" not in client.get("/").text


def test_the_form_is_limited_before_it_is_parsed(scratch: World) -> None:
    client = closed(scratch)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/sign-in", content="a=1&" * 2000, headers=headers).status_code == 413
    many = client.post("/sign-in", content="a=1&" * 20 + f"key={scratch.keys['read']}", headers=headers)
    assert many.status_code == 401


@pytest.mark.parametrize("key", ["%00", "tw_%00", "%ff" * 20, ""])
def test_an_odd_key_is_an_unknown_key(scratch: World, key: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert closed(scratch).post("/sign-in", content=f"key={key}", headers=headers).status_code == 401
