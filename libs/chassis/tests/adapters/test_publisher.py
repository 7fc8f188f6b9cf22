"""A broker that falls silent: the connection stays open and nothing comes back."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aio_pika
import pytest

from chassis import publisher as under_test
from chassis.publisher import Publisher
from contracts.credits import ReleaseCredits
from contracts.topology import COMMANDS


@dataclass
class Line:
    """A line to the broker that can be made to swallow what it is given."""

    host: str
    port: int
    silent: bool = False
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self.host, self.port)
        self.writers += [writer, back]
        await asyncio.gather(self._pass(reader, back), self._pass(there, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionResetError):
            while data := await reader.read(65536):
                if not self.silent:
                    writer.write(data)


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[tuple[str, Line]]:
    parts = urlsplit(url)
    line = Line(parts.hostname or "", parts.port or 0)
    server = await asyncio.start_server(line.connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}").geturl(), line
    finally:
        server.close()
        for writer in line.writers:
            writer.close()


async def test_opening_a_channel_does_not_wait_for_a_silent_broker(
    fresh_vhost: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(under_test, "CONFIRM_WITHIN", 0.5)
    async with line_to(fresh_vhost) as (url, line):
        publisher = Publisher(url)
        await (await publisher.channel()).close()
        line.silent, started = True, time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await publisher.channel()
        assert time.monotonic() - started < 2
    await publisher.close()


async def test_a_stuck_connection_is_an_error_and_not_the_end_of_whoever_publishes(fresh_vhost: str):
    async with line_to(fresh_vhost) as (url, line):
        publisher = Publisher(f"{url}?heartbeat=1")
        await publisher.channel()
        line.silent = True
        with pytest.raises(ConnectionError):
            await publisher.publish(COMMANDS, ReleaseCredits.type, aio_pika.Message(b"{}"))
    await publisher.close()
