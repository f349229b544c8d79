"""The MCP server, over the official SDK."""

from collections.abc import Callable
from datetime import datetime

from mcp.server.fastmcp import FastMCP
from mcp.types import ToolAnnotations
from sqlalchemy import Engine

from api.mcp.tools import Tools
from services.series.catalog_cache import CatalogCache

INSTRUCTIONS = """Monthly goods trade of a country by partner and sector: observations, forecasts with prediction
intervals, and their record of accuracy. Find codes with find_series first. Every answer names its unit, its run and
the day whose knowledge it uses; quote them, and the coverage where it is given."""


def make_server(
    *, engine: Engine, now: Callable[[], datetime], base_url: str, host: str = "127.0.0.1", port: int = 8001
) -> FastMCP:
    """A server with eight read-only tools; `host` and `port` apply to HTTP."""
    server = FastMCP("tradewind", instructions=INSTRUCTIONS, host=host, port=port)
    tools = Tools(engine, now, base_url, CatalogCache())
    for tool in (
        tools.find_series,
        tools.read_observations,
        tools.forecast,
        tools.probability,
        tools.contributions,
        tools.accuracy,
        tools.explain_changes,
        tools.releases_due,
    ):
        server.add_tool(tool, annotations=ToolAnnotations(readOnlyHint=True, openWorldHint=False))
    return server
