"""One running house for all tests of the whole system."""

import os
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from e2e.browser import Visitor, browsing
from e2e.house import HURRIED, PLENTY, House, opened
from e2e.letters import link
from e2e.receiver import Receiver, receiving
from e2e.witness import secrets_found, watch
from playwright.async_api import Browser

from atelier_local.nodes import Nodes
from atelier_local.stack import Stack

REPLICAS = int(os.environ.get("REPLICAS", "1"))
"""How many there are of each process."""


@pytest.fixture(scope="session")
def stack(nodes: Nodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("stack"), env_overrides=HURRIED, nodes=nodes, replicas=REPLICAS)
    running.start()
    try:
        watch(running)
        yield running
        assert secrets_found(running) == []  # of the whole run
    finally:
        running.stop()
        running.forget()


@pytest.fixture(scope="session")
async def house(stack: Stack) -> AsyncIterator[House]:
    async with opened(stack) as house:
        yield house


@pytest.fixture(scope="session")
async def studio(house: House):
    """A team that may do a lot and has the credits for it."""
    return await house.team(credits_added=20_000, **PLENTY)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser of all visitors."""
    async with browsing() as browser:
        yield browser


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A client's own server, which is sent webhooks."""
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def person(house: House, browser: Browser) -> AsyncIterator[Visitor]:
    """Somebody new with a team of their own, whose address is verified."""
    visitor = await Visitor.at(house.stack.url, browser)
    await visitor.sign_up("Ada Lovelace", f"{uuid.uuid4().hex[:12]}@example.com")
    letter = await link(house.stack.sandbox_url, visitor.email, "Verify your e-mail address")
    await visitor.ask("/auth/verify", {"token": letter.rpartition("/")[2]})
    await visitor.page.reload()
    yield visitor
    await visitor.leave()
