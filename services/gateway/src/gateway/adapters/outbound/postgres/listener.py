"""One connection that hears at once when something was logged."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

from chassis.health import Health
from chassis.supervision import keep_running
from gateway.adapters.outbound.postgres.event_log import CHANNEL

PART = "listener"
EVERYTHING = "*"
"""What may have been missed while nobody listened."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Calls `hear` with what each notification says, and with EVERYTHING whenever it has connected anew."""

    dsn: str
    health: Health
    hear: Callable[[str], None]

    async def keep(self) -> None:
        """Listen for ever, supervised."""
        await keep_running(PART, self._once, self.health)

    async def _once(self) -> None:
        connection = await asyncpg.connect(self.dsn, timeout=5)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda *_: lost.set())
            await connection.add_listener(CHANNEL, lambda *told: self.hear(told[-1]))
            self.health.up(PART)
            self.hear(EVERYTHING)
            await lost.wait()
        finally:
            connection.terminate()
        raise ConnectionError("the listening connection is lost")
