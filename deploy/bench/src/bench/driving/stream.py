"""A client that follows the event stream of its team."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

from bench.driving.lines import Json, written

Heard = Callable[[Json, datetime], None]
_LONGEST = 1 << 20


@asynccontextmanager
async def following(url: str, headers: str, heard: Heard) -> AsyncIterator[None]:
    """Call `heard` with each event and when it came, as long as this is open."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=_LONGEST)
    writer.write(written("GET", "/api/events", f"{headers}Accept: text/event-stream\r\n"))
    while not (await reader.readline()).startswith(b"retry:"):
        if reader.at_eof():
            raise ConnectionError("the event stream was refused")
    following_ = asyncio.create_task(_follow(reader, heard))
    try:
        yield
    finally:
        following_.cancel()
        writer.close()


async def _follow(reader: asyncio.StreamReader, heard: Heard) -> None:
    while line := await reader.readline():
        if line.startswith(b"data:"):
            heard(json.loads(line[5:]), datetime.now(UTC))
