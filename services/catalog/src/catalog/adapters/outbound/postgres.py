from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from catalog.adapters.outbound.postgres_models import PostgresModels
from catalog.adapters.outbound.postgres_pictures import PostgresPictures
from catalog.adapters.outbound.postgres_references import PostgresReferences
from catalog.application.ports import Transaction, Work
from chassis.database import Database


def transaction(database: Database) -> Transaction:
    """Make the transactions of catalog's use cases from its database."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with database.transaction() as session:
            connection = session.connection
            yield Work(
                PostgresModels(connection),
                PostgresReferences(connection),
                PostgresPictures(connection),
                session.outbox,
            )

    return opened
