"""What a consumer that does nothing reaches on the same broker."""

import asyncio
import time
from collections.abc import Sequence
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from bench.driving.load import TOGETHER
from contracts.credits import HoldCredits


async def no_op(url: str, bodies: Sequence[HoldCredits]) -> float:
    """Move the same requests through a quorum queue to an aio-pika consumer that only acknowledges them."""
    queue_name, size = f"bench.{uuid4().hex}", len(bodies)
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=100)
        queue = await channel.declare_queue(queue_name, durable=True, arguments={"x-queue-type": "quorum"})
        done, arrived = asyncio.Event(), 0

        async def take(incoming: AbstractIncomingMessage) -> None:
            nonlocal arrived
            await incoming.ack()
            arrived += 1
            if arrived == size:
                done.set()

        await queue.consume(take)
        began = time.perf_counter()
        await _say(channel, queue_name, bodies)
        await done.wait()
        passed = time.perf_counter() - began
        await queue.delete(if_unused=False, if_empty=False)
        return size / passed


async def _say(channel: aio_pika.abc.AbstractChannel, queue: str, requests: Sequence[HoldCredits]) -> None:
    for start in range(0, len(requests), TOGETHER):
        some = requests[start : start + TOGETHER]
        messages = [
            aio_pika.Message(r.model_dump_json().encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            for r in some
        ]
        await asyncio.gather(*(channel.default_exchange.publish(m, queue) for m in messages))
