"""Acknowledges what is handled, a whole batch in one frame where it can."""

import asyncio
import logging
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from aiormq.abc import AbstractChannel, DeliveredMessage

from chassis.supervision import being_cancelled

logger = logging.getLogger(__name__)


class Acknowledging:
    """The messages of one consumer, which has each of its channels to itself: the tags there are 1, 2, 3 ...

    What is handled in the same turn of the loop, as the messages of one batch are, goes out together: one
    frame for all that lie before the first one still under way, one frame each for those beyond it. A frame
    that is lost with its channel needs no care: the broker delivers those messages again. A channel that is
    given up may linger beside the next one: each has its own tags.
    """

    def __init__(self) -> None:
        self._tags: WeakKeyDictionary[AbstractChannel, Tags] = WeakKeyDictionary()
        self._flushing: asyncio.Task[None] | None = None

    def handled(self, incoming: DeliveredMessage) -> None:
        """Acknowledge a message, with whatever else is handled at this moment."""
        if incoming.delivery_tag is not None and not incoming.channel.is_closed:
            self._of(incoming.channel).handled.add(incoming.delivery_tag)
            if self._flushing is None:
                self._flushing = asyncio.create_task(self._flush())

    def given_back(self, incoming: DeliveredMessage) -> None:
        """Note that a message has been rejected: nothing more is owed for it."""
        if incoming.delivery_tag is not None and not incoming.channel.is_closed:
            self._of(incoming.channel).settled_beyond.add(incoming.delivery_tag)

    async def flushed(self) -> None:
        """Wait until every acknowledgement is on its way."""
        if self._flushing is not None:
            await self._flushing

    def _of(self, channel: AbstractChannel) -> "Tags":
        return self._tags.setdefault(channel, Tags())

    async def _flush(self) -> None:
        try:
            while waiting := [(channel, tags) for channel, tags in self._tags.items() if tags.handled]:
                for channel, tags in waiting:
                    await self._try(channel, *tags.take())
        finally:
            self._flushing = None

    async def _try(self, channel: AbstractChannel, together: int | None, alone: list[int]) -> None:
        # A channel that goes raises what it likes, CancelledError too; what the next one brought must go on.
        try:
            await self._acknowledge(channel, together, alone)
        except asyncio.CancelledError:
            if being_cancelled():
                raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the broker delivers them again
            logger.info("handled messages come again, to be ignored: %s", error)

    async def _acknowledge(self, channel: AbstractChannel, together: int | None, alone: list[int]) -> None:
        if together is not None:
            await channel.basic_ack(together, multiple=True)
        for tag in alone:
            await channel.basic_ack(tag)


@dataclass(slots=True)
class Tags:
    """What is known of the messages of one channel: all up to `settled_to` are settled, and some beyond."""

    settled_to: int = 0
    handled: set[int] = field(default_factory=set)
    settled_beyond: set[int] = field(default_factory=set)

    def take(self) -> tuple[int | None, list[int]]:
        """Split what is handled: the last one with nothing under way before it, and those beyond that."""
        before, top = self.settled_to, self.settled_to
        while top + 1 in self.handled or top + 1 in self.settled_beyond:
            top += 1
        self.settled_to = top
        alone = sorted(tag for tag in self.handled if tag > top)
        together = max((tag for tag in self.handled if before < tag <= top), default=None)
        self.settled_beyond = {tag for tag in self.settled_beyond if tag > top} | set(alone)
        self.handled.clear()
        return together, alone
