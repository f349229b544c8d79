from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from store.queries import api_keys
from tests.support.factories import NOW


def test_a_key_opens_what_its_scopes_say(session: Session) -> None:
    key = api_keys.create(session, name="ada", scopes=["read", "write"], now=NOW)
    assert api_keys.authenticate(session, key, scope="write", now=NOW).name == "ada"
    reader = api_keys.create(session, name="bob", scopes=["read"], now=NOW)
    with pytest.raises(api_keys.MissingScope) as refused:
        api_keys.authenticate(session, reader, scope="write", now=NOW)
    assert (refused.value.scope, refused.value.scopes) == ("write", ("read",))


def test_admin_may_do_everything(session: Session) -> None:
    key = api_keys.create(session, name="root", scopes=["admin"], now=NOW)
    assert api_keys.authenticate(session, key, scope="write", now=NOW).name == "root"


def test_only_a_hash_is_kept(session: Session) -> None:
    key = api_keys.create(session, name="ada", scopes=["read"], now=NOW)
    stored = " ".join(map(str, session.execute(sa.text("SELECT * FROM api_key")).one()))
    assert key.startswith("tw_")
    assert key[api_keys.PREFIX_LENGTH :] not in stored
    assert key[: api_keys.PREFIX_LENGTH] in stored


@pytest.mark.parametrize("wrong", ["", "tw_", "tw_nonsense", "é\x7f", "x" * 5000])
def test_a_wrong_key_opens_nothing(session: Session, wrong: str) -> None:
    api_keys.create(session, name="ada", scopes=["read"], now=NOW)
    with pytest.raises(api_keys.BadKey):
        api_keys.authenticate(session, wrong, scope="read", now=NOW)


def test_the_right_prefix_is_not_enough(session: Session) -> None:
    key = api_keys.create(session, name="ada", scopes=["read"], now=NOW)
    with pytest.raises(api_keys.BadKey):
        api_keys.authenticate(session, key[:-1] + ("A" if key[-1] != "A" else "B"), scope="read", now=NOW)


def test_a_key_expires(session: Session) -> None:
    key = api_keys.create(session, name="ada", scopes=["read"], now=NOW, expires=NOW + timedelta(days=1))
    assert api_keys.authenticate(session, key, scope="read", now=NOW).name == "ada"
    with pytest.raises(api_keys.BadKey, match="expired"):
        api_keys.authenticate(session, key, scope="read", now=NOW + timedelta(days=1))


def test_last_use_is_noted_now_and_then(session: Session) -> None:
    key = api_keys.create(session, name="ada", scopes=["read"], now=NOW)
    moments = [NOW, NOW + timedelta(minutes=9), NOW + timedelta(minutes=10)]
    noted = []
    for moment in moments:
        api_keys.authenticate(session, key, scope="read", now=moment)
        noted.append(api_keys.list_keys(session)[0].last_used_at)
    assert noted == [NOW, NOW, moments[2]]


def test_two_keys_of_one_name_are_refused(session: Session) -> None:
    api_keys.create(session, name="ada", scopes=["read"], now=NOW)
    with pytest.raises(api_keys.KeyNameTaken, match="ada"):
        api_keys.create(session, name="ada", scopes=["read"], now=NOW)


@pytest.mark.parametrize("scopes", [[], ["everything"], ["read", "fly"]])
def test_a_scope_that_does_not_exist_is_refused(session: Session, scopes: list[str]) -> None:
    with pytest.raises(api_keys.UnknownScope):
        api_keys.create(session, name="ada", scopes=scopes, now=NOW)


def test_a_revoked_key_opens_nothing(session: Session) -> None:
    key = api_keys.create(session, name="ada", scopes=["read"], now=NOW)
    assert api_keys.revoke(session, "ada")
    assert not api_keys.revoke(session, "ada")
    with pytest.raises(api_keys.BadKey):
        api_keys.authenticate(session, key, scope="read", now=NOW)
