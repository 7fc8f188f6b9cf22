"""Who is behind a session or an API key."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Record

from chassis.database import Database
from chassis.statement import text
from contracts.catalog import ModelChanged, ReferenceModelChanged
from contracts.orders import KeyTerms
from gateway.application.reading import Found, JobView
from gateway.domain.people import SESSIONS_IDLE
from gateway.domain.permissions import Caller, Permission, Role, permissions_of
from gateway.domain.plans import FREE

_BY_SESSION = text("""
    select s.id, s.user_id, s.team_id, s.last_seen_at, m.role,
        p.per_minute, u.email_verified_at is not null as verified
    from gateway.sessions s
    join gateway.memberships m on m.team_id = s.team_id and m.user_id = s.user_id
    join gateway.users u on u.id = s.user_id
    left join gateway.view_plans p on p.team_id = s.team_id
    where s.token_hash = :hash and s.expires_at > :now and s.last_seen_at > :idle
""")
_KEY = """
    k.user_id, k.team_id, m.role, p.per_minute, u.email_verified_at is not null as verified, k.id, k.scopes,
    k.credit_budget, k.budget_period, k.created_at, k.last_used_at
"""
_OF_KEY = """
    join gateway.memberships m on m.team_id = k.team_id and m.user_id = k.user_id
    join gateway.users u on u.id = k.user_id
    left join gateway.view_plans p on p.team_id = k.team_id
"""
_VALID = "k.revoked_at is null and (k.expires_at is null or k.expires_at > $2)"
_BY_KEY = f"select {_KEY} from gateway.api_keys k {_OF_KEY} where k.secret_hash = $1 and {_VALID}"  # noqa: S608 - words of ours
_JOBS_BY_KEY = f"""
    select {_KEY}, asked.n, cast(j.document as text) as document, cast(j.cost as text) as cost
    from unnest($1::bytea[], $3::uuid[]) with ordinality as asked (hash, job_id, n)
    join gateway.api_keys k on k.secret_hash = asked.hash and {_VALID} {_OF_KEY}
    join gateway.view_jobs j on j.id = asked.job_id and j.team_id = k.team_id
"""  # noqa: S608 - words of ours
_SOURCES_BY_KEY = f"""
    select {_KEY}, asked.n, cast(v.document as text) as own, cast(r.document as text) as reference
    from unnest($1::bytea[], $3::uuid[], $4::uuid[]) with ordinality
        as asked (hash, model_id, reference_id, n)
    join gateway.api_keys k on k.secret_hash = asked.hash and {_VALID} {_OF_KEY}
    left join gateway.view_models v
        on v.id = asked.model_id and v.team_id = k.team_id and v.status <> 'deleted'
    left join gateway.view_reference_models r on r.id = asked.reference_id
"""  # noqa: S608 - words of ours
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
        values = {"hash": token_hash, "now": now, "idle": now - SESSIONS_IDLE}
        async with self.database.reading() as connection:
            row = (await connection.execute(_BY_SESSION, values)).first()
            if row is None:
                return None
            if now - row.last_seen_at > _USE_NOTED_EVERY:
                await connection.execute(_SEEN, {"id": row.id, "now": now})
        role = Role(row.role)
        return self._caller(row, role, permissions_of(role), session_id=row.id)

    async def by_key(self, secret_hash: bytes, now: datetime) -> Caller | None:
        """Find for whom this API key acts, and note now and then that it is used."""
        found = await self.database.read(_BY_KEY, secret_hash, now)
        await self._note_use(found, now)
        return self._with_key(found[0], now) if found else None

    async def jobs_by_keys(
        self, asked: Sequence[tuple[bytes, str]], now: datetime
    ) -> list[tuple[Caller, JobView] | None]:
        """Find for whom each key acts, and the job it asks for, all at once; None unless both are there."""
        hashes, jobs = zip(*asked, strict=True)
        rows = await self.database.read(_JOBS_BY_KEY, hashes, now, jobs)
        await self._note_use(rows, now)
        found: list[tuple[Caller, JobView] | None] = [None] * len(asked)
        for row in rows:
            found[row["n"] - 1] = self._with_key(row, now), JobView(row["document"], row["cost"])
        return found

    async def sources_by_keys(
        self, asked: Sequence[tuple[bytes, UUID | None, UUID | None]], now: datetime
    ) -> list[tuple[Caller, Found] | None]:
        """Find for whom each key acts, and the models it asks for, all at once; None without such a key."""
        hashes, models, references = zip(*asked, strict=True)
        rows = await self.database.read(_SOURCES_BY_KEY, hashes, now, models, references)
        await self._note_use(rows, now)
        found: list[tuple[Caller, Found] | None] = [None] * len(asked)
        for row in rows:
            own, reference = row["own"], row["reference"]
            sources = Found(
                ModelChanged.model_validate_json(own) if own else None,
                ReferenceModelChanged.model_validate_json(reference) if reference else None,
            )
            found[row["n"] - 1] = self._with_key(row, now), sources
        return found

    async def _note_use(self, rows: Iterable[Record], now: datetime) -> None:
        latest = now - _USE_NOTED_EVERY
        used = {row["id"] for row in rows if row["last_used_at"] is None or row["last_used_at"] < latest}
        for key_id in used:
            async with self.database.reading() as connection:
                await connection.execute(_USED, {"id": key_id, "now": now})

    def _with_key(self, row: Record, now: datetime) -> Caller:
        role = Role(row["role"])
        return self._caller(row, role, permissions_of(role, tuple(row["scopes"])), key=_terms(row, now))

    def _caller(
        self,
        row: Mapping[str, Any] | Record,
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
            per_minute=FREE.per_minute if row["per_minute"] is None else row["per_minute"],
            key=key,
            session_id=session_id,
            may_spend=row["verified"] or not self.require_verified,
        )


def _terms(row: Record, now: datetime) -> KeyTerms:
    if row["credit_budget"] is None:
        return KeyTerms(id=row["id"])
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    start = month if row["budget_period"] == "month" else row["created_at"]
    return KeyTerms(id=row["id"], budget=row["credit_budget"], window_start=start)
