"""Sends what the outbox holds: at once what this process has written, and whatever a crash left behind."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime

from chassis.connection import Connection, Row
from chassis.database import Database
from chassis.frames import Outgoing
from chassis.health import Health
from chassis.metrics import MESSAGES_SENT, OUTBOX_OLDEST
from chassis.outbox import Written
from chassis.publisher import Publisher
from chassis.statement import text
from chassis.supervision import keep_running

logger = logging.getLogger(__name__)
BATCH = 200
AT_HAND = 2_000
"""Messages kept in memory at most; what is more is read from the outbox when its turn comes."""
SWEEP_EVERY = 0.5
FORGET_EVERY = 0.05
LONGEST_WAIT = 60


class Relay:
    """Moves messages from one service's outbox to the bus, in batches; a row goes once it is confirmed.

    What a transaction of this process wrote is sent from memory as soon as it has committed. The rows of
    what was sent are deleted a moment later, many at once: after a crash in between it is sent again, as
    after any crash. What nobody sends in its time (a process that is no more, an operator's command) is
    swept up. A message that cannot be sent waits (1 s, doubling up to 60 s) and never holds the others back;
    it does not turn readiness red either, which says whether the broker takes anything. Several relays may
    work on one table: rows are taken with SKIP LOCKED.
    """

    def __init__(self, database: Database, publisher: Publisher, health: Health) -> None:
        self._database, self._publisher, self._health = database, publisher, health
        self._trouble: OSError | None = None
        self._swept = self._forgot = 0.0
        self._handed: deque[Written] = deque()
        self._sent: list[int] = []
        outbox = f"{database.schema}.outbox"
        self._take = text(
            f"""
            select id, exchange, routing_key, message_id, correlation_id, type, headers, payload, created_at
            from {outbox} where next_attempt_at <= clock_timestamp()
            order by id limit {BATCH} for update skip locked
            """  # noqa: S608 - the schema is a name of ours
        )
        # Of all rows, also those that are postponed: what is stuck must be seen to grow old.
        self._oldest = text(f"select created_at from {outbox} order by id limit 1")  # noqa: S608 - as below
        self._forget = text(f"delete from {outbox} where id = any(:ids)")  # noqa: S608 - as above
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
        self._database.hand_over = self._take_over
        try:
            await keep_running("relay", self._once, self._health, self._rest)
        finally:
            self._database.hand_over = None

    async def flush(self) -> None:
        """Send everything that can be sent now; called when the process stops."""
        await self._send_handed()
        await self._forget_sent()
        await self._sweep()

    def _take_over(self, written: Sequence[Written]) -> None:
        if len(self._handed) + len(written) <= AT_HAND:
            self._handed.extend(written)

    async def _once(self) -> None:
        self._database.committed.clear()
        await self._send_handed()
        if time.monotonic() - self._forgot >= FORGET_EVERY or len(self._sent) >= BATCH:
            await self._forget_sent()
        if time.monotonic() - self._swept >= SWEEP_EVERY:
            await self._forget_sent()  # else it would be found again
            await self._sweep()
            self._swept = time.monotonic()
        if self._trouble is not None:
            raise self._trouble.with_traceback(None)  # the same again and again, until something is sent

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(FORGET_EVERY if self._sent else SWEEP_EVERY):
                await self._database.committed.wait()
        except TimeoutError:
            return

    async def _send_handed(self) -> None:
        while self._handed:
            batch = [self._handed.popleft() for _ in range(min(BATCH, len(self._handed)))]
            try:
                postponed = await self._send(batch)
            except BaseException:
                self._handed.clear()  # their rows stay, and are swept up
                raise
            if postponed:
                async with self._database.reading() as connection:
                    await self._put_off(connection, postponed)
            if self._trouble is not None:
                self._handed.clear()  # as above

    async def _forget_sent(self) -> None:
        sent, self._sent, self._forgot = self._sent, [], time.monotonic()
        if sent:
            async with self._database.reading() as connection:
                await connection.execute(self._forget, {"ids": sent})

    async def _sweep(self) -> None:
        """Send what nobody has sent in its time."""
        while await self._drain() == BATCH:
            pass

    async def _drain(self) -> int:
        # The rows stay locked while on their way: the lock is the lease, and it dies with the process.
        async with self._database.begin() as connection:
            rows = (await connection.execute(self._take)).all()
            if rows:
                postponed = await self._send([(row.id, outgoing(row)) for row in rows])
                sent, self._sent = self._sent, []
                await connection.execute(self._forget, {"ids": sent})
                if postponed:
                    await self._put_off(connection, postponed)
            await self._look_at_what_is_stuck(connection)
        return len(rows)

    async def _look_at_what_is_stuck(self, connection: Connection) -> None:
        oldest = (await connection.execute(self._oldest)).scalar()
        OUTBOX_OLDEST.set((datetime.now(UTC) - oldest).total_seconds() if oldest else 0)
        if oldest is None:
            self._trouble = None

    async def _put_off(self, connection: Connection, failed: Sequence[tuple[int, BaseException]]) -> None:
        reason = f"{type(failed[0][1]).__name__}: {failed[0][1]}"
        await connection.execute(self._postpone, {"ids": [id_ for id_, _ in failed], "error": reason})
        logger.warning("%s messages wait to be sent again: %s", len(failed), reason)

    async def _send(self, written: Sequence[Written]) -> Sequence[tuple[int, BaseException]]:
        """Send a batch, and note what was sent; returns what failed, and why."""
        failures = await self._publisher.publish_all([message for _, message in written])
        failed = []
        for (id_, message), failure in zip(written, failures, strict=True):
            if failure is None:
                self._sent.append(id_)
                MESSAGES_SENT.labels(message.type).inc()
            else:
                failed.append((id_, failure))
        lost = [failure for _, failure in failed if isinstance(failure, OSError)]
        self._trouble = lost[0] if len(lost) == len(written) else None
        return failed


def outgoing(row: Row) -> Outgoing:
    """Turn a row into a message; the stored trace context travels unchanged."""
    return Outgoing(
        exchange=row.exchange,
        routing_key=row.routing_key,
        type=row.type,
        message_id=str(row.message_id),
        correlation_id=str(row.correlation_id),
        timestamp=row.created_at,
        headers=row.headers,
        body=row.payload,
    )
