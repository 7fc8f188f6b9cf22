"""Sessions."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.connection import Connection, Row
from chassis.statement import text
from gateway.domain.people import SESSIONS_IDLE, Device, Session

_OPEN = text("""
    insert into gateway.sessions (id, token_hash, user_id, team_id, created_at, last_seen_at, expires_at,
        address, agent)
    values (:id, :token_hash, :user_id, :team_id, :created_at, :last_seen_at, :expires_at, :address, :agent)
""")
_SWITCH = text("update gateway.sessions set team_id = :team_id where id = :id")
_OF_USER = text("""
    select * from gateway.sessions where user_id = :user_id and expires_at > :now and last_seen_at > :idle
    order by last_seen_at desc, id
""")
_BY_TOKEN = text("select * from gateway.sessions where token_hash = :token_hash")
_END = text("delete from gateway.sessions where user_id = :user_id and id = :id returning id")
_END_ALL = text("""
    delete from gateway.sessions where user_id = :user_id and (cast(:but as uuid) is null or id <> :but)
    returning id
""")
_MOVE = text("""
    update gateway.sessions s set team_id = other.team_id from (
        select team_id from gateway.memberships where user_id = :user_id and team_id <> :team_id
        order by used_at desc nulls last, created_at limit 1) as other
    where s.user_id = :user_id and s.team_id = :team_id
""")
_REST = text("delete from gateway.sessions where user_id = :user_id and team_id = :team_id")
_FORGET = text("delete from gateway.sessions where expires_at <= :now or last_seen_at <= :idle")


@dataclass(frozen=True, slots=True)
class StoredSessions:
    """Sessions, within one transaction."""

    connection: Connection

    async def open(self, session: Session) -> None:
        """Let the holder of a token act as a person for a team."""
        values = {
            "id": session.id,
            "token_hash": session.token_hash,
            "user_id": session.user_id,
            "team_id": session.team_id,
            "created_at": session.created_at,
            "last_seen_at": session.last_seen_at,
            "expires_at": session.expires_at,
            "address": session.device.address,
            "agent": session.device.agent,
        }
        await self.connection.execute(_OPEN, values)

    async def switch(self, session_id: UUID, team_id: UUID) -> None:
        """Let a session look at another team."""
        await self.connection.execute(_SWITCH, {"id": session_id, "team_id": team_id})

    async def of_user(self, user_id: UUID, now: datetime) -> list[Session]:
        """List somebody's sessions that work, the one seen last at first."""
        values = {"user_id": user_id, "now": now, "idle": now - SESSIONS_IDLE}
        return [_read(row) for row in await self.connection.execute(_OF_USER, values)]

    async def by_token(self, token_hash: bytes) -> Session | None:
        """Find a session."""
        row = (await self.connection.execute(_BY_TOKEN, {"token_hash": token_hash})).first()
        return _read(row) if row else None

    async def end(self, user_id: UUID, session_id: UUID) -> bool:
        """End one of somebody's sessions; tells whether they had it."""
        ended = await self.connection.execute(_END, {"user_id": user_id, "id": session_id})
        return ended.first() is not None

    async def end_all(self, user_id: UUID, *, but: UUID | None = None) -> int:
        """End somebody's sessions, except one; tells how many there were."""
        ended = await self.connection.execute(_END_ALL, {"user_id": user_id, "but": but})
        return len(ended.all())

    async def leave(self, team_id: UUID, user_id: UUID) -> None:
        """Let somebody's sessions look at another team of theirs, or end them when there is none."""
        for statement in (_MOVE, _REST):
            await self.connection.execute(statement, {"user_id": user_id, "team_id": team_id})

    async def forget(self, now: datetime) -> None:
        """Drop the sessions that have expired."""
        await self.connection.execute(_FORGET, {"now": now, "idle": now - SESSIONS_IDLE})


def _read(row: Row) -> Session:
    return Session(
        id=row.id,
        token_hash=bytes(row.token_hash),
        user_id=row.user_id,
        team_id=row.team_id,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        device=Device(row.address, row.agent),
    )
