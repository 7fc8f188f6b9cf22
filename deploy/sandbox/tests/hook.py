"""A server that is called: what it heard, and what it answers."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Hook:
    """A server that keeps the webhooks it is sent, and answers as told."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    received: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.received.append((request.headers, await request.read()))
        self.news.set()
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else None)

    async def arrived(self, count: int) -> None:
        """Wait for so many webhooks."""
        async with asyncio.timeout(20):
            while len(self.received) < count:
                self.news.clear()
                await self.news.wait()

    async def bodies(self, count: int = 0) -> list[dict[str, Any]]:
        """Wait for so many webhooks and return what all so far said."""
        await self.arrived(count)
        return [json.loads(body) for _, body in self.received]

    async def types(self, count: int = 0) -> list[str]:
        """Wait for so many webhooks and return the types of all so far."""
        return [body["type"] for body in await self.bodies(count)]


@asynccontextmanager
async def hooked() -> AsyncIterator[Hook]:
    """Let a hook listen."""
    hook = Hook()
    app = web.Application()
    app.router.add_post("/hook", hook.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield hook
    await runner.cleanup()
