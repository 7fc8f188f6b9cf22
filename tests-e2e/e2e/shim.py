"""A bad line between the bus and every service: each message comes one to three times, in any order, late."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from contracts.topology import ANNOUNCED, COMMANDS, FACTS, QUEUES, Queue

COPIES = (1, 3)
LATEST = 0.3
"""Seconds; longer than messages that follow from each other are apart."""


class Shim:
    """Takes what was meant for a queue and gives it to that queue as the line pleases."""

    def __init__(self, channel: AbstractChannel, random: Random) -> None:
        self.carried: Counter[str] = Counter()
        self.copies = 0
        self._channel, self._random = channel, random
        self._carrying: set[asyncio.Task[None]] = set()

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing is on its way."""
        return not self._carrying

    def carry(self, queue: str, incoming: AbstractIncomingMessage) -> None:
        """Take charge of a message."""
        self.carried[queue] += 1
        task = asyncio.create_task(self._carry(queue, incoming))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, queue: str, incoming: AbstractIncomingMessage) -> None:
        copies = self._random.randint(*COPIES)
        self.copies += copies
        await asyncio.gather(*(self._deliver(queue, incoming) for _ in range(copies)))
        await incoming.ack()  # all copies are confirmed

    async def _deliver(self, queue: str, incoming: AbstractIncomingMessage) -> None:
        await asyncio.sleep(self._random.uniform(0, LATEST))
        copy = aio_pika.Message(
            incoming.body,
            headers=incoming.headers,
            content_type=incoming.content_type,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=incoming.message_id,
            correlation_id=incoming.correlation_id,
            type=incoming.type,
            timestamp=incoming.timestamp,
        )
        await self._channel.default_exchange.publish(copy, queue)


@asynccontextmanager
async def bad_line(url: str, random: Random) -> AsyncIterator[Shim]:
    """Put the line between the exchanges and all queues of the services, for a while."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        await channel.set_qos(prefetch_count=1000)
        shim = Shim(channel, random)
        for queue in QUEUES:
            await _put_between(channel, queue, shim)
        try:
            yield shim
        finally:
            for queue in QUEUES:
                await _take_away(channel, queue)
            async with asyncio.timeout(30):
                while not shim.is_idle:
                    await asyncio.sleep(0.05)
            for queue in QUEUES:
                await channel.queue_delete(_beside(queue), if_empty=True)


def _beside(queue: Queue) -> str:
    return f"{queue.name}.shim"


def _bindings(queue: Queue) -> list[tuple[str, str]]:
    kinds = ((COMMANDS, queue.commands), (FACTS, queue.facts), (ANNOUNCED, queue.announced))
    return [(exchange, key) for exchange, keys in kinds for key in keys]


async def _put_between(channel: AbstractChannel, queue: Queue, shim: Shim) -> None:
    shadow: AbstractQueue = await channel.declare_queue(_beside(queue), durable=True)
    real = await channel.get_queue(queue.name, ensure=False)
    for exchange, key in _bindings(queue):
        await shadow.bind(exchange, key)  # first this, so that no message finds no queue
        await real.unbind(exchange, key)

    async def take(incoming: AbstractIncomingMessage) -> None:
        shim.carry(queue.name, incoming)

    await shadow.consume(take)


async def _take_away(channel: AbstractChannel, queue: Queue) -> None:
    shadow = await channel.get_queue(_beside(queue), ensure=False)
    real = await channel.get_queue(queue.name, ensure=False)
    for exchange, key in _bindings(queue):
        await real.bind(exchange, key)
        await shadow.unbind(exchange, key)
