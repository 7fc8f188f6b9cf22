"""What clients asked for, and how it ended."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import orjson

from chassis.connection import Connection, Row
from chassis.statement import text
from contracts import message_class
from contracts.message import Message
from gateway.domain.requests import Kind, Request, Verdict

_COLUMNS = """id, kind, scope, team_id, user_id, subject, jobs, idempotency_key, body_hash, created_at,
    cast(verdict as text) as verdict"""
_EARLIER = text(f"""
    select {_COLUMNS} from gateway.requests where scope = :scope and idempotency_key = :key
""")  # noqa: S608 - names of ours
_FREE_KEY = text("update gateway.requests set idempotency_key = null where id = :id")
INSERT = """
    insert into gateway.requests (id, kind, scope, team_id, user_id, subject, jobs, idempotency_key,
        body_hash, message_type, message, verdict, created_at, sent_at, settled_at)
    select cast(:id as uuid), cast(:kind as text), cast(:scope as uuid), cast(:team_id as uuid),
        cast(:user_id as uuid), cast(:subject as uuid), cast(:jobs as uuid[]), cast(:key as text),
        cast(:body_hash as bytea), cast(:message_type as text), cast(:message as jsonb),
        cast(:verdict as jsonb), cast(:created_at as timestamptz), cast(:sent_at as timestamptz),
        cast(:settled_at as timestamptz) {}
    on conflict (scope, idempotency_key) where idempotency_key is not null do nothing returning id
"""
_OPEN = text(INSERT.format(""))
_SETTLE = text(f"""
    update gateway.requests set verdict = said, settled_at = clock_timestamp()
    from unnest(cast(:ids as uuid[]), cast(:verdicts as jsonb[])) as v (request_id, said)
    where id = v.request_id and verdict is null returning {_COLUMNS}
""")  # noqa: S608 - names of ours
_AWAITED = text(f"""
    select {_COLUMNS} from gateway.requests
    where subject = any(:subjects) and kind = any(:kinds) and verdict is null
""")  # noqa: S608 - names of ours
_UNANSWERED = text("""
    update gateway.requests set sent_at = :now where id in (
        select id from gateway.requests r
        where verdict is null and sent_at < :sent_before
            and not exists (select 1 from gateway.outbox o where o.correlation_id = r.id)
        order by sent_at limit :limit for update skip locked)
    returning id, message_type, cast(message as text) as message
""")
_FORGET = text("""
    delete from gateway.requests
    where created_at < :before
        and (verdict is not null or kind in ('cancel_job', 'change_images', 'change_model', 'quote',
            'checkout', 'portal', 'auto_top_up'))
""")


@dataclass(frozen=True, slots=True)
class StoredRequests:
    """Requests, within one transaction."""

    connection: Connection

    async def earlier(self, request: Request) -> Request | None:
        """Find the request that this one repeats. Raises KeyReused."""
        if request.key is None:
            return None
        key = {"scope": request.scope, "key": request.key}
        row = (await self.connection.execute(_EARLIER, key)).first()
        if row is None:
            return None
        earlier = _read(row)
        if request.repeats(earlier):
            return earlier
        await self.connection.execute(_FREE_KEY, {"id": earlier.id})
        return None

    async def open(self, request: Request, message: Message | None = None) -> Request | None:
        """Note a new request; when one with its key is being noted right now, wait for that and return it."""
        opened = (await self.connection.execute(_OPEN, row_of(request, message))).first()
        return None if opened else await self.earlier(request)

    async def settle(self, verdicts: Mapping[UUID, Verdict]) -> list[Request]:
        """Store verdicts; returns the requests that had none before."""
        if not verdicts:
            return []
        ids = sorted(verdicts)
        values = {"ids": ids, "verdicts": [_written(verdicts[id_]) for id_ in ids]}
        return [_read(row) for row in await self.connection.execute(_SETTLE, values)]

    async def awaited(self, kinds: Collection[str], subjects: Collection[UUID]) -> list[Request]:
        """Find the requests of these kinds about these subjects that have no verdict."""
        if not subjects:
            return []
        values = {"kinds": [str(kind) for kind in kinds], "subjects": list(subjects)}
        return [_read(row) for row in await self.connection.execute(_AWAITED, values)]

    async def unanswered(
        self, sent_before: datetime, now: datetime, limit: int
    ) -> list[tuple[UUID, Message]]:
        """Take requests without a verdict that were last sent before then, and note them as sent now.

        What still waits in the outbox is not taken: while the bus is away it would only pile up there.
        """
        values = {"sent_before": sent_before, "now": now, "limit": limit}
        rows = await self.connection.execute(_UNANSWERED, values)
        return [(row.id, _message(row.message_type, row.message)) for row in rows]

    async def forget(self, before: datetime) -> None:
        """Drop requests made before then; only those that hold slots or credits wait for their verdict."""
        await self.connection.execute(_FORGET, {"before": before})


def row_of(request: Request, message: Message | None) -> dict[str, object]:
    """Write a new request down as the values of its row."""
    return {
        "id": request.id,
        "kind": request.kind.value,
        "scope": request.scope,
        "team_id": request.team_id,
        "user_id": request.user_id,
        "subject": request.subject,
        "jobs": list(request.jobs),
        "key": request.key,
        "body_hash": request.body_hash,
        "message_type": message.type if message else None,
        "message": message.model_dump_json() if message else None,
        "verdict": _written(request.verdict) if request.verdict else None,
        "created_at": request.created_at,
        "sent_at": request.created_at if message else None,
        "settled_at": request.created_at if request.verdict else None,
    }


def _written(verdict: Verdict) -> str:
    return orjson.dumps(asdict(verdict)).decode()


def _message(type_: str, payload: str) -> Message:
    if (kind := message_class(type_)) is None:
        raise LookupError(f"a request holds a message of the unknown type {type_}")
    return kind.model_validate_json(payload)


def _read(row: Row) -> Request:
    return Request(
        id=row.id,
        kind=Kind(row.kind),
        scope=row.scope,
        team_id=row.team_id,
        user_id=row.user_id,
        subject=row.subject,
        body_hash=bytes(row.body_hash),
        created_at=row.created_at,
        key=row.idempotency_key,
        jobs=tuple(row.jobs),
        verdict=Verdict(**orjson.loads(row.verdict)) if row.verdict else None,
    )
