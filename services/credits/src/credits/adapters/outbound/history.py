from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.connection import Connection
from chassis.statement import text
from contracts.credits import Entry

TEAM_OF = text("select team_id from credits.holds where id = :job_id")

KNOWS = text("select 1 from credits.accounts where team_id = :team_id")

TEAMS = text("""
    select team_id from credits.accounts
    where team_id > coalesce(:after, cast(:least as uuid)) order by team_id limit :limit
""")

BALANCE = text("""
    select coalesce(sum(amount), 0) from credits.ledger_transactions where team_id = :team_id and at < :before
""")

ENTRIES = text("""
    select id, kind, amount, charged, balance_after, version, job_id, operation, reason, at
    from credits.ledger_transactions where team_id = :team_id and at >= :start and at < :end
    order by version, n
""")

# Whole versions: a line is known by its place in its version.
VERSIONS = text("""
    select id, kind, amount, charged, balance_after, version, job_id, operation, reason, at
    from credits.ledger_transactions where team_id = :team_id and version > :after and version <= (
        select max(version) from (
            select version from credits.ledger_transactions
            where team_id = :team_id and version > :after order by version, n limit :limit
        ) as next)
    order by version, n
""")

UNSENT = text("select count(*) from credits.outbox")


@dataclass(frozen=True, slots=True)
class PostgresHistory:
    """The ledger, as it is read."""

    connection: Connection

    async def team_of(self, job_id: UUID) -> UUID | None:
        """Find the team of a job that credits were held for."""
        team_id: UUID | None = await self.connection.scalar(TEAM_OF, {"job_id": job_id})
        return team_id

    async def knows(self, team_id: UUID) -> bool:
        """Tell whether the team has an account."""
        return await self.connection.scalar(KNOWS, {"team_id": team_id}) is not None

    async def teams(self, after: UUID | None, limit: int) -> list[UUID]:
        """List the teams that have an account, in the order of their ids."""
        rows = await self.connection.execute(TEAMS, {"after": after, "least": UUID(int=0), "limit": limit})
        return list(rows.scalars())

    async def balance(self, team_id: UUID, before: datetime) -> int:
        """Tell what the team could spend at a moment, from its first line on."""
        return int(await self.connection.scalar(BALANCE, {"team_id": team_id, "before": before}) or 0)

    async def entries(self, team_id: UUID, start: datetime, end: datetime) -> Sequence[Entry]:
        """List the team's history lines of a time, in their order."""
        rows = await self.connection.execute(ENTRIES, {"team_id": team_id, "start": start, "end": end})
        return [Entry.model_validate(dict(row)) for row in rows.mappings()]

    async def versions(self, team_id: UUID, after: int, limit: int) -> Sequence[Entry]:
        """List the history lines of the versions that follow one, about `limit`, each version whole."""
        rows = await self.connection.execute(VERSIONS, {"team_id": team_id, "after": after, "limit": limit})
        return [Entry.model_validate(dict(row)) for row in rows.mappings()]

    async def unsent(self) -> int:
        """Count the messages that wait to be sent."""
        return int(await self.connection.scalar(UNSENT) or 0)
