"""One connection that hears at once when something was logged."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

from chassis.health import Health
from chassis.supervision import keep_running
from gateway.adapters.outbound.postgres.event_log import CHANNEL

PART = "listener"


@dataclass(frozen=True, slots=True)
class Listener:
    """Calls `wake` for each notification, and once more whenever it has connected anew."""

    dsn: str
    health: Health
    wake: Callable[[], None]

    async def keep(self) -> None:
        """Listen for ever, supervised."""
        await keep_running(PART, self._once, self.health)

    async def _once(self) -> None:
        connection = await asyncpg.connect(self.dsn, timeout=5)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda *_: lost.set())
            await connection.add_listener(CHANNEL, lambda *_: self.wake())
            self.health.up(PART)
            self.wake()
            await lost.wait()
        finally:
            connection.terminate()
        raise ConnectionError("the listening connection is lost")
