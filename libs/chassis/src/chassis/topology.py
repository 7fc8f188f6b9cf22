"""Declares the whole topology of the bus on RabbitMQ 3.10 to 4.x, before any service runs."""

import aio_pika
from aio_pika.abc import AbstractChannel, HeadersType

from contracts.topology import ANNOUNCED, COMMANDS, FACTS, PARKED, QUEUES, RETRY_DELAYS, UNROUTED, Queue

QUORUM: HeadersType = {"x-queue-type": "quorum"}
AT_LEAST_ONCE: HeadersType = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
DELIVERY_LIMIT = 20
"""How often a message may bring its consumer down before it is parked: a guard against crash loops."""
NO_LIMIT = 1_000_000
"""Looking at a parked message counts as a delivery; RabbitMQ 4 would delete it after the twentieth."""


async def declare(url: str) -> None:
    """Declare every exchange, queue and binding; repeating it changes nothing."""
    connection = await aio_pika.connect(url, timeout=10)
    async with connection:
        channel = await connection.channel()
        await _declare_exchanges(channel)
        for name, delay in RETRY_DELAYS.items():
            await declare_rung(channel, name, delay)
        for queue in QUEUES:
            await _declare_queue(channel, queue)


async def _declare_exchanges(channel: AbstractChannel) -> None:
    await channel.declare_exchange(COMMANDS, aio_pika.ExchangeType.DIRECT, durable=True)
    await channel.declare_exchange(ANNOUNCED, aio_pika.ExchangeType.TOPIC, durable=True)
    await channel.declare_exchange(PARKED, aio_pika.ExchangeType.DIRECT, durable=True)
    await channel.declare_exchange(UNROUTED, aio_pika.ExchangeType.FANOUT, durable=True)
    await channel.declare_exchange(
        FACTS, aio_pika.ExchangeType.TOPIC, durable=True, arguments={"alternate-exchange": UNROUTED}
    )
    unrouted = await channel.declare_queue(
        UNROUTED, durable=True, arguments={**QUORUM, "x-max-length": 10_000}
    )
    await unrouted.bind(UNROUTED)


async def declare_rung(channel: AbstractChannel, name: str, delay: int) -> None:
    """Declare where messages wait, for so many milliseconds, before they go back to their own queue."""
    # Without a dead-letter routing key a message keeps the one it came with: the name of its own queue.
    await channel.declare_exchange(name, aio_pika.ExchangeType.FANOUT, durable=True)
    arguments: HeadersType = QUORUM | AT_LEAST_ONCE | {"x-message-ttl": delay, "x-dead-letter-exchange": ""}
    queue = await channel.declare_queue(name, durable=True, arguments=arguments)
    await queue.bind(name)


async def _declare_queue(channel: AbstractChannel, queue: Queue) -> None:
    unlimited: HeadersType = {"x-delivery-limit": NO_LIMIT}
    parked = await channel.declare_queue(queue.parked, durable=True, arguments=QUORUM | unlimited)
    await parked.bind(PARKED, queue.name)
    declared = await channel.declare_queue(queue.name, durable=True, arguments=arguments_of(queue))
    for key in queue.commands:
        await declared.bind(COMMANDS, key)
    for key in queue.facts:
        await declared.bind(FACTS, key)
    for key in queue.announced:
        await declared.bind(ANNOUNCED, key)


def arguments_of(queue: Queue) -> HeadersType:
    """List the arguments a queue is declared with."""
    dead_letters: HeadersType = {"x-dead-letter-exchange": PARKED, "x-dead-letter-routing-key": queue.name}
    single: HeadersType = {"x-single-active-consumer": True} if queue.single_active else {}
    return QUORUM | AT_LEAST_ONCE | dead_letters | {"x-delivery-limit": DELIVERY_LIMIT} | single
