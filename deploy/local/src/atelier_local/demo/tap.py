"""Hears every message on the bus, beside the services and without disturbing them."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from atelier_local.demo.errors import Disappointed
from contracts.message import Message
from contracts.registry import message_class
from contracts.topology import COMMANDS, FACTS, QUEUES

OPEN_IN = 15.0


@dataclass(frozen=True)
class Heard:
    """One message as it passed by, and who said it."""

    source: str
    message: Message


class Tap:
    """A queue of its own, bound to everything, read in a thread of its own."""

    def __init__(self, url: str, hear: Callable[[Heard], None]) -> None:
        self._url, self._hear = url, hear
        self._opened = threading.Event()
        self._last = time.monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="tap", daemon=True)

    def open(self) -> None:
        """Listen from now on."""
        self._thread.start()
        if not self._opened.wait(OPEN_IN):
            raise Disappointed("the bus could not be tapped")

    def close(self) -> None:
        """Stop listening."""
        if self._loop is not None and self._over is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join(OPEN_IN)

    def settle(self, silence: float = 0.25, at_most: float = 3.0) -> None:
        """Wait until nothing has been said for a moment, so that no line comes after its chapter."""
        deadline = time.monotonic() + at_most
        while (now := time.monotonic()) < deadline and now - self._last < silence:
            time.sleep(0.02)

    async def _run(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with await aio_pika.connect(self._url, timeout=OPEN_IN) as connection:
            queue = await _bind(await connection.channel())
            await queue.consume(self._pass_on, no_ack=True)
            self._opened.set()
            await self._over.wait()

    async def _pass_on(self, incoming: AbstractIncomingMessage) -> None:
        kind = message_class(incoming.type or "")
        if kind is None:
            return
        self._last = time.monotonic()
        source = str(incoming.headers.get("ce-source", ""))
        self._hear(Heard(source, kind.model_validate_json(incoming.body)))


async def _bind(channel: AbstractChannel) -> AbstractQueue:
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(FACTS, "#")
    for command in {command for known in QUEUES for command in known.commands}:
        await queue.bind(COMMANDS, command)
    return queue
