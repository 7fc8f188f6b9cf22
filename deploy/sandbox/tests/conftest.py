"""One sandbox for all tests of its parts, steered through its control API, and a server for its webhooks."""

from collections.abc import AsyncIterator

import httpx
import pytest
from deploy.sandbox.tests.hook import Hook, hooked

from sandbox.testing import Running, running


@pytest.fixture(scope="session")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running(tmp_path_factory.mktemp("sandbox")) as box:
        yield box


@pytest.fixture(scope="session")
async def controller(box: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=box.control.url, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with hooked() as hook:
        yield hook
