"""API keys."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import composition
from cli.console import say, stop
from cli.options import DataDir

if TYPE_CHECKING:
    from store.queries.api_keys import KeyRecord

KeyName = Annotated[str, typer.Argument(help="Name of the key: its holder or purpose.")]
Scopes = Annotated[list[str], typer.Option(help="read, write, publish, judge or admin; may be repeated.")]
Expires = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day (UTC) on which the key expires.")]


def create_key(name: KeyName, scope: Scopes, expires: Expires = None, data_dir: DataDir = None) -> None:
    """Create an API key and print it once."""
    from store.queries import api_keys

    now, end = composition.now(), expires.replace(tzinfo=UTC) if expires else None
    if end is not None and end <= now:
        raise typer.BadParameter(f"the day must be in the future; today is {now:%Y-%m-%d}", param_hint="--expires")
    with composition.session(composition.read_settings(data_dir=data_dir)) as session:
        say(api_keys.create(session, name=name, scopes=scope, now=now, expires=end))
        session.commit()


def list_keys(data_dir: DataDir = None) -> None:
    """List API keys: prefix, scopes, creation, expiry and last use."""
    from store.queries import api_keys

    with composition.session(composition.read_settings(data_dir=data_dir)) as session:
        found = api_keys.list_keys(session)
    width = max((len(key.name) for key in found), default=0)
    say(*([_key_line(key, width) for key in found] or ["There are no keys."]))


def revoke_key(name: KeyName, data_dir: DataDir = None) -> None:
    """Revoke an API key and the browser sessions that it opened."""
    from store.queries import api_keys

    with composition.session(composition.read_settings(data_dir=data_dir)) as session:
        if not api_keys.revoke(session, name):
            stop(f"no key is called {name}", 2)
        session.commit()
    say(f"{name}: revoked")


def _key_line(key: "KeyRecord", width: int) -> str:
    moments = (key.created_at, key.last_used_at, key.expires_at)
    created, used, expires = (f"{moment:%Y-%m-%d}" if moment else "never" for moment in moments)
    scopes = ",".join(key.scopes)
    return (
        f"{key.name:{width}}  {key.prefix}...  {scopes:16}  created {created}  expires {expires:10}  last used {used}"
    )
