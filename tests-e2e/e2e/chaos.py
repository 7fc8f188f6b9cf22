"""Faults at random, one after the other, and how long it takes to recover from each."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from e2e.business import RULES
from e2e.client import Client, Json
from e2e.house import House
from e2e.provider import fault
from e2e.wire import Wire

LONGEST_DOWN, LONGEST_BREATH = 2.0, 3.0
TROUBLE_FOR = (2.0, 6.0)
"""Seconds that the provider or the way to it is in trouble."""
RECOVERED_WITHIN = 120.0
PROBE = "probe of the chaos"
Fault = Callable[[], Awaitable[str]]


@dataclass
class Chaos:
    """Breaks something, mends it, and asks for an image to see when all works again."""

    house: House
    wire: Wire
    team: Client
    wish: Json
    random: Random
    probes: list[Json] = field(default_factory=list)
    recovered: list[tuple[str, float, float]] = field(default_factory=list)
    """What was broken; seconds from its being started or mended until all was ready, and an image made."""

    async def run(self, seconds: float) -> None:
        """Break things for so long, each kind at least once if there is the time."""
        faults: list[Fault] = [
            self._kill, self._kill, self._kill_two, self._stop, self._stop, self._restart_broker,
            self._restart_database, self._cut, self._slow, self._lock, self._lose_webhooks,
        ]  # fmt: skip
        end, left = time.monotonic() + seconds, []
        while time.monotonic() < end:
            left = left or self.random.sample(faults, len(faults))
            what = await left.pop()()
            await self._recover(what)
            await asyncio.sleep(self.random.uniform(0, LONGEST_BREATH))

    async def _recover(self, what: str) -> None:
        began = time.monotonic()
        probe = asyncio.create_task(self._probe())
        await asyncio.to_thread(self.house.stack.await_ready, seconds=RECOVERED_WITHIN)
        ready = time.monotonic() - began
        self.probes.append(await probe)
        self.recovered.append((what, ready, time.monotonic() - began))
        print(f"{what}: ready after {ready:.1f} s, an image after {self.recovered[-1][2]:.1f} s", flush=True)

    async def _probe(self) -> Json:
        answer = await self.team.insist("/api/generate", self.wish | {"prompt": PROBE})
        return await self.team.end(answer["jobs"][0], within=RECOVERED_WITHIN)

    def _any(self) -> str:
        return self.random.choice(self.house.stack.processes())

    async def _kill(self) -> str:
        name = self._any()
        await asyncio.to_thread(self.house.stack.kill, name)
        await self._back(name)
        return f"{name} killed"

    async def _kill_two(self) -> str:
        names = self.random.sample(self.house.stack.processes(), 2)
        await asyncio.gather(*(asyncio.to_thread(self.house.stack.kill, name) for name in names))
        await asyncio.gather(*(self._back(name) for name in names))
        return f"{' and '.join(names)} killed"

    async def _stop(self) -> str:
        name = self._any()
        statuses = await asyncio.to_thread(self.house.stack.stop_service, name)
        assert statuses == [0], self.house.stack.log(name).read_text()[-2000:]
        await self._back(name)
        return f"{name} stopped"

    async def _back(self, name: str) -> None:
        """Start a process again after a while; whether it is ready is seen later."""
        await asyncio.sleep(self.random.uniform(0, LONGEST_DOWN))
        await asyncio.to_thread(self.house.stack.start_service, name, wait=False)

    async def _restart_broker(self) -> str:
        kill = self.random.random() < 0.5
        await asyncio.to_thread(self.house.stack.nodes.rabbitmq.restart, kill=kill)
        return f"RabbitMQ {'killed' if kill else 'restarted'}"

    async def _restart_database(self) -> str:
        kill = self.random.random() < 0.5
        await asyncio.to_thread(self.house.stack.nodes.postgres.restart, kill=kill)
        return f"Postgres {'killed' if kill else 'restarted'}"

    async def _cut(self) -> str:
        self.wire.cut()
        return await self._trouble("the way to the provider cut")

    async def _slow(self) -> str:
        self.wire.slow()
        return await self._trouble("the way to the provider slow")

    async def _lock(self) -> str:
        await self.house.provider.follow(*RULES, fault("locked", ""))
        return await self._trouble("the provider locked")

    async def _lose_webhooks(self) -> str:
        await self.house.provider.follow(*RULES, fault("webhook_lost", ""))
        return await self._trouble("webhooks lost")

    async def _trouble(self, what: str) -> str:
        await asyncio.sleep(self.random.uniform(*TROUBLE_FOR))
        self.wire.mend()
        await self.house.provider.follow(*RULES)
        return what
