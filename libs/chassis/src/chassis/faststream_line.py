"""Consuming through FastStream: for the queues where a millisecond more does not matter."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aio_pika import RobustConnection
from aio_pika.abc import AbstractIncomingMessage
from aiormq import spec
from aiormq.abc import AbstractChannel, DeliveredMessage
from faststream import AckPolicy
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitMessage, RabbitQueue
from pamqp.header import ContentHeader

from chassis.consumer import Reception
from chassis.lines import break_with

CONNECT_WITHIN = 10.0


class FastStreamLine:
    """A line of FastStream subscribers that pass each message to its reception as it came."""

    def __init__(self, url: str) -> None:
        self._connection: RobustConnection | None = None
        self._broker = RabbitBroker(
            url,
            logger=None,
            ack_policy=AckPolicy.MANUAL,
            decoder=_as_it_came,
            apply_types=False,  # its injection sends every message through a thread, four times
            timeout=CONNECT_WITHIN,
            reconnect_interval=1.0,
        )
        self._broker._connection_kwargs["connection_class"] = self._noted  # noqa: SLF001 - no other way in
        self.broken = asyncio.Event()
        self.channels: list[AbstractChannel] = []

    async def serve(self, receptions: Sequence[Reception]) -> None:
        """Subscribe each reception on a channel of its own."""
        queues = [self._subscribe(reception) for reception in receptions]
        await self._broker.start()
        for queue in queues:
            declared = await self._broker.declare_queue(queue)  # the one its subscriber has declared already
            channel = await declared.channel.get_underlay_channel()
            break_with(channel, self.broken)
            self.channels.append(channel)

    async def close(self) -> None:
        """Close the connection, and all channels with it; then nothing is left that would repair it."""
        if self._connection is not None:
            await self._connection.close()
        await self._broker.stop()

    def _subscribe(self, reception: Reception) -> RabbitQueue:
        queue = RabbitQueue(reception.consumer.queue, queue_type=QueueType.QUORUM, declare=False)
        channel = Channel(prefetch_count=reception.consumer.prefetch)

        async def receive(message: AbstractIncomingMessage) -> None:
            await reception.receive(delivered(message))

        subscriber = self._broker.subscriber(queue, channel=channel, no_reply=True)
        subscriber(receive)
        # FastStream says so only after the broker has begun to deliver, and drops what comes before.
        subscriber.running = True
        return queue

    def _noted(self, *arguments: Any, **options: Any) -> RobustConnection:  # noqa: ANN401 - passed on
        # A robust connection that fails to open, or is given up meanwhile, would go on trying for ever.
        self._connection = RobustConnection(*arguments, **options)
        return self._connection


def delivered(incoming: AbstractIncomingMessage) -> DeliveredMessage:
    """Turn aio-pika's message back into what came; raises when its channel is closed: it comes again."""
    where = spec.Basic.Deliver(
        incoming.consumer_tag,
        incoming.delivery_tag,
        bool(incoming.redelivered),
        incoming.exchange or "",
        incoming.routing_key or "",
    )
    header = ContentHeader(0, incoming.body_size, incoming.properties)
    return DeliveredMessage(where, header, incoming.body, incoming.channel)


async def _as_it_came(message: RabbitMessage) -> Any:  # noqa: ANN401 - FastStream takes whatever we decode to
    return message.raw_message
