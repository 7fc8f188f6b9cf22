"""Jobs and accounts for the audit, all read from one snapshot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.database import Database
from contracts.jobs import Receipt
from gateway.domain.books import JobBooks

_JOBS = text("""
    select coalesce(j.id, e.job_id) as job_id, coalesce(j.team_id, e.team_id) as team_id, j.status,
        cast(j.document -> 'receipt' as text) as receipt,
        coalesce(e.reserves, 0) as reserves, coalesce(e.reserved, 0) as reserved,
        coalesce(e.deducts, 0) as deducts, coalesce(e.charged, 0) as charged,
        coalesce(e.refunds, 0) as refunds, coalesce(e.refunded, 0) as refunded
    from gateway.view_jobs j full join (
        select job_id, team_id,
            count(*) filter (where kind = 'reserve') as reserves,
            -sum(cast(document ->> 'amount' as bigint)) filter (where kind = 'reserve') as reserved,
            count(*) filter (where kind = 'deduct') as deducts,
            sum(cast(document ->> 'charged' as bigint)) filter (where kind = 'deduct') as charged,
            count(*) filter (where kind = 'refund') as refunds,
            sum(cast(document ->> 'amount' as bigint)) filter (where kind = 'refund') as refunded
        from gateway.view_credit_entries where job_id is not null group by job_id, team_id
    ) e on e.job_id = j.id
""")
_RESERVED = text("select team_id, reserved from gateway.view_accounts")


@dataclass(frozen=True, slots=True)
class StoredBooks:
    """The books, within one snapshot."""

    connection: AsyncConnection

    async def jobs(self) -> AsyncIterator[JobBooks]:
        """Go through all jobs that are shown or that credits moved for."""
        async with self.connection.stream(_JOBS) as rows:
            async for row in rows:
                shown = row.receipt and row.receipt != "null"
                yield JobBooks(
                    job_id=row.job_id,
                    team_id=row.team_id,
                    status=row.status,
                    receipt=Receipt.model_validate_json(row.receipt) if shown else None,
                    reserves=row.reserves,
                    reserved=int(row.reserved),
                    deducts=row.deducts,
                    charged=int(row.charged),
                    refunds=row.refunds,
                    refunded=int(row.refunded),
                )

    async def reserved(self) -> dict[UUID, int]:
        """Tell what each account has reserved."""
        return {row.team_id: row.reserved for row in await self.connection.execute(_RESERVED)}


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[StoredBooks]:
    """Open the books as of now, for reading only."""
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield StoredBooks(connection)
