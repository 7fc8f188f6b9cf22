"""Where teams want their events."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from chassis.connection import Connection, Row
from chassis.statement import text
from gateway.domain.webhooks import MOST_ENDPOINTS, Endpoint, OldSecret, TooManyEndpoints

COLUMNS = """e.id, e.team_id, e.url, e.description, e.types, e.secret,
    cast(e.old_secrets as text) as old_secrets, e.created_at, e.disabled_at,
    e.disabled_reason, e.failing_since, e.failures"""
# Two that are added at once would not see each other.
_ONE_BY_ONE = text("select pg_advisory_xact_lock(hashtextextended(cast(cast(:team_id as uuid) as text), 4))")
_COUNT = text("select count(*) from gateway.webhook_endpoints where team_id = :team_id")
_ADD = text("""
    insert into gateway.webhook_endpoints (id, team_id, url, description, types, secret, old_secrets, since,
        created_at)
    select :id, :team_id, :url, :description, cast(:types as text[]), :secret, '[]', seq, :created_at
    from gateway.log_head
""")
_OF_TEAM = text(f"""
    select {COLUMNS} from gateway.webhook_endpoints e where team_id = :team_id order by id desc
""")  # noqa: S608 - names of ours
_LOCK = text(f"""
    select {COLUMNS} from gateway.webhook_endpoints e
    where id = :id and team_id = coalesce(:team_id, team_id) for no key update
""")  # noqa: S608 - names of ours
# What happened while it was disabled is not sent afterwards.
_SAVE = text("""
    update gateway.webhook_endpoints set url = :url, description = :description,
        types = cast(:types as text[]), secret = :secret, old_secrets = cast(:old_secrets as jsonb),
        since = case when disabled_at is not null and cast(:disabled_at as timestamptz) is null
            then (select seq from gateway.log_head) else since end,
        disabled_at = :disabled_at, disabled_reason = :disabled_reason,
        failing_since = :failing_since, failures = :failures
    where id = :id
""")
_DELETE = text("delete from gateway.webhook_endpoints where id = :id")
_DELETE_OF_TEAM = text("delete from gateway.webhook_endpoints where team_id = :team_id")


@dataclass(frozen=True, slots=True)
class StoredEndpoints:
    """Endpoints, within one transaction."""

    connection: Connection

    async def add(self, endpoint: Endpoint) -> None:
        """Add one; it gets what happens from now on. Raises TooManyEndpoints."""
        team = {"team_id": endpoint.team_id}
        await self.connection.execute(_ONE_BY_ONE, team)
        if (await self.connection.execute(_COUNT, team)).scalar_one() >= MOST_ENDPOINTS:
            raise TooManyEndpoints
        values = {"id": endpoint.id, "created_at": endpoint.created_at, "secret": endpoint.secret}
        words = {"url": endpoint.url, "description": endpoint.description, "types": list(endpoint.types)}
        await self.connection.execute(_ADD, team | values | words)

    async def of_team(self, team_id: UUID) -> list[Endpoint]:
        """List a team's, newest first."""
        return [read_endpoint(row) for row in await self.connection.execute(_OF_TEAM, {"team_id": team_id})]

    async def lock(self, id_: UUID, team_id: UUID | None = None) -> Endpoint | None:
        """Find one, of a team if given, and keep others from changing it meanwhile."""
        row = (await self.connection.execute(_LOCK, {"id": id_, "team_id": team_id})).first()
        return read_endpoint(row) if row else None

    async def save(self, endpoint: Endpoint) -> None:
        """Keep what has changed."""
        old = [{"secret": one.secret, "until": one.until.isoformat()} for one in endpoint.old_secrets]
        values = {
            "id": endpoint.id,
            "url": endpoint.url,
            "description": endpoint.description,
            "types": list(endpoint.types),
            "secret": endpoint.secret,
            "old_secrets": orjson.dumps(old).decode(),
            "disabled_at": endpoint.disabled_at,
            "disabled_reason": endpoint.disabled_reason,
            "failing_since": endpoint.failing_since,
            "failures": endpoint.failures,
        }
        await self.connection.execute(_SAVE, values)

    async def delete(self, id_: UUID) -> None:
        """Delete one, with all its deliveries."""
        await self.connection.execute(_DELETE, {"id": id_})

    async def delete_of_team(self, team_id: UUID) -> None:
        """Delete all of a team's."""
        await self.connection.execute(_DELETE_OF_TEAM, {"team_id": team_id})


def read_endpoint(row: Row) -> Endpoint:
    """Read an endpoint from a row with COLUMNS."""
    old = [
        OldSecret(one["secret"], datetime.fromisoformat(one["until"]))
        for one in orjson.loads(row.old_secrets)
    ]
    return Endpoint(
        id=row.id,
        team_id=row.team_id,
        url=row.url,
        description=row.description,
        types=tuple(row.types),
        secret=row.secret,
        created_at=row.created_at,
        old_secrets=tuple(old),
        disabled_at=row.disabled_at,
        disabled_reason=row.disabled_reason,
        failing_since=row.failing_since,
        failures=row.failures,
    )
