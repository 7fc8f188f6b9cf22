"""A client's webhook endpoint: remembers what it gets, and answers as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Receiver:
    """One server with as many paths as anybody likes; `/name/...` answers as `name` is told to."""

    got: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    answers: dict[str, Answer | int] = field(default_factory=dict)
    port: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, name: str = "hook", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{name}"

    def bodies(self, name: str = "hook") -> list[Any]:
        return [json.loads(body) for path, _, body in self.got if path.startswith(f"/{name}")]

    def headers(self, name: str = "hook") -> list[dict[str, str]]:
        return [headers for path, headers, _ in self.got if path.startswith(f"/{name}")]

    def verify(self, secret: str, n: int = -1) -> Any:
        """Check the signature of what came, as a client would with the official library."""
        _, headers, body = self.got[n]
        return Webhook(secret).verify(body, headers)

    async def gets(self, count: int, name: str = "hook", within: float = 20) -> list[Any]:
        """Wait until so many have come."""
        async with asyncio.timeout(within):
            while len(self.bodies(name)) < count:
                self._news.clear()
                await self._news.wait()
        return self.bodies(name)

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Remember a request, and answer it."""
        self.got.append((request.path, dict(request.headers), await request.text()))
        self._news.set()
        answer = self.answers.get(request.path.split("/")[1], 204)
        if isinstance(answer, int):
            return web.Response(status=answer, text=None if answer == 204 else "so be it")
        return await answer(request)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Let a receiver listen meanwhile."""
    receiver, app = Receiver(), web.Application()
    app.router.add_route("*", "/{tail:.*}", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.port = runner.addresses[0][1]
        yield receiver
    finally:
        await runner.cleanup()
