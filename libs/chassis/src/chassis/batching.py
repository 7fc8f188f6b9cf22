"""Handles a batch in one go; when that fails, each message alone, so that only the one to blame fails."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from chassis.health import Health
from chassis.metrics import BATCH_SECONDS, BATCH_SIZE
from chassis.outages import is_conflict, is_outage
from chassis.supervision import LONGEST_PAUSE, being_cancelled
from contracts.envelope import Delivery

BatchHandler = Callable[[Sequence[Delivery[Any]]], Awaitable[None]]
QUICK_TRIES = 3


class Batches:
    """The batches of one queue: an outage is waited out, a conflict is tried again at once."""

    def __init__(self, part: str, health: Health) -> None:
        self._part, self._health = part, health

    async def handle(
        self, handler: BatchHandler, deliveries: Sequence[Delivery[Any]]
    ) -> list[Exception | None]:
        """Handle deliveries together; returns what failed of each."""
        BATCH_SIZE.labels(self._part).observe(len(deliveries))
        with BATCH_SECONDS.labels(self._part).time():
            error = await self._attempt(handler, deliveries)
        if error is None or len(deliveries) == 1:
            return [error] * len(deliveries)
        return [await self._attempt(handler, [delivery]) for delivery in deliveries]

    async def _attempt(self, handler: BatchHandler, deliveries: Sequence[Delivery[Any]]) -> Exception | None:
        pause, tries = 0.1, 1
        while True:
            try:
                await handler(deliveries)
            except asyncio.CancelledError:
                if being_cancelled():
                    raise
                return RuntimeError("something it waited for was cancelled")  # the queue must go on
            except Exception as error:  # noqa: BLE001 - returned to whoever asked
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
