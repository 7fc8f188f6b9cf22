"""Jobs and accounts with what the history of credits says of them, for the audit."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.connection import Connection, Row
from chassis.statement import text
from contracts.jobs import Receipt
from gateway.domain.books import AccountBooks, JobBooks

# One statement is one snapshot: a job and its lines are read as of the same moment.
_JOBS = """
    select w.id as job_id, coalesce(j.team_id, e.team_id) as team_id, j.status, j.operation,
        cast(j.document -> 'receipt' as text) as receipt,
        coalesce(e.reserves, 0) as reserves, coalesce(e.reserved, 0) as reserved,
        coalesce(e.deducts, 0) as deducts, coalesce(e.charged, 0) as charged,
        coalesce(e.refunds, 0) as refunds, coalesce(e.refunded, 0) as refunded
    from wanted w left join gateway.view_jobs j on j.id = w.id left join lateral (
        select cast(min(cast(team_id as text)) as uuid) as team_id,
            count(*) filter (where kind = 'reserve') as reserves,
            -sum(amount) filter (where kind = 'reserve') as reserved,
            count(*) filter (where kind = 'deduct') as deducts,
            sum(charged) filter (where kind = 'deduct') as charged,
            count(*) filter (where kind = 'refund' and charged >= 0) as refunds,
            sum(amount) filter (where kind = 'refund' and charged >= 0) as refunded
        from gateway.view_credit_entries where job_id = w.id
    ) e on true where coalesce(j.team_id, e.team_id) is not null
        and (j.version is null or j.version > 0 or e.reserves > 0)
        -- An ended job of a closed team is not shown any more; the lines of what it cost stay.
        and (j.id is not null or not exists (
            select from gateway.teams t where t.id = e.team_id and t.closed_at is not null))
"""
_MOVED = text(f"""
    with wanted as (
        select id from gateway.view_jobs where changed_at > :since
        union select job_id from gateway.view_credit_entries where recorded_at > :since and job_id is not null
        union select job_id from gateway.findings where resolved_at is null and job_id is not null)
    {_JOBS}
""")  # noqa: S608 - words of ours
_THESE = text(f"with wanted as (select unnest(cast(:ids as uuid[])) as id) {_JOBS}")
# What a line changes of what is reserved: a reserve adds what it takes; a deduct and a refund, what they
# charge or give back, unless it was taken from what can be spent.
_ACCOUNTS = """
    select a.team_id, a.version, a.reserved,
        cast(a.document ->> 'available' as bigint) + cast(a.document ->> 'bonus' as bigint) as spendable,
        coalesce(e.spendable, 0) + {spendable} as spendable_by_lines,
        coalesce(e.reserved, 0) + {reserved} as reserved_by_lines, coalesce(e.breaks, 0) as breaks
    from gateway.view_accounts a {known} left join lateral (
        select sum(amount) as spendable,
            -sum(amount + charged) filter (where kind in ('reserve', 'deduct', 'refund')) as reserved,
            count(*) filter (where balance_after <> running + {spendable}) as breaks
        from (
            select kind, amount, charged, balance_after,
                sum(amount) over (order by version, position) as running
            from gateway.view_credit_entries
            where team_id = a.team_id and version > {version} and version <= a.version) as line
    ) e on true
"""
_CHANGED = text(
    _ACCOUNTS.format(
        known="left join gateway.balanced b on b.team_id = a.team_id",
        version="coalesce(b.version, -1)",
        spendable="coalesce(b.spendable, 0)",
        reserved="coalesce(b.reserved, 0)",
    )
    + " where a.version is distinct from b.version"
)
_WHOLE = text(
    _ACCOUNTS.format(known="", version="-1", spendable="0", reserved="0")
    + " where cast(:teams as uuid[]) is null or a.team_id = any(:teams)"
)
_BALANCED = text("""
    insert into gateway.balanced as b (team_id, version, spendable, reserved)
    select * from unnest(cast(:teams as uuid[]), cast(:versions as bigint[]), cast(:spendable as bigint[]),
        cast(:reserved as bigint[])) as t (team_id, version, spendable, reserved) order by team_id
    on conflict (team_id) do update
    set version = excluded.version, spendable = excluded.spendable, reserved = excluded.reserved
    where b.version < excluded.version
""")


@dataclass(frozen=True, slots=True)
class StoredBooks:
    """The books, within one transaction."""

    connection: Connection

    async def moved(self, since: datetime) -> AsyncIterator[JobBooks]:
        """Go through the jobs that anything moved for since then, and those with findings."""
        async for row in self.connection.stream(_MOVED, {"since": since}):
            yield _job(row)

    async def jobs(self, ids: Collection[UUID]) -> list[JobBooks]:
        """Read these jobs."""
        return [_job(row) for row in await self.connection.execute(_THESE, {"ids": list(ids)})]

    async def changed(self) -> list[AccountBooks]:
        """Read the accounts that are newer than their last balanced reading, adding what is new to that."""
        return [_account(row) for row in await self.connection.execute(_CHANGED)]

    async def accounts(self, team_ids: Collection[UUID] | None = None) -> list[AccountBooks]:
        """Read these accounts, or all, adding up their whole history."""
        values = {"teams": None if team_ids is None else list(team_ids)}
        return [_account(row) for row in await self.connection.execute(_WHOLE, values)]

    async def balanced(self, accounts: Sequence[AccountBooks]) -> None:
        """Note readings that balance, so that the next ones can start from them."""
        if accounts:
            values = {
                "teams": [account.team_id for account in accounts],
                "versions": [account.version for account in accounts],
                "spendable": [account.spendable for account in accounts],
                "reserved": [account.reserved for account in accounts],
            }
            await self.connection.execute(_BALANCED, values)


def _job(row: Row) -> JobBooks:
    shown = row.receipt and row.receipt != "null"
    return JobBooks(
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
        operation=row.operation,
    )


def _account(row: Row) -> AccountBooks:
    return AccountBooks(
        team_id=row.team_id,
        version=row.version,
        spendable=row.spendable,
        reserved=row.reserved,
        spendable_by_lines=int(row.spendable_by_lines),
        reserved_by_lines=int(row.reserved_by_lines),
        breaks=row.breaks,
    )
