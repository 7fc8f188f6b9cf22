from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from services.catalog.tests.fakes import Memory

from catalog.adapters.outbound import postgres
from catalog.adapters.outbound.tables import metadata
from catalog.application.ports import Transaction
from chassis.database import Database
from chassis.testing import FreshDatabase, empty, take_said
from contracts.message import Message


@dataclass
class Postgres:
    """The real stores, and what was said through them."""

    database: Database
    transaction: Transaction = field(init=False)

    def __post_init__(self) -> None:
        self.transaction = postgres.transaction(self.database)

    async def said(self) -> list[Message]:
        """Take what was said since the last time."""
        return await take_said(self.database)


@pytest.fixture(scope="session")
def schemas() -> tuple[str, ...]:
    return ("catalog",)


@pytest.fixture(scope="module")
def migrated(fresh_database: FreshDatabase) -> str:
    return fresh_database.url("catalog")


@pytest.fixture
async def database(migrated: str) -> AsyncIterator[Database]:
    database = Database(migrated, "catalog", pool_size=4)
    yield database
    await empty(database, metadata)
    await database.close()


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> Any:
    return Memory() if request.param == "memory" else Postgres(request.getfixturevalue("database"))
