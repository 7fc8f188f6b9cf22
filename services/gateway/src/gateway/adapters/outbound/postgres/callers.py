"""Who is behind a session or an API key."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.database import Database
from contracts.orders import KeyTerms
from gateway.domain.people import SESSIONS_IDLE
from gateway.domain.permissions import Caller, Permission, Role, permissions_of
from gateway.domain.plans import FREE

_BY_SESSION = text("""
    select s.id, s.user_id, s.team_id, s.last_seen_at, m.role,
        coalesce(p.per_minute, :per_minute) as per_minute, u.email_verified_at is not null as verified
    from gateway.sessions s
    join gateway.memberships m on m.team_id = s.team_id and m.user_id = s.user_id
    join gateway.users u on u.id = s.user_id
    left join gateway.view_plans p on p.team_id = s.team_id
    where s.token_hash = :hash and s.expires_at > :now and s.last_seen_at > :idle
""")
_BY_KEY = """
    select k.user_id, k.team_id, m.role, coalesce(p.per_minute, $3) as per_minute,
        u.email_verified_at is not null as verified, k.id, k.scopes, k.credit_budget, k.budget_period,
        k.created_at, k.last_used_at
    from gateway.api_keys k
    join gateway.memberships m on m.team_id = k.team_id and m.user_id = k.user_id
    join gateway.users u on u.id = k.user_id
    left join gateway.view_plans p on p.team_id = k.team_id
    where k.secret_hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > $2)
"""
_USED = text("update gateway.api_keys set last_used_at = :now where id = :id")
_SEEN = text("update gateway.sessions set last_seen_at = :now where id = :id")
_USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class StoredCallers:
    """Credentials, found by their SHA-256 in one read."""

    database: Database
    require_verified: bool

    async def by_session(self, token_hash: bytes, now: datetime) -> Caller | None:
        """Find who has this session."""
        values = {"hash": token_hash, "now": now, "idle": now - SESSIONS_IDLE, "per_minute": FREE.per_minute}
        async with self.database.reading() as connection:
            row = (await connection.execute(_BY_SESSION, values)).first()
            if row is None:
                return None
            if now - row.last_seen_at > _USE_NOTED_EVERY:
                await connection.execute(_SEEN, {"id": row.id, "now": now})
        role = Role(row.role)
        return self._caller({**row._mapping}, role, permissions_of(role), session_id=row.id)  # noqa: SLF001 - its name

    async def by_key(self, secret_hash: bytes, now: datetime) -> Caller | None:
        """Find for whom this API key acts, and note now and then that it is used."""
        found = await self.database.read(_BY_KEY, secret_hash, now, FREE.per_minute)
        if not found:
            return None
        row = dict(found[0])
        if row["last_used_at"] is None or now - row["last_used_at"] > _USE_NOTED_EVERY:
            async with self.database.reading() as connection:
                await connection.execute(_USED, {"id": row["id"], "now": now})
        role = Role(row["role"])
        permissions = permissions_of(role, row["scopes"])
        return self._caller(row, role, permissions, key=_terms(row, now))

    def _caller(
        self,
        row: Mapping[str, Any],
        role: Role,
        permissions: frozenset[Permission],
        *,
        key: KeyTerms | None = None,
        session_id: UUID | None = None,
    ) -> Caller:
        return Caller(
            user_id=row["user_id"],
            team_id=row["team_id"],
            role=role,
            permissions=permissions,
            per_minute=row["per_minute"],
            key=key,
            session_id=session_id,
            may_spend=row["verified"] or not self.require_verified,
        )


def _terms(row: Mapping[str, Any], now: datetime) -> KeyTerms:
    if row["credit_budget"] is None:
        return KeyTerms(id=row["id"])
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    start = month if row["budget_period"] == "month" else row["created_at"]
    return KeyTerms(id=row["id"], budget=row["credit_budget"], window_start=start)
