import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Column, Table, Text
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.database import Database
from chassis.schema import inbox_table, metadata, outbox_table
from chassis.statement import text
from chassis.testing import FreshDatabase, in_thread

SCHEMA = "credits"
described = metadata(SCHEMA)
outbox_table(described)
inbox_table(described)
Table("notes", described, Column("subject", Text, primary_key=True))


@pytest.fixture(scope="module")
def tables(fresh_database: FreshDatabase) -> str:
    url = fresh_database.url(SCHEMA)

    async def create() -> None:
        engine = create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:"))
        async with engine.begin() as connection:
            await connection.run_sync(described.create_all)
        await engine.dispose()

    in_thread(lambda: asyncio.run(create()))
    return url


@pytest.fixture
async def database(tables: str) -> AsyncIterator[Database]:
    database = Database(tables, SCHEMA, pool_size=4)
    yield database
    async with database.begin() as connection:
        for table in described.tables.values():
            await connection.execute(text(f"delete from {table}"))
    await database.close()
