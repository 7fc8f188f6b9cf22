"""Load that stays the same for hours: jobs at a rate, whatever the answers, and what their clients read."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from itertools import cycle

from bench.driving.customers import Customer
from bench.driving.lines import Answer, Json, Lines
from bench.driving.stream import following

PAGES = (
    "/api/jobs?limit=20",
    "/api/credits/balance",
    "/api/credits/history?limit=20",
    "/api/images?limit=20",
    "/api/events?limit=20",
)
CANCEL_EVERY, MODEL_EVERY = 10, 240
"""Of so many jobs one is cancelled, and one makes a model."""
FOLLOWERS, FOLLOW_FOR = 4, 60.0
GOOD = frozenset({200, 202, 409})
"""A cancel that comes too late is refused, as promised."""


class Steady:
    """Teams in turn ask for an image, look at what became of it, and sometimes change their mind."""

    def __init__(self, url: str, customers: Sequence[Customer], rate: float) -> None:
        self.answers: Counter[str] = Counter()
        self.events = 0
        self._url, self._customers, self._rate = url, customers, rate
        self._lines = Lines(url)

    async def run(self, seconds: float) -> None:
        """Ask `rate` times a second; returns when all is answered."""
        following_ = [asyncio.create_task(self._follow(team)) for team in self._customers[:FOLLOWERS]]
        asking: set[asyncio.Task[None]] = set()
        began, teams, n = time.monotonic(), cycle(self._customers), 0
        while (due := began + n / self._rate) < began + seconds:
            await asyncio.sleep(max(0, due - time.monotonic()))
            task = asyncio.create_task(self._work(next(teams), n))
            asking.add(task)
            task.add_done_callback(asking.discard)
            n += 1
        await asyncio.gather(*asking)
        for one in following_:
            one.cancel()
        await asyncio.wait(following_)
        self._lines.close()

    @property
    def failed(self) -> dict[str, int]:
        """What was answered otherwise than a client may expect, and how often."""
        return {what: times for what, times in self.answers.items() if not what.endswith(" good")}

    async def _work(self, team: Customer, n: int) -> None:
        job = await self._model(team, n) if n % MODEL_EVERY == 1 else await self._image(team, n)
        for path in PAGES:
            await self._ask("read", team.get(path))
        if job:
            if n % CANCEL_EVERY == 0:
                await self._ask("cancel", team.delete(f"/api/jobs/{job}"))
            await self._ask("read", team.get(f"/api/jobs/{job}"))

    async def _image(self, team: Customer, n: int) -> str | None:
        answer = await self._ask("generate", team.wish(f"a lighthouse, {n % 50}", 1 + n % 2))
        return answer.json()["jobs"][0]["id"] if answer else None

    async def _model(self, team: Customer, n: int) -> str | None:
        body = {"name": f"steady {n}", "description": "a keeper", "reference_model_id": team.reference}
        answer = await self._ask("create a model", team.post("/api/models", body))
        return answer.json()["job"]["id"] if answer else None

    async def _ask(self, what: str, request: bytes) -> Answer | None:
        """Count what was answered; returns it when it is good."""
        try:
            answer = await self._lines.ask(request)
        except (OSError, TimeoutError) as error:
            self.answers[f"{what} {type(error).__name__}"] += 1
            return None
        good = answer.status in GOOD
        self.answers[f"{what} {'good' if good else answer.status}"] += 1
        return answer if good else None

    async def _follow(self, team: Customer) -> None:
        """Follow the events, each minute on a connection of its own."""
        while True:
            with suppress(ConnectionError):
                async with following(self._url, team.headers, self._heard):
                    await asyncio.sleep(FOLLOW_FOR)
            await asyncio.sleep(1)

    def _heard(self, _event: Json, _at: datetime) -> None:
        self.events += 1
