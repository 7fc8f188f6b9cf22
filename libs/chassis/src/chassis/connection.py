"""Connections to one service's schema: asyncpg's own, with statements that name their values.

A statement is a text written once, whose values are named as SQLAlchemy names them (`:name`). It goes
straight to asyncpg, which keeps its plan with the connection.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, NoReturn

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from chassis.statement import Statement

BY_INDEX = {"enable_seqscan": "off", "jit": "off"}
"""How each statement is planned: by an index where there is one.

A plan that is kept may have been made while its table was empty, and would then read it whole until it is
analyzed. `chassis.plans` judges these very plans.
"""
ONCE = {"plan_cache_mode": "force_generic_plan"}
"""For all values at once: planning each call anew costs as much as many calls."""
_PATIENCE = 10.0
"""Seconds that somebody waits for a connection."""
_CLOSED_WITHIN = 5.0
_FETCHED = 500
"""Rows of a stream that are kept at hand."""


class NoRow(LookupError):
    """One row was asked for, and there is none."""


class SeveralRows(LookupError):
    """One row was asked for, and there are more."""


class Row(asyncpg.Record):
    """A row whose columns are attributes, too."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as the column is
        """Read a column."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Rows:
    """What a statement returned."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[Any]:
        """Go through all of them."""
        return iter(self._rows)

    def all(self) -> Sequence[Any]:
        """Return all of them."""
        return self._rows

    def first(self) -> Any:  # noqa: ANN401 - whatever there is
        """Return the first, None when there is none."""
        return self._rows[0] if self._rows else None

    def one_or_none(self) -> Any:  # noqa: ANN401 - as above
        """Return the only one, None when there is none; raises SeveralRows."""
        if len(self._rows) > 1:
            raise SeveralRows
        return self.first()

    def one(self) -> Any:  # noqa: ANN401 - as above
        """Return the only one; raises NoRow, SeveralRows."""
        if not self._rows:
            raise NoRow
        return self.one_or_none()

    def scalar(self) -> Any:  # noqa: ANN401 - as above
        """Return the first column of the first, None when there is none."""
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:  # noqa: ANN401 - as above
        """Return the first column of the only one; raises NoRow, SeveralRows."""
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:  # noqa: ANN401 - as above
        """Return the first column of the only one, None without one; raises SeveralRows."""
        row = self.one_or_none()
        return None if row is None else row[0]

    def scalars(self) -> "Rows":
        """Keep the first column alone."""
        return Rows([row[0] for row in self._rows])

    def mappings(self) -> "Rows":
        """Return each as a dictionary."""
        return Rows([dict(row.items()) for row in self._rows])


Driver = PoolConnectionProxy
Values = Mapping[str, Any]
RowMapping = Mapping[str, Any]
"""A row as a dictionary."""


class Connection:
    """A connection that somebody has for a while.

    Its statements are one READ COMMITTED transaction, begun with the first of them; or, `single`, each stands
    for itself. Raises asyncpg's errors, which tell the statement and none of its values. After anything but a
    refusal (cancelled, too slow, lost) nobody knows how far it came: it is closed, and Postgres rolls back.
    """

    def __init__(self, driver: Driver, *, single: bool = False) -> None:
        self.driver = driver
        self._single = single
        self._begun = False

    async def execute(self, statement: Statement, values: Values | Sequence[Values] | None = None) -> Rows:
        """Run a statement, or the same one for each of several values."""
        await self._begin()
        sql, names = statement.sql, statement.names
        if isinstance(values, Sequence):
            ordered = [[one[name] for name in names] for one in values]
            await self._run(sql, partial(self.driver.executemany, sql, ordered))
            return Rows(())
        given = [values[name] for name in names] if names else ()  # type: ignore[index] # given by name
        return Rows(await self._run(sql, partial(self.driver.fetch, sql, *given, record_class=Row)))

    async def scalar(self, statement: Statement, values: Values | None = None) -> Any:  # noqa: ANN401 - as above
        """Run a statement and return the first column of its first row, None without one."""
        return (await self.execute(statement, values)).scalar()

    async def execute_last(self, statement: Statement, values: Values) -> Rows:
        """Run a transaction's last statement; when it is the first, too, it goes without BEGIN and COMMIT."""
        sql, names = statement.sql, statement.names
        given = [values[name] for name in names]
        return Rows(await self._run(sql, partial(self.driver.fetch, sql, *given, record_class=Row)))

    @asynccontextmanager
    async def begin_nested(self) -> AsyncIterator[None]:
        """Open a savepoint; what fails within is undone, and what came before stays."""
        await self._begin()
        await self._do("savepoint nested")
        try:
            yield
        except BaseException:
            if self._is_open():
                await self._do("rollback to savepoint nested")
            raise
        await self._do("release savepoint nested")

    async def stream(self, statement: Statement, values: Values) -> AsyncIterator[Row]:
        """Go through the rows of a statement, of which only some are in memory at a time."""
        await self._begin()
        sql, names = statement.sql, statement.names
        given = [values[name] for name in names]
        try:
            async for row in self.driver.cursor(sql, *given, prefetch=_FETCHED, record_class=Row):
                yield row
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - raised again
            self._failed(sql, error)

    async def commit(self) -> None:
        """End the transaction, if one has begun; from here on it is true."""
        if self._begun:
            await self._do("commit")

    async def roll_back(self) -> None:
        """Undo the transaction, if one has begun."""
        if self._begun and self._is_open():
            await self._do("rollback")

    def end(self) -> None:
        """Close it at once, with its transaction and its locks."""
        if self._is_open():
            self.driver.terminate()

    def _is_open(self) -> bool:
        try:
            return not self.driver.is_closed()
        except asyncpg.InterfaceError:
            return False  # it was lost, and its pool knows

    async def _begin(self) -> None:
        if not self._begun and not self._single:
            await self._do("begin")
            self._begun = True

    async def _do(self, command: str) -> None:
        await self._run(command, partial(self.driver.execute, command))

    async def _run(self, sql: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the driver returns
        try:
            return await call()
        except BaseException as error:  # noqa: BLE001 - raised again
            self._failed(sql, error)

    def _failed(self, sql: str, error: BaseException) -> NoReturn:
        if isinstance(error, asyncpg.PostgresError):
            # It tells the row: errors are logged, parked and traced, and people's data must not go along.
            error.detail = None
            error.add_note(f"in: {' '.join(sql.split())}")
        elif not isinstance(error, asyncpg.InterfaceError):
            self.end()
        raise error


class _Driver(asyncpg.Connection):
    """A connection that leaves nothing behind, so giving it back asks Postgres nothing."""

    def get_reset_query(self) -> str:
        return ""


class Pool:
    """At most so many connections, opened when they are needed; one that was closed is not given out."""

    def __init__(self, dsn: str, size: int, *, codecs: bool = True, plan_once: bool = True) -> None:
        self._dsn, self._size, self._codecs = dsn, size, codecs
        self._planning = BY_INDEX | ONCE if plan_once else BY_INDEX
        self._pool: asyncpg.Pool | None = None

    async def take(self) -> Driver:
        """Get a connection, waiting at most 10 s; raises TimeoutError."""
        if self._pool is None:
            self._pool = asyncpg.create_pool(
                self._dsn,
                min_size=0,
                max_size=self._size,
                max_inactive_connection_lifetime=0,
                connection_class=_Driver,
                init=_decode_json if self._codecs else None,
                timeout=5,
                command_timeout=30,
                max_cached_statement_lifetime=0,  # kept, however rarely a statement is used,
                max_cacheable_statement_size=0,  # and however long it is
                server_settings=self._planning,
            )
        async with asyncio.timeout(_PATIENCE):
            await self._pool  # opens it the first time
            return await self._pool.acquire()

    async def give_back(self, driver: Driver) -> None:
        """Give a connection back; one that was closed makes room for another."""
        assert self._pool is not None  # noqa: S101 - it came from there
        await self._pool.release(driver)

    async def close(self) -> None:
        """Close every connection, those that somebody still has after some seconds too."""
        if self._pool is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSED_WITHIN):
                    await self._pool.close()


async def _decode_json(driver: asyncpg.Connection) -> None:
    """Read json and jsonb as objects; they are written as text."""
    for kind, version in (("json", b""), ("jsonb", b"\x01")):
        await driver.set_type_codec(
            kind,
            schema="pg_catalog",
            format="binary",
            encoder=partial(_as_json, version),
            decoder=partial(_from_json, len(version)),
        )


def _as_json(version: bytes, text: str) -> bytes:
    return version + text.encode()


def _from_json(skipped: int, data: bytes) -> Any:  # noqa: ANN401 - whatever it says
    return orjson.loads(data[skipped:])
