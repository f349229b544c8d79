"""API keys."""

from typing import Annotated

import typer

from cli import wiring
from cli.options import DataDir
from cli.terminal import say


def create_key(
    name: Annotated[str, typer.Argument(help="Who or what the key is for.")],
    scope: Annotated[list[str], typer.Option(help="read or write; may be repeated.")],
    data_dir: DataDir = None,
) -> None:
    """Make an API key and show it, once."""
    from store import keys

    with wiring.session(wiring.read_settings(data_dir=data_dir)) as session:
        say(keys.create(session, name=name, scopes=scope, now=wiring.now()))
        session.commit()
