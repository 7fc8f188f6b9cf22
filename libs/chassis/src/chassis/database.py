"""One service's own schema: transactions that say what they did."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from chassis.connection import Connection, Engine
from chassis.inbox import Inbox
from chassis.outbox import Outbox, insert_statement

_PATIENCE = 10.0
"""Seconds that somebody waits for a connection."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open transaction: its connection, what it will say, and what it has already heard."""

    connection: Connection
    outbox: Outbox
    inbox: Inbox


class _Reading(asyncpg.Connection):
    """A connection for single reads: they leave nothing behind, so giving it back asks Postgres nothing."""

    def get_reset_query(self) -> str:
        return ""


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
        made = create_async_engine(
            make_url(dsn).set(drivername="postgresql+asyncpg"),
            pool_size=pool_size,
            max_overflow=0,
            hide_parameters=True,  # errors are logged, parked and traced; people's data must not go along
            pool_timeout=_PATIENCE,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
            connect_args={
                "timeout": 5,
                "command_timeout": 30,
                "server_settings": {"jit": "off", **(options or {})},
                "max_cached_statement_lifetime": 0,
                "max_cacheable_statement_size": 0,
            },
        )
        event.listen(made.sync_engine, "checkout", _check)
        self.engine = Engine(made.sync_engine)
        self._insert = insert_statement(schema)
        self._dsn, self._readers = dsn, max(2, pool_size // 2)
        self._pool: asyncpg.Pool | None = None

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

    async def read(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """Run one prepared read of a hot path; `$1` and so on stand for the values.

        Straight on asyncpg it costs a third of the time; half as many connections are kept for it.
        """
        if self._pool is None:
            self._pool = asyncpg.create_pool(
                self._dsn,
                min_size=0,
                max_size=self._readers,
                connection_class=_Reading,
                timeout=5,
                command_timeout=30,
                server_settings={"jit": "off"},
            )
        async with asyncio.timeout(_PATIENCE):
            await self._pool  # opens it the first time
            connection = await self._pool.acquire()
        try:
            return await connection.fetch(statement, *values)
        finally:
            await self._pool.release(connection)

    async def close(self) -> None:
        """Close every connection of the pools."""
        await self.engine.dispose()
        if self._pool is not None:
            await self._pool.close()


def _check(connection: Any, _record: object, _pooled: object) -> None:  # noqa: ANN401 - has no type
    """Let the pool open another connection instead of one that was closed meanwhile."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError
