"""What is shown of a service that was restored, and was not said again since its versions were lifted."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from chassis.connection import Connection
from chassis.statement import text
from contracts.credits import HoldCredits
from contracts.gateway import TeamOpened
from gateway.application.checking import Unknown

# Version 0 is only asked for, and nobody's yet.
_UNKNOWN = {
    "billing": text("""
        select 'plan' as kind, v.team_id as id, v.team_id, '' as state
        from gateway.view_plans v join gateway.teams t on t.id = v.team_id and t.closed_at is null
        where v.version between 1 and :below - 1 order by id
    """),
    "catalog": text("""
        select 'model' as kind, id, team_id, status as state from gateway.view_models
        where version between 1 and :below - 1
        union all
        select 'curated model', id, null, name from gateway.view_reference_models
        where version between 1 and :below - 1 order by kind, id
    """),
    "credits": text("""
        select 'account' as kind, team_id as id, team_id, '' as state from gateway.view_accounts
        where version between 1 and :below - 1
        union all
        select 'line', id, team_id, kind from gateway.view_credit_entries
        where coalesce(told_in, version) < :below order by kind, id
    """),
    "jobs": text("""
        select 'job' as kind, id, team_id, status as state from gateway.view_jobs
        where version between 1 and :below - 1
        union all
        select 'export', id, team_id, status from gateway.view_exports
        where version between 1 and :below - 1 order by kind, id
    """),
}
_REQUESTS = text("""
    select job_id, r.id, cast(r.message as text) as message
    from unnest(cast(:jobs as uuid[])) as wanted (job_id)
    join gateway.requests r on job_id = any(r.jobs) and r.message_type = 'credits.hold.v1'
""")
_TEAMS = text("""
    select distinct on (t.id) t.id, t.name, u.email from gateway.teams t
    join gateway.memberships m on m.team_id = t.id and m.role = 'owner'
    join gateway.users u on u.id = m.user_id
    where t.id = any(cast(:teams as uuid[])) and t.closed_at is null order by t.id, m.created_at
""")
_BY_ID = "delete from gateway.{view} where id = any(cast(:ids as uuid[]))"
_DROP = {
    "model": text(_BY_ID.format(view="view_models")),
    "curated model": text(_BY_ID.format(view="view_reference_models")),
    "export": text(_BY_ID.format(view="view_exports")),
    # The audit adds these accounts up from their first line on.
    "line": text("""
        with dropped as (
            delete from gateway.view_credit_entries where id = any(cast(:ids as uuid[])) returning team_id)
        delete from gateway.balanced where team_id in (select team_id from dropped)
    """),
}


@dataclass(frozen=True, slots=True)
class StoredRestored:
    """The views of a restored service, within one transaction."""

    connection: Connection

    async def unknown(self, owner: str, below: int) -> list[Unknown]:
        """Find what was last said in a version below the one that everything was lifted to."""
        rows = await self.connection.execute(_UNKNOWN[owner], {"below": below})
        return [Unknown(row.kind, row.id, row.team_id, row.state) for row in rows]

    async def requests(self, job_ids: Collection[UUID]) -> dict[UUID, tuple[UUID, HoldCredits]]:
        """Find, by job, the request it came from with what was asked then."""
        rows = await self.connection.execute(_REQUESTS, {"jobs": list(job_ids)}) if job_ids else ()
        return {row.job_id: (row.id, HoldCredits.model_validate_json(row.message)) for row in rows}

    async def teams(self, team_ids: Collection[UUID]) -> list[TeamOpened]:
        """Describe those of the teams that are open."""
        rows = await self.connection.execute(_TEAMS, {"teams": list(team_ids)}) if team_ids else ()
        return [TeamOpened(team_id=row.id, name=row.name, owner_email=row.email) for row in rows]

    async def drop(self, kind: str, ids: Collection[UUID]) -> None:
        """Show them no more."""
        await self.connection.execute(_DROP[kind], {"ids": list(ids)})
