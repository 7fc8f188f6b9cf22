"""A broker that falls silent: the connection stays open and nothing comes back."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.exceptions import AMQPError
from aiormq.exceptions import ChannelNotFoundEntity

from chassis import publisher as under_test
from chassis.frames import Outgoing
from chassis.publisher import Publisher
from contracts.credits import ReleaseCredits
from contracts.topology import COMMANDS


@dataclass
class Line:
    """A line to the broker that can be made to swallow what it is given."""

    host: str
    port: int
    silent: bool = False
    closed: bool = False
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.closed:
            writer.close()
            return
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


def outgoing(body: bytes, exchange: str = COMMANDS) -> Outgoing:
    ids = str(uuid4()), str(uuid4())
    return Outgoing(exchange, ReleaseCredits.type, ReleaseCredits.type, *ids, datetime.now(UTC), {}, body)


async def test_bodies_of_any_length_arrive_as_they_were(fresh_vhost: str):
    publisher = Publisher(fresh_vhost)
    channel = await (await publisher.channel()).get_underlay_channel()
    assert channel.connection.connection_tune.frame_max == 131_072
    bodies = [bytes([65 + n]) * size for n, size in enumerate([0, 1, 131_063, 131_064, 131_065, 400_000])]
    assert await publisher.publish_all([outgoing(body) for body in bodies]) == [None] * 6
    queue = await (await publisher.fresh_channel()).get_queue("credits.commands", ensure=False)
    assert [(await queue.get(no_ack=True)).body for _ in bodies] == bodies
    await publisher.close()


async def test_a_message_that_costs_the_channel_fails_alone(fresh_vhost: str):
    publisher = Publisher(fresh_vhost)
    before, lost, after = outgoing(b"1"), outgoing(b"2", "not-declared"), outgoing(b"3")
    failures = await publisher.publish_all([before, lost, after])
    assert [type(failure).__name__ for failure in failures] == [
        "NoneType",
        "ChannelNotFoundEntity",
        "NoneType",
    ]
    await publisher.close()


async def test_looking_at_a_queue_that_is_not_there_costs_no_message_on_its_way(fresh_vhost: str):
    publisher = Publisher(fresh_vhost)
    channel = await (await publisher.channel()).get_underlay_channel()
    with pytest.raises(ChannelNotFoundEntity):
        await publisher.look_at("nowhere")
    waiting, consumers = await publisher.look_at("credits.commands")
    assert (waiting >= 0, consumers) == (True, 0)
    assert await publisher.publish_all([outgoing(b"{}")]) == [None]
    assert await (await publisher.channel()).get_underlay_channel() is channel
    await publisher.close()


async def test_a_batch_does_not_wait_for_a_broker_that_is_away(
    fresh_vhost: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(under_test, "CONFIRM_WITHIN", 0.5)
    async with line_to(fresh_vhost) as (url, line):
        publisher = Publisher(url)
        await publisher.channel()
        line.closed = True
        for writer in line.writers:
            writer.close()
        await asyncio.sleep(0.1)
        async with asyncio.timeout(5):
            with pytest.raises((OSError, AMQPError, RuntimeError)):
                await publisher.publish_all([outgoing(b"{}")])
    await publisher.close()


async def test_a_blocked_connection_is_given_nothing_more(
    nodes: Any, fresh_vhost: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(under_test, "CONFIRM_WITHIN", 1)
    publisher = Publisher(fresh_vhost)
    await publisher.publish_all([outgoing(b"{}")])
    await asyncio.to_thread(nodes.rabbitmq.ctl, "set_vm_memory_high_watermark", "0.00001")
    try:
        [failure] = await publisher.publish_all([outgoing(b"{}")])
        assert isinstance(failure, TimeoutError)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await publisher.publish_all([outgoing(b"{}")])
    finally:
        await asyncio.to_thread(nodes.rabbitmq.ctl, "set_vm_memory_high_watermark", "absolute", "1GiB")
    async with asyncio.timeout(10):
        while await _sent(publisher) != [None]:
            await asyncio.sleep(0.1)
    await publisher.close()


async def _sent(publisher: Publisher) -> list[BaseException | None]:
    try:
        return await publisher.publish_all([outgoing(b"{}")])
    except TimeoutError as error:
        return [error]
