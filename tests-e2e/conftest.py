"""One running house for all tests of the whole system."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from e2e.browser import Visitor, browsing
from e2e.house import PLENTY, House
from e2e.letters import link
from e2e.provider import USUAL, Provider
from e2e.witness import secrets_found, watch
from playwright.async_api import Browser

from atelier_local.nodes import Nodes
from atelier_local.stack import Stack

# What is waited for in hours is waited for in seconds here; the rules stay the same.
HURRIED = {
    "jobs": {
        "IMAGE_START_TIMEOUT": "3",
        "IMAGE_USUAL_TIME": "3",
        "IMAGE_POLL_FIRST": "1.5",
        "IMAGE_POLL_MAX": "2",
        "IMAGE_STORE_LEASE": "8",
        "TRAINING_START_TIMEOUT": "4",
        "TRAINING_USUAL_TIME": "6",
        "TRAINING_POLL_FIRST": "2",
        "TRAINING_POLL_MAX": "3",
        "TRAINING_STORE_LEASE": "8",
        "STORE_RETRY": "1",
        "OBJECT_LEASE": "4",
        "SETTLE_REPEAT": "5",
    },
    "gateway": {"SIGN_UPS_PER_HOUR": "1000"},
    "deliverer": {"WEBHOOK_PATIENCE": "2"},
}


@pytest.fixture(scope="session")
def stack(nodes: Nodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("stack"), env_overrides=HURRIED, nodes=nodes)
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
    provider = await Provider.at(stack.sandbox_url, stack.plan.folder / "sandbox" / "ca")
    made = House(stack, provider)
    async with provider.behaving(**USUAL):
        yield made
    for client in made.clients:
        await client.close()
    await provider.close()


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
async def person(house: House, browser: Browser) -> AsyncIterator[Visitor]:
    """Somebody new with a team of their own, whose address is verified."""
    visitor = await Visitor.at(house.stack.url, browser)
    await visitor.sign_up("Ada Lovelace", f"{uuid.uuid4().hex[:12]}@example.com")
    letter = await link(house.stack.sandbox_url, visitor.email, "Verify your e-mail address")
    await visitor.ask("/auth/verify", {"token": letter.rpartition("/")[2]})
    await visitor.page.reload()
    yield visitor
    await visitor.leave()
