"""Keeps sending clients what happened, many at a time, until the process is told to stop."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from prometheus_client import Counter, Gauge

from chassis.schedule import Schedule
from gateway.adapters.inbound.http.bodies.events import Event, Ping
from gateway.application.ports import Links
from gateway.application.sending import Due
from gateway.domain.webhooks import Answer

logger = logging.getLogger(__name__)
TRIED = Counter("atelier_webhook_tries", "Tries to deliver a webhook", ["outcome"])
UNDER_WAY = Gauge("atelier_webhook_tries_under_way", "Tries to deliver a webhook that are under way")
AT_ONCE = 100
LOOK_EVERY = 1.0
NOBODY_FOR = 0.9
"""Seconds in which nobody looks again after there was nobody to tell; news come many times a second."""
LAST_WORDS = 5.0
"""Seconds that tries under way get when the process stops; what is cut off is tried again."""

Take = Callable[[int], Awaitable[list[Due] | None]]
Deliver = Callable[[Due], Awaitable[Answer]]


class Deliverer:
    """Takes what is due as long as it has hands free, and tries each once."""

    def __init__(self, take: Take, deliver: Deliver, at_once: int = AT_ONCE) -> None:
        self._take, self._deliver, self._at_once = take, deliver, at_once
        self._tries: set[asyncio.Task[None]] = set()
        self._nobody_until = 0.0
        self.schedule = Schedule("deliver", LOOK_EVERY, self.look)

    async def look(self) -> bool:
        """Start what is due; True when there may be more."""
        if time.monotonic() < self._nobody_until:
            return False
        free = self._at_once - len(self._tries)
        taken = await self._take(free) if free else []
        if taken is None:
            self._nobody_until = time.monotonic() + NOBODY_FOR
        for due in taken or ():
            task = asyncio.create_task(self._try(due))
            self._tries.add(task)
            task.add_done_callback(self._over)
        UNDER_WAY.set(len(self._tries))
        return bool(taken)

    @asynccontextmanager
    async def finishing(self) -> AsyncIterator[None]:
        """In the end, give what is under way a moment to be noted."""
        try:
            yield
        finally:
            if self._tries:
                await asyncio.wait(self._tries, timeout=LAST_WORDS)
            for task in self._tries:
                task.cancel()

    async def _try(self, due: Due) -> None:
        try:
            answer = await self._deliver(due)
        except Exception:
            TRIED.labels("not noted").inc()
            logger.exception("delivery %s could not be noted; it is due again when its lease ends", due.id)
        else:
            TRIED.labels("taken" if answer.taken else "failed").inc()

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tries.discard(task)
        self.schedule.nudge()


def writing(links: Links) -> Callable[[Due], str]:
    """Write what is due as the events endpoint shows it, with links that are fresh now."""

    def write(due: Due) -> str:
        if due.event is None:
            return Ping.to(due.endpoint.id, due.created_at).model_dump_json()
        return Event.of(due.event, links).model_dump_json()

    return write
