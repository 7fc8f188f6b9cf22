import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fal_client
import httpx
import pytest
from aiohttp import web

from sandbox import certificates
from sandbox.app import Sandbox
from sandbox.settings import Settings

KEY = "test-id:test-secret"


@dataclass
class Hook:
    """A server that keeps the webhooks it is sent, and answers as told."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.received.append((dict(request.headers), await request.read()))
        self.news.set()
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else None)

    async def arrived(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.received) < count:
                self.news.clear()
                await self.news.wait()

    async def wait(self, count: int) -> list[dict[str, Any]]:
        await self.arrived(count)
        return [json.loads(body) for _, body in self.received]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sandbox") / "ca"


@pytest.fixture(scope="session")
async def sandbox(folder: Path) -> AsyncIterator[Sandbox]:
    settings = Settings(ca_dir=folder, fal_port=0, s3_port=0, stripe_port=0, control_port=0, fal_key=KEY)
    running = Sandbox(settings)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def trust(folder: Path, sandbox: Sandbox) -> ssl.SSLContext:
    return certificates.client_context(certificates.authority(folder))


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{sandbox.control_port}", trust_env=False
    ) as client:
        await client.post("/reset")
        await client.put("/timing", json={"image_seconds": 0.05, "training_seconds": 0.1, "tiny_images": 64})
        yield client


@pytest.fixture
def where(sandbox: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Point fal-client at the sandbox; it reads FAL_QUEUE_RUN_HOST on import, which may be long past."""
    host = f"localhost:{sandbox.fal_port}"
    monkeypatch.setattr("fal_client.client.QUEUE_URL_FORMAT", f"https://{host}/")
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
    return f"https://{host}"


@pytest.fixture
async def fal(where: str, control: httpx.AsyncClient) -> AsyncIterator[fal_client.AsyncClient]:
    client = fal_client.AsyncClient(key=KEY)
    yield client
    await (await client._client).aclose()


@pytest.fixture
async def raw(where: str, trust: ssl.SSLContext) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Key {KEY}"}
    async with httpx.AsyncClient(base_url=where, verify=trust, headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    hook = Hook()
    app = web.Application()
    app.router.add_post("/hook", hook.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield hook
    await runner.cleanup()
