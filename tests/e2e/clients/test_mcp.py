"""The official SDK's client asks the questions of README."""

import asyncio
import json
from typing import Any

import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from mcp.server.fastmcp import FastMCP
from mcp.shared.memory import create_connected_server_and_client_session

from api.mcp.server import make_server
from tests.integration.api.conftest import TODAY, World
from tests.support.web_service import served


@pytest.fixture(scope="module")
def server(world: World) -> FastMCP:
    return make_server(engine=world.engine, now=lambda: TODAY, base_url="http://desk.example/")


def call(server: FastMCP, tool: str, **arguments: Any) -> tuple[bool, Any]:
    """Whether the tool failed, and its answer or its message."""

    async def ask() -> tuple[bool, Any]:
        async with create_connected_server_and_client_session(server._mcp_server) as client:
            result = await client.call_tool(tool, arguments)
            text = result.content[0].text  # type: ignore[union-attr]
            return bool(result.isError), text if result.isError else json.loads(text)

    return asyncio.run(ask())


def test_eight_tools_are_listed_and_only_read(server: FastMCP) -> None:
    async def tools() -> Any:
        async with create_connected_server_and_client_session(server._mcp_server) as client:
            return (await client.list_tools()).tools

    found = asyncio.run(tools())
    assert len(found) == 8
    assert all(tool.annotations.readOnlyHint and tool.description for tool in found)


def test_a_series_is_found_observed_and_forecast(server: FastMCP, world: World) -> None:
    _, found = call(server, "find_series", text="electric germany")
    assert [series["unique_id"] for series in found["series"]] == ["CN_CLEANTECH.X.DEU.EV"]
    chosen = {"dataset": "CN_CLEANTECH", "partner": "DEU", "sector": "EV"}
    _, observed = call(server, "read_observations", **chosen, months=12)
    assert len(observed["values"]) == 12
    assert observed["unit"] == "USD m"
    _, forecast = call(server, "forecast", **chosen, frequency="Q")
    assert (forecast["run"], forecast["unit"]) == (world.clean.run_id, "USD m")
    first = forecast["forecast"][0]
    low, high = first["intervals"]["80%"]
    assert low < first["median"] < high
    assert forecast["link"].startswith("http://desk.example/v1/runs/")


def test_probability_accuracy_and_releases_are_answered(server: FastMCP) -> None:
    _, chance = call(server, "probability", dataset="CN_TRADE", period="2026-03", above=0)
    assert 0 <= chance["probability"] <= 1
    _, record = call(server, "accuracy", dataset="CN_TRADE")
    assert {"mase", "wis"} <= {row["metric"] for row in record["scores"]}
    _, due = call(server, "releases_due")
    assert due["today"] == "2026-01-21"


def test_an_error_says_what_is_wrong(server: FastMCP) -> None:
    failed, message = call(server, "forecast", dataset="NOWHERE")
    assert failed
    assert "NOWHERE" in message
    failed, message = call(server, "probability", dataset="CN_TRADE", period="2026-03")
    assert failed
    assert "give above, below, or both" in message


def test_streamable_http_answers_as_stdio_does(server: FastMCP) -> None:
    async def ask(address: str) -> Any:
        async with (
            streamablehttp_client(f"{address}/mcp") as (read, write, _),
            ClientSession(read, write) as client,
        ):
            await client.initialize()
            return await client.call_tool("find_series", {"text": "electric germany"})

    with served(server.streamable_http_app()) as address:
        result = asyncio.run(ask(address))
    assert json.loads(result.content[0].text) == call(server, "find_series", text="electric germany")[1]
