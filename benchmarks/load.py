"""A load generator: some connections that each ask again as soon as they are answered. Plain sockets, little work."""

import asyncio
import time
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Load:
    """Results: requests a second, and latencies in milliseconds."""

    rate: float
    median: float
    p95: float
    size: int
    """Bytes of the last answer, as sent."""


def load(port: int, path: str, *, connections: int, seconds: float, headers: str = "", status: int = 200) -> Load:
    """Ask for a path over keep-alive connections for some seconds.

    Raises:
        RuntimeError: an answer had another status.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode()
    return asyncio.run(_load(port, request, connections, seconds, status))


async def _load(port: int, request: bytes, connections: int, seconds: float, status: int) -> Load:
    taken: list[float] = []
    sizes = [0]
    started = time.perf_counter()
    asking = (_ask(port, request, started + seconds, status, taken, sizes) for _ in range(connections))
    await asyncio.gather(*asking)
    elapsed = time.perf_counter() - started
    milliseconds = 1000 * np.array(taken)
    return Load(len(taken) / elapsed, float(np.median(milliseconds)), float(np.quantile(milliseconds, 0.95)), sizes[-1])


async def _ask(port: int, request: bytes, until: float, status: int, taken: list[float], sizes: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    while (began := time.perf_counter()) < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        body = await _read_body(reader, head.lower())
        taken.append(time.perf_counter() - began)
        sizes[0] = len(body)
        if int(head[9:12]) != status:
            raise RuntimeError(f"{head!r} {body[:500]!r}")
    writer.close()


async def _read_body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    if b"transfer-encoding: chunked" in head:
        parts = []
        while size := int(await reader.readline(), 16):
            parts.append((await reader.readexactly(size + 2))[:-2])
        await reader.readline()
        return b"".join(parts)
    _, found, rest = head.partition(b"content-length:")
    return await reader.readexactly(int(rest.split(b"\r\n")[0])) if found else b""
