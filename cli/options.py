"""Options that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[Path | None, typer.Option(help="Where the embedded PostgreSQL keeps its files.")]
Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")]
Level = Annotated[list[float], typer.Option(help="Prediction interval in per cent; may be repeated.")]
Reporter = Annotated[str, typer.Option(help="The reporter, by ISO code or English name; its calendar applies.")]
Force = Annotated[bool, typer.Option("--force", help="Accept a last value 1,000 times those before it.")]
Live = Annotated[
    bool | None, typer.Option("--live", help="Fetch new data of the bundled datasets from China Customs and Ember.")
]
EndsWith = Annotated[int | None, typer.Option(hidden=True, help="The process that started this one: it ends with it.")]
Server = Annotated[str | None, typer.Option(help="Read the service at this URL in place of a database.")]
Key = Annotated[str | None, typer.Option(envvar="TRADEWIND_API_KEY", help="With --server: an API key that may read.")]
