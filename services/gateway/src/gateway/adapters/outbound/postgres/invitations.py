"""Open invitations, and links in letters that have not been followed."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from chassis.connection import Connection, Row
from chassis.statement import text
from gateway.domain.people import Invitation, Team
from gateway.domain.permissions import Role
from gateway.domain.proofs import Proof, Purpose

_INVITE = text("""
    insert into gateway.invitations (id, team_id, email, role, token_hash, invited_by, created_at, expires_at)
    values (:id, :team_id, :email, :role, :token_hash, :invited_by, :created_at, :expires_at)
    on conflict (team_id, email) do update set id = excluded.id, role = excluded.role,
        token_hash = excluded.token_hash, invited_by = excluded.invited_by,
        created_at = excluded.created_at, expires_at = excluded.expires_at
""")
_COLUMNS = "i.id, i.team_id, i.email, i.role, i.invited_by, i.created_at, i.expires_at"
_OF_TEAM = text(f"""
    select {_COLUMNS} from gateway.invitations i where team_id = :team_id and expires_at > :now
    order by id desc
""")  # noqa: S608 - names of ours
_BY_TOKEN = text(f"""
    select {_COLUMNS}, t.name as team_name from gateway.invitations i
    join gateway.teams t on t.id = i.team_id and t.closed_at is null
    where i.token_hash = :token_hash and i.expires_at > :now for update of i
""")  # noqa: S608 - names of ours
_REMOVE = text(f"""
    delete from gateway.invitations i where team_id = :team_id and id = :id returning {_COLUMNS}
""")  # noqa: S608 - names of ours
_FORGET_INVITATIONS = text("delete from gateway.invitations where expires_at <= :now")
_PROVE = text("""
    insert into gateway.proofs (token_hash, purpose, user_id, email, expires_at)
    values (:token_hash, :purpose, :user_id, :email, :expires_at)
    on conflict (user_id, purpose) do update set token_hash = excluded.token_hash, email = excluded.email,
        expires_at = excluded.expires_at
""")
_TAKE = text("""
    delete from gateway.proofs where token_hash = :token_hash and purpose = :purpose
    returning purpose, user_id, email, expires_at
""")
_FORGET_PROOFS = text("delete from gateway.proofs where expires_at <= :now")


@dataclass(frozen=True, slots=True)
class StoredInvitations:
    """Invitations, within one transaction."""

    connection: Connection

    async def add(self, invitation: Invitation, token_hash: bytes) -> None:
        """Add an invitation, in place of an earlier one of this address into this team."""
        values = asdict(invitation) | {"role": invitation.role.value, "token_hash": token_hash}
        await self.connection.execute(_INVITE, values)

    async def of_team(self, team_id: UUID, now: datetime) -> list[Invitation]:
        """List the invitations that can be accepted, newest first."""
        rows = await self.connection.execute(_OF_TEAM, {"team_id": team_id, "now": now})
        return [_read(row) for row in rows]

    async def by_token(self, token_hash: bytes, now: datetime) -> tuple[Invitation, Team] | None:
        """Take the invitation that can be accepted with a token, and find its team."""
        values = {"token_hash": token_hash, "now": now}
        row = (await self.connection.execute(_BY_TOKEN, values)).first()
        return (_read(row), Team(row.team_id, row.team_name)) if row else None

    async def remove(self, team_id: UUID, invitation_id: UUID) -> Invitation | None:
        """Remove an invitation; returns it when the team had it."""
        removed = await self.connection.execute(_REMOVE, {"team_id": team_id, "id": invitation_id})
        row = removed.first()
        return _read(row) if row else None

    async def forget(self, now: datetime) -> None:
        """Drop the invitations that have expired."""
        await self.connection.execute(_FORGET_INVITATIONS, {"now": now})


@dataclass(frozen=True, slots=True)
class StoredProofs:
    """Proofs, within one transaction."""

    connection: Connection

    async def add(self, proof: Proof, token_hash: bytes) -> None:
        """Add a proof, in place of an earlier one of this purpose for this person."""
        values = asdict(proof) | {"purpose": proof.purpose.value, "token_hash": token_hash}
        await self.connection.execute(_PROVE, values)

    async def take(self, token_hash: bytes, purpose: Purpose, now: datetime) -> Proof | None:
        """Use a proof up; one that is too old is none."""
        values = {"token_hash": token_hash, "purpose": purpose.value}
        row = (await self.connection.execute(_TAKE, values)).first()
        if row is None or row.expires_at <= now:
            return None
        return Proof(Purpose(row.purpose), row.user_id, row.email, row.expires_at)

    async def forget(self, now: datetime) -> None:
        """Drop the proofs that have expired."""
        await self.connection.execute(_FORGET_PROOFS, {"now": now})


def _read(row: Row) -> Invitation:
    return Invitation(
        id=row.id,
        team_id=row.team_id,
        email=row.email,
        role=Role(row.role),
        invited_by=row.invited_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
