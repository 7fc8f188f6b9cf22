"""Work that is done from time to time, or at once when somebody knows there is some."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from chassis.health import Health
from chassis.supervision import keep_running


@dataclass(eq=False)
class Schedule:
    """Runs `run` every `every` seconds and whenever nudged; again at once while it returns True."""

    name: str
    every: float
    run: Callable[[], Awaitable[object]]
    _wanted: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def nudge(self) -> None:
        """Ask for a run as soon as possible."""
        self._wanted.set()

    async def keep(self, health: Health) -> None:
        """Run for ever, supervised."""
        await keep_running(self.name, self._once, health, self._rest)

    async def _once(self) -> None:
        self._wanted.clear()
        if await self.run() is True:
            self._wanted.set()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self.every):
                await self._wanted.wait()
        except TimeoutError:
            return
