"""Acknowledges what is handled, a whole batch in one frame where it can."""

import asyncio
import logging

from aiormq.abc import AbstractChannel, DeliveredMessage

from chassis.supervision import being_cancelled

logger = logging.getLogger(__name__)


class Acknowledging:
    """The messages of one consumer, which has its channel to itself: its delivery tags are 1, 2, 3 ...

    What is handled in the same turn of the loop, as the messages of one batch are, goes out together: one
    frame for all that lie before the first one still under way, one frame each for those beyond it. A frame
    that is lost with its channel needs no care: the broker delivers those messages again.
    """

    def __init__(self) -> None:
        self._channel: AbstractChannel | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._start_over()

    def _start_over(self) -> None:
        self._settled_to = 0
        self._handled: set[int] = set()
        self._settled_beyond: set[int] = set()

    def handled(self, incoming: DeliveredMessage) -> None:
        """Acknowledge a message, with whatever else is handled at this moment."""
        if self._is_current(incoming) and incoming.delivery_tag is not None:
            self._handled.add(incoming.delivery_tag)
            if self._flushing is None:
                self._flushing = asyncio.create_task(self._flush())

    def given_back(self, incoming: DeliveredMessage) -> None:
        """Note that a message has been rejected: nothing more is owed for it."""
        if self._is_current(incoming) and incoming.delivery_tag is not None:
            self._settled_beyond.add(incoming.delivery_tag)

    async def flushed(self) -> None:
        """Wait until every acknowledgement is on its way."""
        if self._flushing is not None:
            await self._flushing

    def _is_current(self, incoming: DeliveredMessage) -> bool:
        if incoming.channel.is_closed:  # its tags mean nothing any more
            return False
        if incoming.channel is not self._channel:
            self._channel = incoming.channel
            self._start_over()
        return True

    async def _flush(self) -> None:
        try:
            while self._handled and self._channel is not None:
                await self._try(self._channel, *self._take())
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

    def _take(self) -> tuple[int | None, list[int]]:
        """Split what is handled: the last one with nothing under way before it, and those beyond that."""
        before, top = self._settled_to, self._settled_to
        while top + 1 in self._handled or top + 1 in self._settled_beyond:
            top += 1
        self._settled_to = top
        alone = sorted(tag for tag in self._handled if tag > top)
        together = max((tag for tag in self._handled if before < tag <= top), default=None)
        self._settled_beyond = {tag for tag in self._settled_beyond if tag > top} | set(alone)
        self._handled.clear()
        return together, alone
