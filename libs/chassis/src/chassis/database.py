"""One service's own schema: transactions that say what they did."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from chassis.connection import Connection, Pool
from chassis.inbox import Inbox
from chassis.outbox import Outbox, Written, insert_sql
from chassis.statement import Statement, text

NOBODYS, HANDED_OVER = timedelta(), timedelta(seconds=2)
"""How long only this process's relay sends what was written. A crash delays it by as much, not more."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open transaction: its connection, what it will say, and what it has already heard."""

    connection: Connection
    outbox: Outbox
    inbox: Inbox


class Database:
    """A service's schema in Postgres; `plan_once` plans a statement for all values, not for those at hand.

    `committed` is set whenever a transaction with messages has committed; the relay waits for it. While it
    runs it is given them, too (`hand_over`), so that it need not read what this process has just written.
    """

    def __init__(self, dsn: str, schema: str, pool_size: int = 8, *, plan_once: bool = True) -> None:
        self.schema = schema
        self.committed = asyncio.Event()
        self.hand_over: Callable[[Sequence[Written]], None] | None = None
        self._pool = Pool(dsn, pool_size, plan_once=plan_once)
        self._readers = Pool(dsn, max(2, pool_size // 2), codecs=False, plan_once=plan_once)
        self._insert = text(insert_sql(schema))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Open a READ COMMITTED transaction; it commits at the end, with its messages, or not at all."""
        outbox = Outbox(source=self.schema)
        async with self.begin() as connection:
            yield Session(connection, outbox, Inbox(connection, self.schema))
            written = await outbox.write(connection, self._insert, self._lease())
        self._said(written)

    async def say_by(self, statement: Statement, values: Mapping[str, object], outbox: Outbox) -> bool:
        """Write messages by one statement that makes them true as well (`insert_sql` is part of it).

        Returns whether it wrote them. It goes without BEGIN and COMMIT.
        """
        async with self.reading() as connection:
            rows = await connection.execute(statement, {**values, **outbox.values(self._lease())})
        written = outbox.written(rows)
        self._said(written)
        return bool(written)

    def _lease(self) -> timedelta:
        return HANDED_OVER if self.hand_over else NOBODYS

    def _said(self, written: Sequence[Written]) -> None:
        if written:
            if self.hand_over:
                self.hand_over(written)
            self.committed.set()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Connection]:
        """Open a transaction that says nothing; it commits at the end, or not at all."""
        async with self._connection() as connection:
            try:
                yield connection
            except BaseException:
                await connection.roll_back()
                raise
            await connection.commit()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """Open a connection for single statements, without a transaction around them."""
        async with self._connection(single=True) as connection:
            yield connection

    async def take(self) -> Connection:
        """Get a connection for single statements, for long; whoever has it gives it back or ends it."""
        return Connection(await self._pool.take(), single=True)

    async def give_back(self, connection: Connection) -> None:
        """Let others have a connection that was taken."""
        await self._pool.give_back(connection.driver)

    @asynccontextmanager
    async def _connection(self, *, single: bool = False) -> AsyncIterator[Connection]:
        driver = await self._pool.take()
        try:
            yield Connection(driver, single=single)
        finally:
            await self._pool.give_back(driver)

    async def read(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """Run one prepared read of a hot path; `$1` and so on stand for the values, jsonb comes as text.

        Half as many connections are kept for it, so that reads do not wait for those who write.
        """
        driver = await self._readers.take()
        try:
            return await driver.fetch(statement, *values)
        finally:
            await self._readers.give_back(driver)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()
        await self._readers.close()
