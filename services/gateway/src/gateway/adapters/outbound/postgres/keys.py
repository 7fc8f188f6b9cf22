"""API keys."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from chassis.connection import Connection
from chassis.statement import text
from gateway.application.ports import ApiKey

_ADD = text("""
    insert into gateway.api_keys (id, team_id, user_id, name, prefix, secret_hash, scopes, credit_budget,
        budget_period, created_at, expires_at)
    values (:id, :team_id, :user_id, :name, :prefix, :secret_hash, :scopes, :credit_budget,
        :budget_period, :created_at, :expires_at)
""")
_OF_TEAM = text("""
    select id, team_id, user_id, name, prefix, scopes, credit_budget, budget_period, created_at, expires_at,
        last_used_at
    from gateway.api_keys where team_id = :team_id and revoked_at is null order by id desc
""")
_REVOKE = text("""
    update gateway.api_keys set revoked_at = :now
    where id = :id and team_id = :team_id and revoked_at is null returning id
""")
_REVOKE_OF = text("""
    update gateway.api_keys set revoked_at = :now
    where team_id = :team_id and user_id = :user_id and revoked_at is null
""")


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """API keys, within one transaction."""

    connection: Connection

    async def add(self, key: ApiKey, secret_hash: bytes) -> None:
        """Add a key."""
        values = asdict(key) | {"scopes": list(key.scopes), "secret_hash": secret_hash}
        del values["last_used_at"]
        await self.connection.execute(_ADD, values)

    async def of_team(self, team_id: UUID) -> list[ApiKey]:
        """List the keys that have not been revoked, newest first."""
        rows = (await self.connection.execute(_OF_TEAM, {"team_id": team_id})).mappings()
        return [ApiKey(**{**row, "scopes": tuple(row["scopes"])}) for row in rows]

    async def revoke(self, team_id: UUID, key_id: UUID, now: datetime) -> bool:
        """End a key; tells whether the team had it."""
        ended = await self.connection.execute(_REVOKE, {"id": key_id, "team_id": team_id, "now": now})
        return ended.first() is not None

    async def revoke_of(self, team_id: UUID, user_id: UUID, now: datetime) -> None:
        """End the keys that a member made."""
        values = {"team_id": team_id, "user_id": user_id, "now": now}
        await self.connection.execute(_REVOKE_OF, values)
