"""Sends what the outbox holds: at once after a commit, and whatever a crash left behind."""

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.database import Database
from chassis.frames import Outgoing
from chassis.health import Health
from chassis.metrics import MESSAGES_SENT, OUTBOX_OLDEST
from chassis.publisher import Publisher
from chassis.supervision import keep_running

logger = logging.getLogger(__name__)
BATCH = 200
SWEEP_EVERY = 0.5
LONGEST_WAIT = 60


class _Unsent(Exception):
    """Some rows could not be sent: they stay, and what was sent of the batch has to go without them."""

    def __init__(self, sent: Sequence[int], failed: Sequence[int], reason: str) -> None:
        super().__init__(reason)
        self.sent, self.failed, self.reason = sent, failed, reason


class Relay:
    """Moves rows from one service's outbox to the bus, in batches, each row deleted once it is confirmed.

    A row that cannot be sent waits (1 s, doubling up to 60 s) and never holds the others back; it does not
    turn readiness red either, which says whether the broker takes anything. Several relays may work on one
    table: rows are taken with SKIP LOCKED.
    """

    def __init__(self, database: Database, publisher: Publisher, health: Health) -> None:
        self._database, self._publisher, self._health = database, publisher, health
        self._trouble: OSError | None = None
        self._looked = 0.0
        outbox = f"{database.schema}.outbox"
        # Gone when the transaction commits, which it does once all are confirmed.
        self._take = text(
            f"""
            with taken as materialized (
                select id as taken_id from {outbox} where next_attempt_at <= clock_timestamp()
                order by id limit {BATCH} for update skip locked)
            delete from {outbox} using taken where id = taken_id returning
                id, exchange, routing_key, message_id, correlation_id, type, headers, payload, created_at
            """  # noqa: S608 - the schema is a name of ours
        )
        # Of all rows, also those that are postponed: what is stuck must be seen to grow old.
        self._oldest = text(f"select created_at from {outbox} order by id limit 1")  # noqa: S608 - as below
        self._sent = text(f"delete from {outbox} where id = any(:ids)")  # noqa: S608 - as above
        self._postpone = text(
            f"""
            update {outbox} set attempts = attempts + 1, last_error = :error, next_attempt_at =
                clock_timestamp()
                + make_interval(secs => least({LONGEST_WAIT}, power(2, least(attempts, 10))))
            where id = any(:ids)
            """  # noqa: S608 - as above
        )

    async def run(self) -> None:
        """Send for ever."""
        await keep_running("relay", self._once, self._health, self._rest)

    async def flush(self) -> None:
        """Send everything that can be sent now; called when the process stops."""
        while await self._drain() == BATCH:
            pass

    async def _once(self) -> None:
        self._database.committed.clear()
        await self.flush()
        if self._trouble is not None:
            raise self._trouble.with_traceback(None)  # the same again and again, until something is sent

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(SWEEP_EVERY):
                await self._database.committed.wait()
        except TimeoutError:
            return

    async def _drain(self) -> int:
        # The rows stay locked while on their way: the lock is the lease, and it dies with the process.
        rows: list[Row[Any]] = []
        try:
            async with self._database.engine.begin() as connection:
                rows = sorted(await connection.execute(self._take), key=lambda row: row.id)
                if rows:
                    await self._send(rows)
                if time.monotonic() - self._looked >= SWEEP_EVERY:
                    await self._look_at_what_is_stuck(connection)
        except _Unsent as unsent:
            await self._keep(unsent)
        return len(rows)

    async def _look_at_what_is_stuck(self, connection: AsyncConnection) -> None:
        oldest = (await connection.execute(self._oldest)).scalar()
        OUTBOX_OLDEST.set((datetime.now(UTC) - oldest).total_seconds() if oldest else 0)
        self._looked = time.monotonic()
        if oldest is None:
            self._trouble = None

    async def _keep(self, unsent: _Unsent) -> None:
        async with self._database.engine.begin() as connection:
            await connection.execute(self._sent, {"ids": unsent.sent})
            await connection.execute(self._postpone, {"ids": unsent.failed, "error": unsent.reason})
        logger.warning("%s messages wait to be sent again: %s", len(unsent.failed), unsent.reason)

    async def _send(self, rows: Sequence[Row[Any]]) -> None:
        failures = await self._publisher.publish_all([outgoing(row) for row in rows])
        sent, failed = [], []
        for row, failure in zip(rows, failures, strict=True):
            if failure is None:
                sent.append(row.id)
                MESSAGES_SENT.labels(row.type).inc()
            else:
                failed.append((row.id, failure))
        lost = [failure for failure in failures if isinstance(failure, OSError)]
        self._trouble = lost[0] if len(lost) == len(rows) else None
        if failed:
            reason = f"{type(failed[0][1]).__name__}: {failed[0][1]}"
            raise _Unsent(sent, [id_ for id_, _ in failed], reason)


def outgoing(row: Row[Any]) -> Outgoing:
    """Turn a row into a message; the stored trace context travels unchanged."""
    return Outgoing(
        exchange=row.exchange,
        routing_key=row.routing_key,
        type=row.type,
        message_id=str(row.message_id),
        correlation_id=str(row.correlation_id),
        timestamp=row.created_at,
        headers=row.headers if isinstance(row.headers, dict) else orjson.loads(row.headers),
        body=row.payload,
    )
