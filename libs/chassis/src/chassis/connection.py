"""SQLAlchemy's connection, whose prebuilt statements take the short way to asyncpg.

SQLAlchemy keeps the pool, the transactions, savepoints and everything that is built; a text that is written
once needs none of what it does with each statement, which takes three times as long as asyncpg itself.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, Never

import asyncpg
from sqlalchemy import Executable, TextClause
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.exc import DBAPIError, MultipleResultsFound, NoResultFound
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_PLANS = "plans"
_DIALECT = dialect()  # type: ignore[no-untyped-call]


class Row(asyncpg.Record):
    """A row whose columns are attributes, too."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as the column is
        """Read a column."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def _mapping(self) -> Mapping[str, Any]:
        return dict(self.items())


class Rows:
    """What a statement returned, asked for as of SQLAlchemy's results."""

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
        """Return the only one, None when there is none; raises MultipleResultsFound."""
        if len(self._rows) > 1:
            raise MultipleResultsFound("there are several rows")
        return self.first()

    def one(self) -> Any:  # noqa: ANN401 - as above
        """Return the only one; raises NoResultFound, MultipleResultsFound."""
        if not self._rows:
            raise NoResultFound("there is no row")
        return self.one_or_none()

    def scalar(self) -> Any:  # noqa: ANN401 - as above
        """Return the first column of the first, None when there is none."""
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:  # noqa: ANN401 - as above
        """Return the first column of the only one; raises NoResultFound, MultipleResultsFound."""
        return self.one()[0]

    def scalar_one_or_none(self) -> Any:  # noqa: ANN401 - as above
        """Return the first column of the only one, None without one; raises MultipleResultsFound."""
        row = self.one_or_none()
        return None if row is None else row[0]

    def scalars(self) -> "Rows":
        """Keep the first column alone."""
        return Rows([row[0] for row in self._rows])

    def mappings(self) -> "Rows":
        """Return each as a dictionary."""
        return Rows([dict(row.items()) for row in self._rows])


class Connection(AsyncConnection):
    """A connection of SQLAlchemy, but for how a text is run."""

    engine: "Engine"

    async def execute(
        self,
        statement: Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        **options: Any,  # noqa: ANN401 - SQLAlchemy's
    ) -> Any:  # noqa: ANN401 - its result, or what can be asked the same
        """Run a statement."""
        return await self._execute(statement, parameters, **options)

    async def execute_last(self, statement: TextClause, parameters: Mapping[str, Any]) -> None:
        """Run a transaction's last statement; when it is the first, too, it goes without BEGIN and COMMIT."""
        await self._execute(statement, parameters, alone=True)

    async def _execute(
        self,
        statement: Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None,
        *,
        alone: bool = False,
        **options: Any,  # noqa: ANN401 - SQLAlchemy's
    ) -> Any:  # noqa: ANN401 - its result, or what can be asked the same
        if type(statement) is not TextClause or isinstance(parameters, Sequence) or not self._may_be_short():
            return await super().execute(statement, parameters, **options)
        sql, names = _written(statement)
        pooled = self.sync_connection.connection  # type: ignore[union-attr] # it is open
        adapted: Any = pooled.dbapi_connection
        values = [parameters[name] for name in names] if names else ()  # type: ignore[index] # given by name
        driver: asyncpg.Connection = adapted.driver_connection
        try:
            if adapted._transaction is None and not alone:  # noqa: SLF001 - begun with its first statement, as SQLAlchemy does
                await adapted._start_transaction()  # noqa: SLF001 - as above; there is no public way
            if pooled.info.get(_PLANS, 0) != self.engine.plans:
                await driver.reload_schema_state()
                pooled.info[_PLANS] = self.engine.plans
            return Rows(await driver.fetch(sql, *values, record_class=Row))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, adapted.dbapi.Error) as error:
            await self._failed(sql, adapted, error)
        except BaseException:
            # Cancelled or too slow: nobody knows how far it came. As with SQLAlchemy, it is used no more.
            await self.invalidate()
            raise

    def _may_be_short(self) -> bool:
        """Whether SQLAlchemy need not know: a transaction is open, and nobody listens to each statement."""
        open_ = self.sync_connection
        if open_ is None or open_.closed or open_.invalidated or open_.in_nested_transaction():
            return False
        if open_.engine.dispatch.before_cursor_execute:
            return False
        return open_.in_transaction() or open_.get_execution_options().get("isolation_level") == "AUTOCOMMIT"

    async def _failed(self, sql: str, adapted: Any, error: Exception) -> Never:  # noqa: ANN401 - has no type
        """Raise what SQLAlchemy would have raised; a connection that is lost goes for good."""
        lost = adapted.driver_connection.is_closed()
        if isinstance(error, asyncpg.InvalidCachedStatementError):
            self.engine.plans += 1  # a migration has changed a table: the plans of all connections are old
        try:
            adapted._handle_exception(error)  # noqa: SLF001 - its own translation
        except adapted.dbapi.Error as known:
            told = DBAPIError.instance(
                sql,
                None,
                known,
                adapted.dbapi.Error,
                hide_parameters=True,
                connection_invalidated=lost,
                dialect=_DIALECT,
            )
            if lost:
                await self.invalidate(told)
            raise told from known
        raise error


class Engine(AsyncEngine):
    """An engine with these connections."""

    _connection_cls = Connection
    plans = 0
    """The generation of the plans that connections may keep."""

    def connect(self) -> Connection:
        """Get a connection of the pool, once it is entered or awaited."""
        return Connection(self)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Connection]:
        """Open a transaction; it commits at the end, or not at all."""
        connection = self.connect()
        async with connection, connection.begin():
            yield connection


@lru_cache(maxsize=1024)
def _written(statement: TextClause) -> tuple[str, Sequence[str]]:
    """Write a text in the driver's words, once: the statement, and its parameters in their order."""
    compiled: Any = statement.compile(dialect=_DIALECT)
    return compiled.string, compiled.positiontup or ()
