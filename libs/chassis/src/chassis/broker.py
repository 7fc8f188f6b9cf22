"""Consuming through FastStream: each queue on its own channel, and a watchdog that trusts no ping."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from faststream import AckPolicy
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitMessage, RabbitQueue

from chassis.consumer import Reception
from chassis.health import Health
from chassis.publisher import Publisher
from chassis.supervision import LONGEST_PAUSE

logger = logging.getLogger(__name__)
CHECK_EVERY = 5.0
GIVE_UP_AFTER = 20.0
START_WITHIN = 20.0


class ConsumersLost(Exception):
    """A queue has been without its consumer for too long: the process must be started anew."""


async def _as_it_came(message: RabbitMessage) -> Any:  # noqa: ANN401 - FastStream takes whatever we decode to
    return message.raw_message


def build_broker(url: str, receptions: Sequence[Reception]) -> RabbitBroker:
    """Subscribe every reception; acknowledging is the reception's business alone."""
    broker = RabbitBroker(
        url,
        logger=None,
        ack_policy=AckPolicy.MANUAL,
        decoder=_as_it_came,
        apply_types=False,  # its injection sends every message through a thread, four times
        reconnect_interval=1.0,
        graceful_timeout=10,
    )
    for reception in receptions:
        _subscribe(broker, reception)
    return broker


def _subscribe(broker: RabbitBroker, reception: Reception) -> None:
    queue = RabbitQueue(reception.consumer.queue, queue_type=QueueType.QUORUM, declare=False)
    channel = Channel(prefetch_count=reception.consumer.prefetch)

    @broker.subscriber(queue, channel=channel, no_reply=True)
    async def receive(message: AbstractIncomingMessage) -> None:
        await reception.receive(message)


class Listening:
    """Keeps the consumers of a process alive from its start to its end."""

    def __init__(
        self, url: str, receptions: Sequence[Reception], publisher: Publisher, health: Health
    ) -> None:
        self._url, self._receptions, self._publisher, self._health = url, receptions, publisher, health
        self._broker: RabbitBroker | None = None

    async def run(self) -> None:
        """Listen until cancelled; raises ConsumersLost when a lost consumer does not come back in 20 s."""
        workers = [asyncio.create_task(reception.batcher.run()) for reception in self._receptions]
        try:
            await self._start()
            await self._watch()
        finally:
            await self._stop()
            for worker in workers:
                worker.cancel()

    async def _start(self) -> None:
        pause = 0.2
        while True:
            self._broker = build_broker(self._url, self._receptions)
            try:
                async with asyncio.timeout(START_WITHIN):
                    await self._broker.start()
            except Exception as error:  # noqa: BLE001 - the broker may be away when we start; we wait for it
                self._health.down("consumers", f"{type(error).__name__}: {error}")
                await self._broker.stop()
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self._health.up("consumers")
                return

    async def _stop(self) -> None:
        if self._broker is not None:
            await self._broker.stop()

    async def _watch(self) -> None:
        lost_for = 0.0
        while True:
            await asyncio.sleep(CHECK_EVERY)
            missing = await self._missing()
            if missing is None:  # the broker itself is away: nothing to heal on our side
                continue
            lost_for = lost_for + CHECK_EVERY if missing else 0.0
            if missing:
                self._health.down("consumers", f"no consumer on {', '.join(missing)}")
            else:
                self._health.up("consumers")
            if lost_for >= GIVE_UP_AFTER:
                raise ConsumersLost(", ".join(missing))
            if lost_for > CHECK_EVERY:
                await self._renew()

    async def _renew(self) -> None:
        # A channel whose restoring failed once stays dead for good on a connection that lives.
        logger.warning("the consumers did not come back by themselves: subscribing anew")
        try:
            async with asyncio.timeout(CHECK_EVERY):
                await self._stop()
        except Exception as error:  # noqa: BLE001 - it is thrown away; whatever it says, a new one follows
            logger.info("the old consumers ended with %s: %s", type(error).__name__, error)
        await self._start()

    async def _missing(self) -> list[str] | None:
        try:
            async with asyncio.timeout(CHECK_EVERY):
                queues = [reception.consumer.queue for reception in self._receptions]
                return [queue for queue in queues if (await self._publisher.look_at(queue))[1] == 0]
        except Exception as error:  # noqa: BLE001 - any failure means the same: we could not ask
            self._health.down("consumers", f"{type(error).__name__}: {error}")
            return None
