"""What carries a queue's messages from the broker to its reception."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from aiormq.abc import AbstractChannel

from chassis.consumer import Reception


class Line(Protocol):
    """One connection on which receptions are served, each on a channel of its own.

    It hands over every message it is delivered, as often as it is delivered, and settles none: that is the
    reception's business alone.
    """

    @property
    def broken(self) -> asyncio.Event:
        """Set when any part of it is lost; it is then replaced whole."""

    @property
    def channels(self) -> Sequence[AbstractChannel]:
        """The channels that are consumed on, in the order of their receptions."""

    async def serve(self, receptions: Sequence[Reception]) -> None:
        """Connect and consume; raises whatever the broker or the network says against it."""

    async def close(self) -> None:
        """Give back what is not acknowledged; also after `serve` failed halfway."""


def break_with(channel: AbstractChannel, broken: asyncio.Event) -> None:
    """Set `broken` when a channel is closed or the broker cancels its consumer."""

    def mark(_: object) -> None:
        broken.set()

    channel.closing.add_done_callback(mark)
    channel.on_consumer_cancel_callbacks.add(mark)
