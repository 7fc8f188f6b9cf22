"""Objects to delete, images on their way, and exports in Postgres."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter

from chassis.connection import Connection, Row
from chassis.statement import text
from contracts.envelope import Cause
from jobs.adapters.outbound.rows import arrays, unnest
from jobs.application.keeping import Moving
from jobs.domain.export import Export
from jobs.domain.keeping import Move

_DISCARD = text(
    "insert into jobs.discards (key) select unnest(cast(:keys as text[])) order by 1 on conflict do nothing"
)
_DISCARD_FOLDER = text(
    "insert into jobs.discards (key, lease_until) values (:folder, :due) on conflict do nothing"
)
_TAKE_DISCARDS = text(
    "update jobs.discards set lease_until = :until where key in (select key from jobs.discards"
    " where lease_until <= :now order by lease_until limit :most for no key update skip locked)"
    " returning key"
)
_DISCARDED = text("delete from jobs.discards where key = any(:keys)")

_MOVE = text(
    "insert into jobs.moves (request_id, team_id, job_id, numbers, pinned, correlation_id, message_id,"
    " traceparent) values (:request_id, :team_id, :job_id, :numbers, :pinned, :correlation_id, :message_id,"
    " :traceparent) on conflict do nothing"
)
_TAKE_MOVES = text(
    "update jobs.moves set lease_until = :until where request_id in (select request_id from jobs.moves"
    " where lease_until <= :now order by lease_until, noted_at limit :most for no key update skip locked)"
    " returning *"
)
_FINISH = text("delete from jobs.moves where request_id = :request_id returning request_id")

_EXPORT = TypeAdapter(Export)
_EXPORT_COLUMNS = {
    "id": "uuid",
    "team_id": "uuid",
    "status": "text",
    "created_at": "timestamptz",
    "expires_at": "timestamptz",
    "data": "jsonb",
}
_READ = "select cast(data as text) as data from jobs.exports"
_LOCK_EXPORTS = text(f"{_READ} where id = any(:ids) order by id for no key update")
_DUE_EXPORTS = text(
    f"{_READ} where status = 'completed' and expires_at <= :now order by expires_at limit :most"
    " for no key update skip locked"
)
_PAGE_EXPORTS = text(f"{_READ} where id > coalesce(:after, cast(:least as uuid)) order by id limit :most")
_FENCE = text("select pg_advisory_xact_lock(hashtextextended('exports of ' || cast(:team_id as text), 0))")
_COUNTS = text(
    "select count(*) filter (where status = 'processing') as open, count(*) as recent from jobs.exports"
    " where team_id = :team_id and (created_at > :since or status = 'processing')"
)
_SAVE_EXPORTS = text(
    f"insert into jobs.exports ({', '.join(_EXPORT_COLUMNS)}) select * from {unnest(_EXPORT_COLUMNS)}"  # noqa: S608 - names of ours
    " on conflict (id) do update set status = excluded.status, expires_at = excluded.expires_at,"
    " data = excluded.data"
)
_TAKE_EXPORTS = text(
    "update jobs.exports set lease_until = :until where id in (select id from jobs.exports"
    " where status = 'processing' and lease_until <= :now order by lease_until, created_at limit :most"
    " for no key update skip locked) returning cast(data as text) as data"
)
_LEASE_EXPORT = text("update jobs.exports set lease_until = :until where id = :id")


@dataclass(frozen=True, slots=True)
class PostgresDiscards:
    """Keys whose objects are to be deleted."""

    connection: Connection

    async def add(self, keys: Iterable[str]) -> None:
        """Note keys."""
        if unwanted := list(keys):
            await self.connection.execute(_DISCARD, {"keys": unwanted})

    async def add_folder(self, folder: str, due: datetime) -> None:
        """Note everything below a folder."""
        await self.connection.execute(_DISCARD_FOLDER, {"folder": folder, "due": due})

    async def take(self, now: datetime, until: datetime, limit: int) -> list[str]:
        """Lease keys and folders."""
        values = {"now": now, "until": until, "most": limit}
        return list((await self.connection.execute(_TAKE_DISCARDS, values)).scalars())

    async def done(self, keys: Sequence[str]) -> None:
        """Forget keys whose objects are gone."""
        await self.connection.execute(_DISCARDED, {"keys": list(keys)})


@dataclass(frozen=True, slots=True)
class PostgresMoves:
    """Images on their way."""

    connection: Connection

    async def add(self, move: Move, cause: Cause) -> None:
        """Note a move, once for each request."""
        values = {
            "request_id": move.request_id,
            "team_id": move.team_id,
            "job_id": move.job_id,
            "numbers": list(move.numbers),
            "pinned": move.pinned,
            "correlation_id": cause.correlation_id,
            "message_id": cause.message_id,
            "traceparent": cause.traceparent,
        }
        await self.connection.execute(_MOVE, values)

    async def take(self, now: datetime, until: datetime, limit: int) -> list[Moving]:
        """Lease the oldest moves."""
        values = {"now": now, "until": until, "most": limit}
        return [_moving(row) for row in await self.connection.execute(_TAKE_MOVES, values)]

    async def finish(self, request_id: UUID) -> bool:
        """End a move; False when somebody else has."""
        return (await self.connection.execute(_FINISH, {"request_id": request_id})).first() is not None


class PostgresExports:
    """Exports; what they do not need any more is noted to be deleted as they are saved."""

    def __init__(self, connection: Connection, discards: PostgresDiscards) -> None:
        self._connection, self._discards = connection, discards

    async def lock(self, ids: Iterable[UUID]) -> dict[UUID, Export]:
        """Read and lock exports."""
        found = await self._connection.execute(_LOCK_EXPORTS, {"ids": list(ids)})
        return {export.id: export for export in _exports(found)}

    async def counts(self, team_id: UUID, since: datetime) -> tuple[int, int]:
        """Count a team's exports, while nobody else counts them."""
        await self._connection.execute(_FENCE, {"team_id": str(team_id)})
        row = (await self._connection.execute(_COUNTS, {"team_id": team_id, "since": since})).one()
        return row.open, row.recent

    async def save(self, exports: Iterable[Export]) -> None:
        """Write exports."""
        exports = list(exports)
        if not exports:
            return
        rows = [(e.id, e.team_id, e.status, e.created_at, e.expires_at, _written(e)) for e in exports]
        await self._connection.execute(_SAVE_EXPORTS, arrays(_EXPORT_COLUMNS, rows))
        await self._discards.add(key for export in exports for key in export.unwanted)

    async def take(self, now: datetime, until: datetime, limit: int) -> list[Export]:
        """Lease exports that are to be made."""
        values = {"now": now, "until": until, "most": limit}
        return _exports(await self._connection.execute(_TAKE_EXPORTS, values))

    async def lease(self, export_id: UUID, until: datetime) -> None:
        """Let nobody else take an export up before `until`."""
        await self._connection.execute(_LEASE_EXPORT, {"id": export_id, "until": until})

    async def due(self, now: datetime, limit: int) -> list[Export]:
        """Lock completed exports whose time is over."""
        return _exports(await self._connection.execute(_DUE_EXPORTS, {"now": now, "most": limit}))

    async def page(self, after: UUID | None, limit: int) -> list[Export]:
        """Read the exports that follow an id."""
        values = {"after": after, "least": UUID(int=0), "most": limit}
        return _exports(await self._connection.execute(_PAGE_EXPORTS, values))


def _written(export: Export) -> str:
    return _EXPORT.dump_json(export, exclude={"unwanted"}).decode()


def _exports(rows: Iterable[Row]) -> list[Export]:
    return [_EXPORT.validate_json(row.data) for row in rows]


def _moving(row: Row) -> Moving:
    move = Move(row.request_id, row.team_id, row.job_id, tuple(row.numbers), row.pinned)
    return Moving(move, Cause(row.correlation_id, row.message_id, row.traceparent))
