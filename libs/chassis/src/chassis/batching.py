"""Takes what is waiting and handles it in one go; the next batch forms during the commit."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chassis.health import Health
from chassis.metrics import BATCH_SIZE
from chassis.outages import is_conflict, is_outage
from chassis.supervision import LONGEST_PAUSE, being_cancelled
from contracts.envelope import Delivery

BatchHandler = Callable[[Sequence[Delivery[Any]]], Awaitable[None]]
QUICK_TRIES = 3


@dataclass(eq=False)
class Waiting:
    """One delivery, who handles it, and the future that tells whoever waits how it went."""

    handler: BatchHandler
    delivery: Delivery[Any]
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def finish(self, error: BaseException | None = None) -> None:
        """Tell how it went, unless nobody waits any more."""
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class Batcher:
    """One worker for one queue: never lingers, never has two batches under way."""

    def __init__(self, part: str, size: int, health: Health) -> None:
        self._part, self._size, self._health = part, size, health
        self._waiting: asyncio.Queue[Waiting] = asyncio.Queue()

    async def submit(self, handler: BatchHandler, delivery: Delivery[Any]) -> None:
        """Handle one delivery together with whatever else waits; raises what its handler raised."""
        waiting = Waiting(handler, delivery)
        self._waiting.put_nowait(waiting)
        await waiting.done

    async def run(self) -> None:
        """Work for ever."""
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < self._size and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            for handler in dict.fromkeys(entry.handler for entry in batch):
                await self._handle(handler, [entry for entry in batch if entry.handler is handler])

    async def _handle(self, handler: BatchHandler, entries: list[Waiting]) -> None:
        BATCH_SIZE.labels(self._part).observe(len(entries))
        error = await self._attempt(handler, entries)
        if error is None or len(entries) == 1:
            for entry in entries:
                entry.finish(error)
            return
        # One of them is to blame: each alone, so that only that one fails.
        for entry in entries:
            entry.finish(await self._attempt(handler, [entry]))

    async def _attempt(self, handler: BatchHandler, entries: list[Waiting]) -> Exception | None:
        pause, tries = 0.1, 1
        while True:
            try:
                await handler([entry.delivery for entry in entries])
            except asyncio.CancelledError:
                if being_cancelled():
                    raise
                return RuntimeError("something it waited for was cancelled")  # the queue must go on
            except Exception as error:  # noqa: BLE001 - returned to whoever submitted it
                if is_outage(error):
                    self._health.down(self._part, f"{type(error).__name__}: {error}")
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
                elif is_conflict(error) and tries < QUICK_TRIES:
                    tries += 1
                else:
                    return error
            else:
                self._health.up(self._part)
                return None
