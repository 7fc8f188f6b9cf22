"""Work that only one of many processes should do."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from chassis.connection import Connection
from chassis.database import Database
from chassis.outages import is_outage
from chassis.statement import text

logger = logging.getLogger(__name__)
TAKE = text("select pg_try_advisory_lock(hashtext(:name))")


@dataclass(slots=True)
class PostgresTurns:
    """One process at a time does what is due: the one whose connection holds the lock while it lives."""

    database: Database
    name: str
    _connection: Connection | None = None
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def mine(self) -> bool:
        """Tell whether it is this process's turn, and take it when it is nobody's."""
        async with self._looking:
            return await self._still_mine() or await self._take()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Give the turn back at the end."""
        try:
            yield
        finally:
            self._let_go()

    async def _still_mine(self) -> bool:
        if self._connection is None:
            return False
        try:
            await self._connection.execute(text("select 1"))
        except Exception as error:
            # The lock goes with the connection; whoever takes it next does what is due.
            self._let_go()
            if not is_outage(error):
                raise
            logger.warning("schedules: the turn is lost: %s", error)
            return False
        return True

    async def _take(self) -> bool:
        connection = await self.database.take()
        try:
            taken: bool = (await connection.execute(TAKE, {"name": self.name})).scalar_one()
        except BaseException:
            connection.end()  # it may have been taken all the same
            raise
        if not taken:
            await self.database.give_back(connection)
            return False
        self._connection = connection
        return True

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.end()  # not back to the pool, where it would keep the lock
