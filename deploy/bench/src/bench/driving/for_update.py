"""What a transaction for each hold reaches on the same machine."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg

from bench.driving.load import PLENTY

CLIENTS = 32
_NOW = datetime.now(UTC)
_UNTIL = _NOW + timedelta(days=2)

OPEN = (
    "insert into credits.accounts (team_id, issued, spendable) values ($1, -$2::bigint, $2)",
    (
        "insert into credits.buckets (id, team_id, kind, source_ref, granted, remaining, held, opened_at, "
        "expired, demanded, owed) "
        "values ($1::uuid, $1::uuid, 'plan', $1::uuid::text, $2, $2, 0, now(), 0, 0, 0)"
    ),
)
LOCK = "select version, spendable, reserved from credits.accounts where team_id = $1 for update"
TAKE = (
    "update credits.accounts set version = version + 1, spendable = spendable - $2, "
    "reserved = reserved + $2 where team_id = $1"
)
TAKE_PART = "update credits.buckets set remaining = remaining - $2, held = held + $2 where id = $1"
REQUEST = (
    "insert into credits.requests (id, team_id, fingerprint, required, spendable, asked_by, decided_at) "
    "values ($1, $2, $3, $4, $5, $6, now())"
)
HOLD = (
    "insert into credits.holds (id, team_id, request_id, operation, quantity, unit_price, amount, "
    "price_version, status, captured, released, uncollected, refunded, reason, entry_ids, created_at, "
    "expires_at) "
    "values ($1, $2, $3, 'generate_images', 1, $4, $4, 1, 'held', 0, 0, 0, 0, '', '{}', now(), $5)"
)
PART = "insert into credits.hold_allocations (hold_id, position, bucket_id, amount) values ($1, 0, $2, $3)"
POSTING = (
    "insert into credits.ledger_transactions (id, team_id, version, n, kind, amount, charged, balance_after, "
    "job_id, operation, reason, at) "
    "values ($1, $2, $3, 0, 'reserve', $4, 0, $5, $6, 'generate_images', '', now())"
)
ENTRIES = (
    "insert into credits.ledger_entries (transaction_id, line, side, amount, bucket_id, balance_after) "
    "values ($1, 0, 'spendable', -$2::bigint, $3, $4), ($1, 1, 'reserved', $2, $3, $5)"
)


async def open_accounts(dsn: str, teams: Sequence[UUID]) -> None:
    """Open the teams' accounts."""
    connection = await asyncpg.connect(dsn)
    for statement in OPEN:
        await connection.executemany(statement, [(team, PLENTY) for team in teams])
    await connection.close()


async def for_update(dsn: str, teams: Sequence[UUID], number: int) -> float:
    """Write holds, one `SELECT ... FOR UPDATE` transaction each, by 32 clients; returns holds per second.

    The same rows as credits writes, and no message: whoever did it so would still have to tell somebody.
    """
    async with asyncpg.create_pool(dsn, min_size=CLIENTS, max_size=CLIENTS) as pool:
        left = iter([teams[n % len(teams)] for n in range(number)])
        began = time.perf_counter()
        await asyncio.gather(*(_client(pool, left) for _ in range(CLIENTS)))
        return number / (time.perf_counter() - began)


async def _client(pool: asyncpg.Pool, left: Iterator[UUID]) -> None:
    async with pool.acquire() as connection:
        for team in left:
            async with connection.transaction():
                await _hold(connection, team)


async def _hold(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", team: UUID) -> None:
    price, request, job, posting = 2, uuid4(), uuid4(), uuid4()
    version, spendable, reserved = await connection.fetchrow(LOCK, team) or (0, 0, 0)
    if spendable < price:
        raise ValueError("not enough credits")
    rest = spendable - price
    await connection.execute(TAKE, team, price)
    await connection.execute(TAKE_PART, team, price)
    await connection.execute(REQUEST, request, team, request.bytes * 2, price, spendable, uuid4())
    await connection.execute(HOLD, job, team, request, price, _UNTIL)
    await connection.execute(PART, job, team, price)
    await connection.execute(POSTING, posting, team, version + 1, -price, rest, job)
    await connection.execute(ENTRIES, posting, price, team, rest, reserved + price)
