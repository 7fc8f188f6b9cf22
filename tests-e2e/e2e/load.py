"""An open loop: so many requests a second, whatever becomes of those before; each answer is kept."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from e2e.client import Client, Json

POST_EVERY = 10
READS = ("/api/jobs?limit=20", "/api/credits/balance", "/api/credits/history?limit=20")
IDLE_FOR = 1.0
"""Seconds that a kept connection may be idle: less than a gateway that leaves goes on answering."""


@dataclass
class Load:
    """Generations, and what a client reads while it waits for them."""

    client: Client
    wish: Json
    rate: float
    accepted: list[Json] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    slowest: float = 0.0

    async def run(self) -> None:
        """Ask until cancelled; then waits for what is under way."""
        limits = httpx.Limits(max_connections=None, keepalive_expiry=IDLE_FOR)
        asking: set[asyncio.Task[None]] = set()
        async with httpx.AsyncClient(
            base_url=self.client.http.base_url, headers=self.client.headers, timeout=30, limits=limits
        ) as http:
            began, n = time.monotonic(), 0
            try:
                while True:
                    await asyncio.sleep(max(0, began + n / self.rate - time.monotonic()))
                    task = asyncio.create_task(self._ask(http, n))
                    asking.add(task)
                    task.add_done_callback(asking.discard)
                    n += 1
            finally:
                await asyncio.gather(*asking)

    async def _ask(self, http: httpx.AsyncClient, n: int) -> None:
        method, path, more = self._request(n)
        began = time.monotonic()
        try:
            answer = await http.request(method, path, **more)
        except httpx.HTTPError as error:
            self.failed[f"{method} {path.partition('?')[0]}: {error!r}"] += 1
            return
        finally:
            self.slowest = max(self.slowest, time.monotonic() - began)
        self.answered += 1
        if not answer.is_success:
            self.failed[f"{method} {path.partition('?')[0]}: {answer.status_code} {answer.text[:200]}"] += 1
        elif method == "POST":
            self.accepted += answer.json()["jobs"]

    def _request(self, n: int) -> tuple[str, str, Json]:
        if n % POST_EVERY == 0:
            return (
                "POST",
                "/api/generate",
                {"json": self.wish, "headers": {"Idempotency-Key": uuid.uuid4().hex}},
            )
        if n % 2 and self.accepted:
            return "GET", f"/api/jobs/{self.accepted[-1]['id']}", {}
        return "GET", READS[n % len(READS)], {}


@asynccontextmanager
async def asking(client: Client, wish: Json, rate: float) -> AsyncIterator[Load]:
    """Ask for as long as this is open."""
    load = Load(client, wish, rate)
    task = asyncio.create_task(load.run())
    try:
        yield load
    finally:
        task.cancel()
        await asyncio.wait([task])
