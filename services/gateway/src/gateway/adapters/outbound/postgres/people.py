"""Users, teams and sessions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.application.ports import EmailTaken, Membership, Team, User
from gateway.domain.permissions import Role

_ADD_USER = text("""
    insert into gateway.users (id, email, name, password_hash, created_at)
    values (:id, :email, :name, :password_hash, :now) on conflict (email) do nothing returning id
""")
_ADD_TEAM = text("insert into gateway.teams (id, name, created_at) values (:id, :name, :now)")
_ADD_MEMBERSHIP = text("""
    insert into gateway.memberships (team_id, user_id, role, created_at)
    values (:team_id, :user_id, :role, :now)
""")
_MEMBERSHIP = """
    select u.id as user_id, u.email, u.name as user_name, u.password_hash, t.id as team_id,
        t.name as team_name, m.role
    from gateway.users u
    join gateway.memberships m on m.user_id = u.id
    join gateway.teams t on t.id = m.team_id
"""
_BY_EMAIL = text(_MEMBERSHIP + "where u.email = :email order by m.created_at limit 1")
_BY_ID = text(_MEMBERSHIP + "where u.id = :user_id and t.id = :team_id")
_OPEN_SESSION = text("""
    insert into gateway.sessions (token_hash, user_id, team_id, created_at, expires_at)
    values (:token_hash, :user_id, :team_id, :now, :until)
""")
_CLOSE_SESSION = text("delete from gateway.sessions where token_hash = :token_hash")
_FORGET_SESSIONS = text("delete from gateway.sessions where expires_at <= :now")


@dataclass(frozen=True, slots=True)
class StoredPeople:
    """People, within one transaction."""

    connection: AsyncConnection

    async def add(self, membership: Membership, now: datetime) -> None:
        """Add a user, a team and the user's role in it. Raises EmailTaken."""
        user, team = membership.user, membership.team
        known = {"id": user.id, "email": user.email, "name": user.name, "now": now}
        added = await self.connection.execute(_ADD_USER, known | {"password_hash": user.password_hash})
        if added.first() is None:
            raise EmailTaken
        await self.connection.execute(_ADD_TEAM, {"id": team.id, "name": team.name, "now": now})
        role = {"team_id": team.id, "user_id": user.id, "role": membership.role.value, "now": now}
        await self.connection.execute(_ADD_MEMBERSHIP, role)

    async def by_email(self, email: str) -> Membership | None:
        """Find a user and the team they joined first."""
        return _read((await self.connection.execute(_BY_EMAIL, {"email": email})).first())

    async def by_id(self, user_id: UUID, team_id: UUID) -> Membership | None:
        """Find a user in a team."""
        found = await self.connection.execute(_BY_ID, {"user_id": user_id, "team_id": team_id})
        return _read(found.first())

    async def open_session(
        self, token_hash: bytes, membership: Membership, now: datetime, until: datetime
    ) -> None:
        """Let the holder of a token act as this user for this team."""
        ids = {"user_id": membership.user.id, "team_id": membership.team.id}
        times = {"now": now, "until": until}
        await self.connection.execute(_OPEN_SESSION, {"token_hash": token_hash} | ids | times)

    async def close_session(self, token_hash: bytes) -> None:
        """End a session."""
        await self.connection.execute(_CLOSE_SESSION, {"token_hash": token_hash})

    async def forget_sessions(self, now: datetime) -> None:
        """Drop the sessions that have expired."""
        await self.connection.execute(_FORGET_SESSIONS, {"now": now})


def _read(row: Row[Any] | None) -> Membership | None:
    if row is None:
        return None
    user = User(row.user_id, row.email, row.user_name, row.password_hash)
    return Membership(user, Team(row.team_id, row.team_name), Role(row.role))
