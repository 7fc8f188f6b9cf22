"""Teams and who is in them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.connection import Connection, Row
from chassis.statement import text
from gateway.domain.people import Membership, Team, Topic, User
from gateway.domain.permissions import Role

_OPEN = text("insert into gateway.teams (id, name, created_at) values (:id, :name, :now)")
_LOCK = text("""
    select id, name from gateway.teams where id = :id and closed_at is null for no key update
""")
_RENAME = text("update gateway.teams set name = :name where id = :id")
_JOIN = text("""
    insert into gateway.memberships (team_id, user_id, role, created_at, used_at)
    values (:team_id, :user_id, :role, :now, :now) on conflict do nothing
""")
_ASSIGN = text("update gateway.memberships set role = :role where team_id = :team_id and user_id = :user_id")
_WANT = text("""
    update gateway.memberships set notices = cast(:topics as text[])
    where team_id = :team_id and user_id = :user_id
""")
_LEAVE = text("delete from gateway.memberships where team_id = :team_id and user_id = :user_id")
_USE = text("update gateway.memberships set used_at = :now where team_id = :team_id and user_id = :user_id")
_MEMBERSHIP = """
    select u.id as user_id, u.email, u.name as user_name, u.password_hash,
        u.email_verified_at is not null as verified, t.id as team_id, t.name as team_name, m.role,
        m.created_at as joined_at, m.notices
    from gateway.memberships m
    join gateway.users u on u.id = m.user_id
    join gateway.teams t on t.id = m.team_id
"""
_MEMBERS = text(_MEMBERSHIP + "where m.team_id = :team_id order by m.created_at, m.user_id")
_OF_USER = text(_MEMBERSHIP + "where m.user_id = :user_id order by m.used_at desc nulls last, m.created_at")
_ONE = text(_MEMBERSHIP + "where m.user_id = :user_id and m.team_id = :team_id")
_CLOSE = text("update gateway.teams set name = '', closed_at = :now, look_at = :now where id = :team_id")
_ENDED = ("sessions", "api_keys", "webhook_endpoints", "invitations", "memberships")
_END = tuple(
    text(f"delete from gateway.{table} where team_id = :team_id")  # noqa: S608 - names of ours
    for table in _ENDED
)
_CLOSED = text("""
    select id, closed_at from gateway.teams where look_at <= :now
    order by look_at limit :limit for update skip locked
""")
_ENDED_TEAMS = text("select id from gateway.teams where id = any(:ids) and closed_at is not null")
# What the views show of a team, its lines in the log, and what it asked for. What it paid stays, without
# names. A job that is open is forgotten when it has ended: until then the audit follows its credits.
_SHOWN = {
    "view_jobs": "status in ('completed', 'failed', 'cancelled', 'expired')",
    "view_images": "true",
    "view_exports": "true",
    "view_models": "true",
    "view_plans": "true",
    "view_billing": "true",
    "view_quotes": "true",
    "event_log": "true",
    "requests": "verdict is not null",
    "activity": "true",
}
_FORGET = tuple(
    text(f"delete from gateway.{table} where team_id = :team_id and {ended}")  # noqa: S608 - names of ours
    for table, ended in _SHOWN.items()
)
FORGOTTEN = {*_ENDED, *_SHOWN}
"""The tables in which nothing is left of a closed team."""
_LOOK = text("update gateway.teams set look_at = :next_look where id = :team_id")


@dataclass(frozen=True, slots=True)
class StoredTeams:
    """Teams, within one transaction."""

    connection: Connection

    async def open(self, team: Team, owner_id: UUID, now: datetime) -> None:
        """Add a team with its owner."""
        await self.connection.execute(_OPEN, {"id": team.id, "name": team.name, "now": now})
        await self.join(team.id, owner_id, Role.OWNER, now)

    async def lock(self, team_id: UUID) -> Team | None:
        """Take a team for this transaction, so that two changes of its members follow one another."""
        row = (await self.connection.execute(_LOCK, {"id": team_id})).first()
        return Team(row.id, row.name) if row else None

    async def rename(self, team_id: UUID, name: str) -> None:
        """Give a team another name."""
        await self.connection.execute(_RENAME, {"id": team_id, "name": name})

    async def join(self, team_id: UUID, user_id: UUID, role: Role, now: datetime) -> None:
        """Add a member; one who is in the team already stays as they are."""
        values = {"team_id": team_id, "user_id": user_id, "role": role.value, "now": now}
        await self.connection.execute(_JOIN, values)

    async def assign(self, team_id: UUID, user_id: UUID, role: Role) -> None:
        """Give a member another role."""
        values = {"team_id": team_id, "user_id": user_id, "role": role.value}
        await self.connection.execute(_ASSIGN, values)

    async def want(self, team_id: UUID, user_id: UUID, topics: Collection[Topic]) -> None:
        """Note what a member wants letters about."""
        values = {"team_id": team_id, "user_id": user_id, "topics": sorted(topics)}
        await self.connection.execute(_WANT, values)

    async def leave(self, team_id: UUID, user_id: UUID) -> None:
        """Take a member out of a team."""
        await self.connection.execute(_LEAVE, {"team_id": team_id, "user_id": user_id})

    async def members(self, team_id: UUID) -> list[Membership]:
        """List who is in a team, who joined first at first."""
        return [_read(row) for row in await self.connection.execute(_MEMBERS, {"team_id": team_id})]

    async def of_user(self, user_id: UUID) -> list[Membership]:
        """List the teams somebody is in, the one used last at first."""
        return [_read(row) for row in await self.connection.execute(_OF_USER, {"user_id": user_id})]

    async def membership(self, user_id: UUID, team_id: UUID) -> Membership | None:
        """Find somebody in a team."""
        found = await self.connection.execute(_ONE, {"user_id": user_id, "team_id": team_id})
        row = found.first()
        return _read(row) if row else None

    async def use(self, team_id: UUID, user_id: UUID, now: datetime) -> None:
        """Note which of their teams somebody works in."""
        await self.connection.execute(_USE, {"team_id": team_id, "user_id": user_id, "now": now})

    async def close(self, team_id: UUID, now: datetime) -> None:
        """End a team: nobody is in it any more, nothing says whose it was."""
        for statement in _END:
            await self.connection.execute(statement, {"team_id": team_id})
        await self.connection.execute(_CLOSE, {"team_id": team_id, "now": now})

    async def closed(self, now: datetime, limit: int) -> list[tuple[UUID, datetime]]:
        """Take closed teams whose traces are due to be looked for, with the times they closed."""
        rows = await self.connection.execute(_CLOSED, {"now": now, "limit": limit})
        return [(row.id, row.closed_at) for row in rows]

    async def ended(self, team_ids: Collection[UUID]) -> set[UUID]:
        """Tell which of these teams are closed."""
        return set((await self.connection.execute(_ENDED_TEAMS, {"ids": list(team_ids)})).scalars())

    async def forget(self, team_id: UUID, next_look: datetime | None) -> None:
        """Delete what the views and the log show of a team, except what it paid; look again then."""
        for statement in _FORGET:
            await self.connection.execute(statement, {"team_id": team_id})
        await self.connection.execute(_LOOK, {"team_id": team_id, "next_look": next_look})


def _read(row: Row) -> Membership:
    user = User(row.user_id, row.email, row.user_name, row.password_hash, row.verified)
    notices = frozenset(map(Topic, row.notices))
    return Membership(user, Team(row.team_id, row.team_name), Role(row.role), row.joined_at, notices)
