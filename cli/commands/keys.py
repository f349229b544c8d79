"""API keys."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import composition
from cli.console import say, stop
from cli.options import DataDir

if TYPE_CHECKING:
    from store.queries.api_keys import KeyRecord

KeyName = Annotated[str, typer.Argument(help="Who or what the key is for.")]
Scopes = Annotated[list[str], typer.Option(help="read, write or admin; may be repeated.")]
Expires = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day (UTC) from which it no longer works.")
]


def create_key(name: KeyName, scope: Scopes, expires: Expires = None, data_dir: DataDir = None) -> None:
    """Make an API key and show it, once."""
    from store.queries import api_keys

    now, end = composition.now(), expires.replace(tzinfo=UTC) if expires else None
    if end is not None and end <= now:
        raise typer.BadParameter(f"it is a day to come; today is {now:%Y-%m-%d}", param_hint="--expires")
    with composition.session(composition.read_settings(data_dir=data_dir)) as session:
        say(api_keys.create(session, name=name, scopes=scope, now=now, expires=end))
        session.commit()


def list_keys(data_dir: DataDir = None) -> None:
    """List the API keys: how each begins, what it may do, since when and until when, and when it was last used."""
    from store.queries import api_keys

    with composition.session(composition.read_settings(data_dir=data_dir)) as session:
        found = api_keys.listed(session)
    width = max((len(one.name) for one in found), default=0)
    say(*([_key_line(one, width) for one in found] or ["There is no key."]))


def revoke_key(name: KeyName, data_dir: DataDir = None) -> None:
    """End an API key at once, and whatever was signed in with it."""
    from store.queries import api_keys

    with composition.session(composition.read_settings(data_dir=data_dir)) as session:
        if not api_keys.revoke(session, name):
            stop(f"no key is called {name}", 2)
        session.commit()
    say(f"{name}: revoked")


def _key_line(one: "KeyRecord", width: int) -> str:
    made, used, ends = (
        f"{moment:%Y-%m-%d}" if moment else "never" for moment in (one.created_at, one.last_used_at, one.expires_at)
    )
    scopes = ",".join(one.scopes)
    return f"{one.name:{width}}  {one.prefix}...  {scopes:16}  made {made}  expires {ends:10}  last used {used}"
