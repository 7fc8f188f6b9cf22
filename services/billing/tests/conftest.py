from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from billing.adapters.outbound.postgres.work import transaction
from billing.adapters.outbound.tables import metadata
from billing.application.ports import Transaction
from chassis.database import Database
from chassis.migrate import upgrade
from chassis.testing import FreshDatabase, empty, in_thread, take_said
from contracts.message import Message


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


@pytest.fixture(scope="module")
def migrated(fresh_database: FreshDatabase) -> str:
    url = fresh_database.url("billing")
    in_thread(lambda: upgrade(url, "billing"))
    return url


@pytest.fixture
async def database(migrated: str) -> AsyncIterator[Database]:
    database = Database(migrated, "billing", pool_size=4)
    yield database
    await empty(database, metadata)
    await database.close()


@pytest.fixture
def store(database: Database) -> Postgres:
    return Postgres(database)
