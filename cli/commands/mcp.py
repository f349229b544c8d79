"""The MCP server."""

from typing import Annotated, Literal

import typer

from cli import composition
from cli.console import stop
from cli.options import DataDir


def mcp(
    transport: Annotated[
        Literal["stdio", "http"], typer.Option(help="stdio for a local assistant, http for streamable HTTP.")
    ] = "stdio",
    host: Annotated[str, typer.Option(help="Address to listen on, for http.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on, for http.")] = 8001,
    base_url: Annotated[str, typer.Option(help="Address of the REST API in links.")] = "http://127.0.0.1:8000",
    data_dir: DataDir = None,
) -> None:
    """Serve read-only tools to assistants by the Model Context Protocol."""
    try:
        from api.mcp.server import make_server
    except ModuleNotFoundError as error:
        stop(f"tradewind mcp needs {error.name}: pip install 'tradewind[mcp]'", 2)
    with composition.engine(composition.read_settings(data_dir=data_dir)) as engine:
        server = make_server(engine=engine, now=composition.now, base_url=base_url, host=host, port=port)
        server.run(transport="stdio" if transport == "stdio" else "streamable-http")
