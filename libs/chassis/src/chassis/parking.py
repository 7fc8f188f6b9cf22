"""Parked messages as an operator meets them: looked at, sent back to where they came from, or dropped."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPError

from chassis.ladder import returned
from chassis.metrics import CONSUMERS, PARKED_MESSAGES, QUEUED_MESSAGES
from chassis.publisher import Publisher
from contracts.topology import QUEUES, RETRY_DELAYS, UNROUTED, Queue

logger = logging.getLogger(__name__)
COUNT_EVERY = 30.0
SHARED = (*RETRY_DELAYS, UNROUTED)
"""Queues that belong to nobody alone; every process with queues of its own shows them."""
AT_ONCE = 10_000
Wanted = Callable[[AbstractIncomingMessage], bool]


def queues_of(service: str) -> list[Queue]:
    """List the queues a service owns."""
    return [queue for queue in QUEUES if queue.name.startswith(f"{service}.")]


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked message and the queue it could not be handled from."""

    queue: Queue
    message: AbstractIncomingMessage


class Counting:
    """Counts what waits in a process's queues, on the ladder, and parked; logs when more is parked."""

    def __init__(self, publisher: Publisher, queues: Sequence[str]) -> None:
        self._publisher = publisher
        self._queues = queues
        self._known: dict[str, int] = {}

    async def count(self) -> None:
        """Ask for each queue, and show the number as a metric."""
        try:
            numbers = {name: (await self._publisher.look_at(f"{name}.parked"))[0] for name in self._queues}
            await self._show_what_waits()
        except (AMQPError, OSError, TimeoutError) as error:
            # The consumers say that the broker is away, and are not held up by this when it is back.
            logger.debug("cannot count messages: %s", error)
            return
        for name, number in numbers.items():
            PARKED_MESSAGES.labels(name).set(number)
            if number > self._known.get(name, 0):
                logger.error("%s messages of %s are parked", number, name)
            self._known[name] = number

    async def _show_what_waits(self) -> None:
        for name in self._queues:
            waiting, consumers = await self._publisher.look_at(name)
            QUEUED_MESSAGES.labels(name).set(waiting)
            CONSUMERS.labels(name).set(consumers)
        for name in SHARED if self._queues else ():
            QUEUED_MESSAGES.labels(name).set((await self._publisher.look_at(name))[0])


class ParkingLot:
    """The parked messages of some queues. What is looked at and left is given back as it was."""

    def __init__(self, publisher: Publisher, queues: Sequence[Queue]) -> None:
        self._publisher, self._queues = publisher, queues

    async def all(self, wanted: Wanted) -> list[Parked]:
        """Read every parked message that is wanted, the oldest first; changes nothing."""
        found = []
        for queue in self._queues:
            async with self._taken(queue) as messages:
                found += [Parked(queue, message) for message in messages if wanted(message)]
        return found

    async def replay(self, wanted: Wanted, rate: float) -> list[Parked]:
        """Send wanted messages back to the queue they came from, at most `rate` a second.

        Each is acknowledged only once its copy is safe, so a crash in between leaves it in both places, and
        the second delivery is boring. It starts at the foot of the ladder again.
        """
        return [parked async for parked in self._removed(wanted, self._send_back, 1 / rate)]

    async def drop(self, wanted: Wanted) -> list[Parked]:
        """Delete wanted messages for ever."""
        return [parked async for parked in self._removed(wanted, _nothing, 0)]

    async def _removed(
        self, wanted: Wanted, first: Callable[[Parked], Awaitable[None]], pause: float
    ) -> AsyncIterator[Parked]:
        for queue in self._queues:
            async with self._taken(queue) as messages:
                for message in messages:
                    if wanted(message):
                        parked = Parked(queue, message)
                        await first(parked)
                        await message.ack()
                        yield parked
                        await asyncio.sleep(pause)

    async def _send_back(self, parked: Parked) -> None:
        await self._publisher.publish("", parked.queue.name, returned(parked.message))

    @asynccontextmanager
    async def _taken(self, queue: Queue) -> AsyncIterator[Sequence[AbstractIncomingMessage]]:
        """Take all that is parked now; what is parked again meanwhile is for the next time."""
        channel = await self._publisher.fresh_channel()
        async with channel:  # closing it gives back what was not acknowledged, in its old order
            source = await channel.get_queue(queue.parked, ensure=False)
            messages: list[AbstractIncomingMessage] = []
            while len(messages) < AT_ONCE and (message := await source.get(fail=False)) is not None:
                messages.append(message)
            yield messages


async def _nothing(_parked: Parked) -> None:
    return
