"""Who is behind a session or an API key."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text

from chassis.database import Database
from contracts.orders import KeyTerms
from gateway.domain.permissions import Caller, Role, permissions_of
from gateway.domain.plans import FREE

_BY_SESSION = text("""
    select s.user_id, s.team_id, m.role, coalesce(p.per_minute, :per_minute) as per_minute
    from gateway.sessions s
    join gateway.memberships m on m.team_id = s.team_id and m.user_id = s.user_id
    left join gateway.view_plans p on p.team_id = s.team_id
    where s.token_hash = :hash and s.expires_at > :now
""")
_BY_KEY = text("""
    select k.user_id, k.team_id, m.role, coalesce(p.per_minute, :per_minute) as per_minute,
        k.id, k.scopes, k.credit_budget, k.budget_period, k.created_at, k.last_used_at
    from gateway.api_keys k
    join gateway.memberships m on m.team_id = k.team_id and m.user_id = k.user_id
    left join gateway.view_plans p on p.team_id = k.team_id
    where k.secret_hash = :hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > :now)
""")
_USED = text("update gateway.api_keys set last_used_at = :now where id = :id")
_USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class StoredCallers:
    """Credentials, found by their SHA-256 in one read."""

    database: Database

    async def by_session(self, token_hash: bytes, now: datetime) -> Caller | None:
        """Find who has this session."""
        values = {"hash": token_hash, "now": now, "per_minute": FREE.per_minute}
        async with self.database.reading() as connection:
            row = (await connection.execute(_BY_SESSION, values)).first()
        if row is None:
            return None
        role = Role(row.role)
        return Caller(row.user_id, row.team_id, role, permissions_of(role), row.per_minute)

    async def by_key(self, secret_hash: bytes, now: datetime) -> Caller | None:
        """Find for whom this API key acts, and note now and then that it is used."""
        values = {"hash": secret_hash, "now": now, "per_minute": FREE.per_minute}
        async with self.database.reading() as connection:
            row = (await connection.execute(_BY_KEY, values)).first()
            if row is None:
                return None
            if row.last_used_at is None or now - row.last_used_at > _USE_NOTED_EVERY:
                await connection.execute(_USED, {"id": row.id, "now": now})
        role = Role(row.role)
        permissions = permissions_of(role, row.scopes)
        return Caller(row.user_id, row.team_id, role, permissions, row.per_minute, _terms(row, now))


def _terms(row: Row[Any], now: datetime) -> KeyTerms:
    if row.credit_budget is None:
        return KeyTerms(id=row.id)
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    start = month if row.budget_period == "month" else row.created_at
    return KeyTerms(id=row.id, budget=row.credit_budget, window_start=start)
