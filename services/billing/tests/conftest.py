from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from services.billing.tests.world import World
from services.billing.tests.world import at as moment
from stripe import StripeClient

from billing.adapters.outbound.postgres.work import transaction
from billing.adapters.outbound.stripe.catalog import StripeCatalog
from billing.adapters.outbound.stripe.client import connected
from billing.adapters.outbound.tables import metadata
from billing.application.ports import Transaction
from chassis.database import Database
from chassis.testing import FreshDatabase, empty, take_said
from contracts.message import Message
from sandbox.testing import Running, running


@dataclass
class Postgres:
    """The real stores, and what was said through them."""

    database: Database
    transaction: Transaction = field(init=False)

    def __post_init__(self) -> None:
        self.transaction = transaction(self.database)

    async def said(self) -> list[Message]:
        """Take what was said since the last time."""
        return await take_said(self.database)


@pytest.fixture(scope="session")
def schemas() -> tuple[str, ...]:
    return ("billing", "credits")  # what billing says becomes credits, for whoever follows a story to its end


@pytest.fixture(scope="module")
def migrated(fresh_database: FreshDatabase) -> str:
    return fresh_database.url("billing")


@pytest.fixture
async def database(migrated: str) -> AsyncIterator[Database]:
    database = Database(migrated, "billing", pool_size=4)
    yield database
    await empty(database, metadata)
    await database.close()


@pytest.fixture
def store(database: Database) -> Postgres:
    return Postgres(database)


@pytest.fixture(scope="session")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running(tmp_path_factory.mktemp("sandbox")) as started:
        async with connected(started.settings.stripe_key, started.stripe_base) as client:
            await StripeCatalog(client).sync()
        yield started


@pytest.fixture
async def client(sandbox: Running) -> AsyncIterator[StripeClient]:
    async with connected(sandbox.settings.stripe_key, sandbox.stripe_base) as client:
        yield client


@pytest.fixture
async def ledger(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    database = Database(fresh_database.url("credits"), "credits", pool_size=4)
    yield database
    await database.close()


@pytest.fixture
def told(client: StripeClient, database: Database, ledger: Database) -> Callable[..., Awaitable[World]]:
    """Begin a story: `await told(way, "2026-01-31T10:00")`."""

    async def begin(way: str, opened: str) -> World:
        return await World(client, database, ledger, way, moment(opened)).begin()

    return begin
