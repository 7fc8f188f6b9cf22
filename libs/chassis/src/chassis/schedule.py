"""Work that is done from time to time, or at once when somebody knows there is some."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chassis.clock import Clock
from chassis.health import Health
from chassis.supervision import keep_running

DAY = timedelta(days=1)


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


@dataclass(slots=True)
class Daily:
    """Does something at its first turn, and then once a day: what a schedule of many turns may run."""

    run: Callable[[], Awaitable[None]]
    clock: Clock
    done_at: datetime | None = None

    async def __call__(self) -> None:
        """Do it when a day is over."""
        now = self.clock()
        if self.done_at is None or now - self.done_at >= DAY:
            await self.run()
            self.done_at = now

    def forget(self) -> None:
        """Begin anew at the next turn."""
        self.done_at = None
