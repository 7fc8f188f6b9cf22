import ssl
from collections.abc import AsyncIterator

import fal_client
import httpx
import pytest

from sandbox import certificates
from sandbox.testing import Running


@pytest.fixture
def trust(box: Running) -> ssl.SSLContext:
    return certificates.client_context(certificates.authority(box.settings.ca_dir))


@pytest.fixture
async def control(controller: httpx.AsyncClient) -> httpx.AsyncClient:
    await controller.post("/reset")
    await controller.put("/timing", json={"image_seconds": 0.05, "training_seconds": 0.1, "tiny_images": 64})
    return controller


@pytest.fixture
def where(box: Running, monkeypatch: pytest.MonkeyPatch) -> str:
    """Point fal-client at the sandbox; it reads FAL_QUEUE_RUN_HOST on import, which may be long past."""
    monkeypatch.setattr("fal_client.client.QUEUE_URL_FORMAT", f"https://{box.fal_host}/")
    monkeypatch.setenv("SSL_CERT_FILE", str(box.ca_file))
    return f"https://{box.fal_host}"


@pytest.fixture
async def fal(where: str, box: Running, control: httpx.AsyncClient) -> AsyncIterator[fal_client.AsyncClient]:
    client = fal_client.AsyncClient(key=box.settings.fal_key)
    yield client
    await (await client._client).aclose()


@pytest.fixture
async def raw(where: str, box: Running, trust: ssl.SSLContext) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Key {box.settings.fal_key}"}
    async with httpx.AsyncClient(base_url=where, verify=trust, headers=headers, trust_env=False) as client:
        yield client
