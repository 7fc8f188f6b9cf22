"""One service's own schema: transactions that say what they did."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from chassis.inbox import Inbox
from chassis.outbox import Outbox, insert_statement


@dataclass(frozen=True, slots=True)
class Session:
    """An open transaction: its connection, what it will say, and what it has already heard."""

    connection: AsyncConnection
    outbox: Outbox
    inbox: Inbox


class Database:
    """A service's schema in Postgres.

    `committed` is set whenever a transaction with messages has committed; the relay waits for it.
    `options` are settings of Postgres for each connection.
    """

    def __init__(
        self, dsn: str, schema: str, pool_size: int = 8, options: Mapping[str, str] | None = None
    ) -> None:
        self.schema = schema
        self.committed = asyncio.Event()
        self.engine: AsyncEngine = create_async_engine(
            make_url(dsn).set(drivername="postgresql+asyncpg"),
            pool_size=pool_size,
            max_overflow=0,
            hide_parameters=True,  # errors are logged, parked and traced; people's data must not go along
            pool_timeout=10,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
            connect_args={
                "timeout": 5,
                "command_timeout": 30,
                "server_settings": {"jit": "off", **(options or {})},
            },
        )
        self._insert = insert_statement(schema)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Open a READ COMMITTED transaction; it commits at the end, with its messages, or not at all."""
        outbox = Outbox(source=self.schema)
        async with self.engine.begin() as connection:
            yield Session(connection, outbox, Inbox(connection, self.schema))
            await outbox.write(connection, self._insert)
        if len(outbox):
            self.committed.set()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for single reads, without a transaction around them."""
        async with self.engine.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    async def close(self) -> None:
        """Close every connection of the pool."""
        await self.engine.dispose()
