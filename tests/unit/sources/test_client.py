import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import stamina
from pydantic import SecretStr

from sources.client import Client, RequestPolicy, Validator
from sources.errors import ChangedShape, Refused, TooLarge, Truncated, Unreachable
from tests.support.http_providers.local import FakeTime, LocalProvider, ReceivedRequest, Reply, html, quick_client

QUICK = RequestPolicy(pause=0.0, first_wait=0.02)
OK = Reply(b"figures", headers={"ETag": '"1"', "Last-Modified": "Wed, 08 Apr 2026 03:00:00 GMT"})


def test_a_body_comes_whole_and_is_asked_for_by_its_validators_next_time(provider: LocalProvider) -> None:
    provider.answer = lambda request: Reply(status=304) if request.headers.get("if-none-match") == '"1"' else OK
    with quick_client() as first:
        answer = first.get(f"{provider.address}/a", {"month": "2026-03"})
        assert answer is not None
        assert answer.text() == "figures"
    with quick_client(known=first.seen) as second:
        assert second.get(f"{provider.address}/a", {"month": "2026-03"}) is None
        assert (second.unmodified, second.seen) == (1, first.seen)
        assert second.get(f"{provider.address}/a", {"month": "2026-04"}) is not None
    assert provider.requests[1].headers["if-modified-since"] == "Wed, 08 Apr 2026 03:00:00 GMT"
    assert "if-none-match" not in provider.requests[2].headers


@pytest.fixture
def waits() -> Iterator[list[float]]:
    """Seconds that the client waited before each further attempt."""
    seen = list[float]()
    stamina.instrumentation.set_on_retry_hooks([lambda details: seen.append(details.wait_for)])
    yield seen
    stamina.instrumentation.set_on_retry_hooks(None)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_fault_is_tried_again_with_longer_and_longer_waits(
    provider: LocalProvider, waits: list[float], status: int
) -> None:
    provider.answer = lambda _: OK
    provider.afterwards(*[Reply(status=status)] * 3)
    with quick_client(QUICK) as client:
        assert client.get(provider.address) is not None
    assert len(provider.requests) == 4
    assert [0.02 <= waits[0] <= 0.04, 0.04 <= waits[1] <= 0.06, 0.08 <= waits[2] <= 0.1] == [True] * 3


@pytest.mark.parametrize("given", ["1", "Wed, 08 Apr 2026 03:00:01 GMT"])
def test_retry_after_is_kept_in_seconds_and_as_a_date(provider: LocalProvider, waits: list[float], given: str) -> None:
    provider.answer = lambda _: OK
    provider.afterwards(Reply(status=429, headers={"Retry-After": given}))
    now = datetime(2026, 4, 8, 3, tzinfo=UTC)
    with Client(QUICK, now=lambda: now) as client:
        client.get(provider.address)
    assert waits == [1.0]


def test_a_long_retry_after_is_not_waited_for(provider: LocalProvider) -> None:
    provider.answer = lambda _: Reply(status=429, headers={"Retry-After": "3600"})
    with quick_client() as client, pytest.raises(Refused, match="answered 429, retry after 3600 s"):
        client.get(provider.address)
    assert len(provider.requests) == 1


def test_a_refusal_is_final_and_its_text_stays_out_of_the_message(provider: LocalProvider) -> None:
    provider.answer = lambda _: html("error: unknown variable", status=400)
    with quick_client() as client, pytest.raises(Refused, match=r"answered 400$") as caught:
        client.get(provider.address)
    assert caught.value.excerpt == "error: unknown variable"
    assert len(provider.requests) == 1


def test_requests_keep_a_distance(provider: LocalProvider) -> None:
    provider.answer = lambda _: OK
    time = FakeTime()
    with quick_client(RequestPolicy(pause=1.5), time=time) as client:
        for _ in range(3):
            client.get(provider.address)
    assert time.slept == [1.5, 1.5]


def test_a_body_cut_short_is_named_after_its_tries(provider: LocalProvider) -> None:
    provider.answer = lambda _: Reply(b'[["a"', cut=20)
    with quick_client() as client, pytest.raises(Truncated, match="cut short"):
        client.get(provider.address)
    assert len(provider.requests) == 4


def test_a_body_that_never_ends_is_left(provider: LocalProvider) -> None:
    provider.answer = lambda _: Reply(b"0" * 5000)
    with quick_client(RequestPolicy(limit_bytes=1000)) as client, pytest.raises(TooLarge, match=r"0\.001 MB"):
        client.get(provider.address)


def test_nobody_there_is_named() -> None:
    with quick_client() as client, pytest.raises(Unreachable, match="no answer in 4 tries"):
        client.get("http://127.0.0.1:9/data")


def test_a_key_is_sent_and_reported_to_nobody(provider: LocalProvider) -> None:
    provider.answer = lambda request: html(f"invalid key {request.params['key']}", status=403, headers=OK.headers)
    key = SecretStr("s3cret")
    with quick_client() as client, pytest.raises(Refused) as caught:
        client.get(provider.address, secret_params={"key": key}, secret_headers={"X-Key": key})
    assert (provider.requests[0].params["key"], provider.requests[0].headers["x-key"]) == ("s3cret", "s3cret")
    assert "s3cret" not in str(caught.value)
    assert caught.value.excerpt == "invalid key ***"
    provider.answer = lambda _: OK
    with quick_client() as client:
        answer = client.get(provider.address, secret_params={"key": key})
        assert answer is not None
        assert "s3cret" not in answer.where + str(client.seen)


def test_the_query_of_a_url_is_kept_with_and_without_parameters(provider: LocalProvider) -> None:
    provider.answer = lambda _: OK
    with quick_client() as client:
        client.get(f"{provider.address}/data?table=7")
        client.get(f"{provider.address}/data?table=7", {"month": "2026-03"})
    assert [request.params for request in provider.requests] == [{"table": "7"}, {"table": "7", "month": "2026-03"}]


def test_user_and_password_of_a_url_are_sent_and_not_shown(provider: LocalProvider) -> None:
    provider.answer = lambda _: Reply(status=403, headers=OK.headers)
    address = provider.address.replace("://", "://reader:s3cret@")
    with quick_client() as client, pytest.raises(Refused) as caught:
        client.get(f"{address}/data")
    assert provider.requests[0].headers["authorization"].startswith("Basic ")
    assert "s3cret" not in str(caught.value)
    assert "reader" not in str(caught.value)


def test_an_answer_that_arrives_byte_by_byte_ends_at_the_deadline(provider: LocalProvider) -> None:
    release = threading.Event()

    def held_back(_asked: ReceivedRequest) -> Reply:
        release.wait(30)
        return OK

    provider.answer = held_back
    with quick_client(RequestPolicy(deadline=0.2)) as client, pytest.raises(Unreachable, match=r"within 0\.2 s"):
        client.get(provider.address)
    release.set()
    assert len(provider.requests) == 1


def test_json_nested_too_deeply_is_a_changed_shape(provider: LocalProvider) -> None:
    provider.answer = lambda _: Reply(b"[" * 100_000)
    with quick_client() as client:
        answer = client.get(provider.address)
        assert answer is not None
        with pytest.raises(ChangedShape, match="nested too deeply"):
            answer.json()


def test_a_redirect_is_followed_only_without_a_key(provider: LocalProvider) -> None:
    moved = Reply(status=301, headers={"Location": "/new"})
    provider.answer = lambda request: OK if request.path == "/new" else moved
    with quick_client() as client:
        assert client.get(f"{provider.address}/old") is not None
        with pytest.raises(Refused, match="301"):
            client.get(f"{provider.address}/old", secret_params={"key": SecretStr("s3cret")})


def test_html_where_json_was_due_is_named(provider: LocalProvider) -> None:
    provider.answer = lambda _: html("Down for maintenance")
    with quick_client() as client:
        answer = client.get(provider.address)
        assert answer is not None
        with pytest.raises(ChangedShape, match=r"expected JSON, found HTML$"):
            answer.json()


def test_validators_without_a_tag_are_not_sent(provider: LocalProvider) -> None:
    provider.answer = lambda _: Reply(b"x")
    known = {f"{provider.address}": Validator(None, "Wed, 08 Apr 2026 03:00:00 GMT")}
    with quick_client(known=known) as client:
        client.get(provider.address)
        assert client.seen == {}
    assert "if-none-match" not in provider.requests[0].headers
