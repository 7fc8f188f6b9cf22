"""How many jobs each team has open: a counter to admit by, a row per job to give each back once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.connection import Connection
from chassis.statement import text
from gateway.domain.asks import QueueFull

_PREPARE = text("""
    insert into gateway.team_slots (team_id, allowed) values (:team_id, :allowed) on conflict do nothing
""")
_TAKE = text("""
    with taken as (
        update gateway.team_slots set open = open + cardinality(cast(:jobs as uuid[]))
        where team_id = :team_id and open + cardinality(cast(:jobs as uuid[])) <= allowed returning team_id)
    insert into gateway.slots (job_id, team_id)
    select job_id, team_id from taken, unnest(cast(:jobs as uuid[])) as job_id returning job_id
""")
_COUNT = text("select open, allowed from gateway.team_slots where team_id = :team_id")
_GIVE_BACK = text("""
    with ended as (delete from gateway.slots where job_id = any(:jobs) returning team_id),
        counted as (select team_id, count(*) as n from ended group by team_id)
    update gateway.team_slots t set open = t.open - c.n from counted c where t.team_id = c.team_id
""")
_ALLOW = text("""
    insert into gateway.team_slots (team_id, allowed)
    select * from unnest(cast(:teams as uuid[]), cast(:allowed as int[])) as t (team_id, allowed)
    order by team_id
    on conflict (team_id) do update set allowed = excluded.allowed
""")


@dataclass(frozen=True, slots=True)
class StoredSlots:
    """Slots, within one transaction."""

    connection: Connection

    async def prepare(self, team_id: UUID, allowed: int) -> None:
        """Start counting for a new team."""
        await self.connection.execute(_PREPARE, {"team_id": team_id, "allowed": allowed})

    async def take(self, team_id: UUID, job_ids: Sequence[UUID]) -> None:
        """Take a slot for each job. Raises QueueFull."""
        if not job_ids:
            return
        taken = await self.connection.execute(_TAKE, {"team_id": team_id, "jobs": list(job_ids)})
        if taken.first() is None:
            row = (await self.connection.execute(_COUNT, {"team_id": team_id})).first()
            raise QueueFull(row.open if row else 0, row.allowed if row else 0)

    async def give_back(self, job_ids: Collection[UUID]) -> None:
        """Give the slots of jobs back that still have one."""
        if job_ids:
            await self.connection.execute(_GIVE_BACK, {"jobs": sorted(job_ids)})

    async def allow(self, allowed: Mapping[UUID, int]) -> None:
        """Set how many slots teams have."""
        if allowed:
            await self.connection.execute(_ALLOW, {"teams": list(allowed), "allowed": list(allowed.values())})
