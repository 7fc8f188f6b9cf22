from dataclasses import dataclass
from uuid import UUID

from chassis.connection import Connection
from chassis.statement import text
from credits.domain.repairing import Drift

FIND = text("""
    select 'charged' as kind, h.team_id, h.id as subject, coalesce(sum(t.charged), 0) as booked,
        h.captured - h.refunded as due
    from credits.holds h left join credits.ledger_transactions t on t.job_id = h.id and t.team_id = h.team_id
    where cast(:team_id as uuid) is null or h.team_id = :team_id
    group by h.id having coalesce(sum(t.charged), 0) <> h.captured - h.refunded
    union all
    select 'reserved', b.team_id, b.id, b.held, coalesce(sum(a.amount) filter (where h.status = 'held'), 0)
    from credits.buckets b left join credits.hold_allocations a on a.bucket_id = b.id
    left join credits.holds h on h.id = a.hold_id
    where cast(:team_id as uuid) is null or b.team_id = :team_id
    group by b.id having b.held <> coalesce(sum(a.amount) filter (where h.status = 'held'), 0)
    order by team_id, kind, subject limit :limit
""")


@dataclass(frozen=True, slots=True)
class PostgresDrifts:
    """Where the ledger and the holds disagree, in one statement and therefore one snapshot."""

    connection: Connection

    async def find(self, team_id: UUID | None, limit: int) -> list[Drift]:
        """Find what is booked otherwise than the holds say, for one team or for all."""
        # Here whole tables are read.
        await self.connection.execute(text("set local enable_seqscan = on"))
        rows = await self.connection.execute(FIND, {"team_id": team_id, "limit": limit})
        return [
            Drift(row.kind, row.team_id, row.subject, int(row.booked), int(row.due)) for row in rows.all()
        ]
