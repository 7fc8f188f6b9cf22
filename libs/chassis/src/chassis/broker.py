"""Consuming: each queue on its own channel, and a watchdog that trusts no open connection.

On aiormq itself, which aio-pika and FastStream stand on: an object, a task and a round of callbacks less for
each message, and a lost connection is replaced whole instead of being repaired part by part.
"""

import asyncio
import logging
from collections.abc import Sequence

import aiormq
from aiormq.abc import AbstractConnection

from chassis.consumer import Reception
from chassis.health import Health
from chassis.publisher import Publisher

logger = logging.getLogger(__name__)
CHECK_EVERY = 5.0
GIVE_UP_AFTER = 20.0
START_WITHIN = 20.0
REST_WITHIN = 10.0
LONGEST_PAUSE = 1.0


class ConsumersLost(Exception):
    """A queue has been without its consumer for too long: the process must be started anew."""


class Line:
    """One connection with all consumers of a process; `broken` is set when any part of it is lost."""

    def __init__(self, connection: AbstractConnection) -> None:
        self.connection = connection
        self.broken = asyncio.Event()
        connection.closing.add_done_callback(self._break)

    async def subscribe(self, reception: Reception) -> None:
        """Consume a queue on a channel of its own; acknowledging is the reception's business alone."""
        channel = await self.connection.channel(publisher_confirms=False)
        channel.closing.add_done_callback(self._break)
        channel.on_consumer_cancel_callbacks.add(self._break)
        await channel.basic_qos(prefetch_count=reception.consumer.prefetch)
        await channel.basic_consume(reception.consumer.queue, reception.receive)

    async def close(self) -> None:
        """Give back what is not acknowledged; a broker that does not answer is not waited for long."""
        try:
            async with asyncio.timeout(CHECK_EVERY):
                await self.connection.close()
        except Exception as error:  # noqa: BLE001 - it is thrown away; whatever it says, a new one follows
            logger.info("the connection ended with %s: %s", type(error).__name__, error)

    def _break(self, _: object) -> None:
        self.broken.set()


class Listening:
    """Keeps the consumers of a process alive from its start to its end."""

    def __init__(
        self, url: str, receptions: Sequence[Reception], publisher: Publisher, health: Health
    ) -> None:
        self._url, self._receptions, self._publisher, self._health = url, receptions, publisher, health
        self._line: Line | None = None

    async def run(self) -> None:
        """Listen until cancelled; raises ConsumersLost when a lost consumer does not come back in 20 s."""
        workers = [asyncio.create_task(reception.run()) for reception in self._receptions]
        try:
            await self._start()
            await self._watch()
        finally:
            await self._rest()
            await self._hang_up()
            for worker in workers:
                worker.cancel()

    async def _start(self) -> None:
        pause = 0.2
        while True:
            try:
                async with asyncio.timeout(START_WITHIN):
                    await self._subscribe()
            except Exception as error:  # noqa: BLE001 - the broker may be away when we start; we wait for it
                self._health.down("consumers", f"{type(error).__name__}: {error}")
                await self._hang_up()
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self._health.up("consumers")
                return

    async def _subscribe(self) -> None:
        self._line = Line(await aiormq.connect(self._url))
        for reception in self._receptions:
            await self._line.subscribe(reception)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(REST_WITHIN):
                await asyncio.gather(*(reception.rest() for reception in self._receptions))
        except TimeoutError:
            logger.warning("a batch did not end in time: its messages come again")

    async def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def _watch(self) -> None:
        lost_for = 0.0
        while True:
            if await self._is_broken_within(CHECK_EVERY):
                await self._renew("the connection is lost")
                continue
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
                await self._renew("the consumers did not come back by themselves")

    async def _is_broken_within(self, seconds: float) -> bool:
        if self._line is None:
            return True
        try:
            async with asyncio.timeout(seconds):
                await self._line.broken.wait()
        except TimeoutError:
            return False
        return True

    async def _renew(self, reason: str) -> None:
        self._health.down("consumers", reason)
        await self._hang_up()
        await self._start()

    async def _missing(self) -> list[str] | None:
        try:
            async with asyncio.timeout(CHECK_EVERY):
                queues = [reception.consumer.queue for reception in self._receptions]
                return [queue for queue in queues if (await self._publisher.look_at(queue))[1] == 0]
        except Exception as error:  # noqa: BLE001 - any failure means the same: we could not ask
            self._health.down("consumers", f"{type(error).__name__}: {error}")
            return None
