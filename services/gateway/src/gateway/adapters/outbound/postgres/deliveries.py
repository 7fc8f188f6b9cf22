"""What is on its way to clients' endpoints, and what became of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from chassis.connection import Connection, Row
from chassis.ids import new_id
from chassis.statement import text
from gateway.adapters.outbound.postgres.endpoints import COLUMNS, read_endpoint
from gateway.adapters.outbound.postgres.events import read_event
from gateway.application.reading import Page
from gateway.application.sending import Attempt, Delivery, Due
from gateway.domain.public_events import is_document
from gateway.domain.webhooks import Answer, Status

_AT_ONCE = 1_000
_ANYBODY = text("select exists (select from gateway.webhook_endpoints where disabled_at is null)")
_SKIP = text("""
    update gateway.webhook_head h set seq = l.seq from gateway.log_head l where h.seq < l.seq
        and not exists (select from gateway.webhook_endpoints where disabled_at is null)
""")
_SPREAD = text("select seq from gateway.webhook_head for no key update skip locked")
_HEAD = text("select seq from gateway.log_head")
_WANTED = text("""
    select e.id as endpoint_id, l.seq, n.name, l.subject, l.version
    from gateway.event_log l
    join unnest(cast(:types as text[]), cast(:names as text[])) as n (type, name) on n.type = l.type
    join gateway.webhook_endpoints e on e.team_id = l.team_id and e.disabled_at is null and e.since < l.seq
        and (e.types = '{}' or n.name = any(e.types))
    where l.seq > :after and l.seq <= :until order by l.seq
""")
# An endpoint that was deleted since it was read gets nothing.
_ADD = text("""
    insert into gateway.webhook_deliveries
        (id, endpoint_id, seq, type, subject, version, supersedes, status, created_at, due_at)
    select d.id, d.endpoint_id, d.seq, d.type, d.subject, d.version, d.supersedes, 'pending', :now, :now
    from unnest(cast(:ids as uuid[]), cast(:endpoints as uuid[]), cast(:seqs as bigint[]),
        cast(:types as text[]), cast(:subjects as text[]), cast(:versions as bigint[]),
        cast(:supersede as boolean[])) as d (id, endpoint_id, seq, type, subject, version, supersedes)
    join gateway.webhook_endpoints e on e.id = d.endpoint_id
    on conflict (endpoint_id, seq) do nothing
""")
_MOVE = text("update gateway.webhook_head set seq = :seq")

# Endpoints take turns: who has waited longest comes first, and a locked one is being served elsewhere.
_TURN = text("""
    update gateway.webhook_endpoints set served_at = :now where id in (
        select id from gateway.webhook_endpoints e
        where disabled_at is null and exists (
            select 1 from gateway.webhook_deliveries d
            where d.endpoint_id = e.id and d.status = 'pending' and d.due_at <= :now
                and (d.leased_until is null or d.leased_until <= :now))
        order by served_at nulls first limit :limit for no key update skip locked)
    returning id
""")
_SUPERSEDE = text("""
    update gateway.webhook_deliveries d
    set status = 'superseded', due_at = null, leased_until = null, ended_at = :now
    where endpoint_id = any(:endpoints) and status = 'pending' and supersedes
        and (leased_until is null or leased_until <= :now)
        and exists (
            select 1 from gateway.webhook_deliveries n
            where n.endpoint_id = d.endpoint_id and n.type = d.type and n.subject = d.subject
                and n.status = 'pending' and n.seq > d.seq)
""")
# What is under way about a document is waited for, so that its states arrive in order.
_LEASE = text("""
    update gateway.webhook_deliveries set leased_until = :until where id in (
        select one.id from unnest(cast(:endpoints as uuid[])) as turn (endpoint_id)
        cross join lateral (
            select d.id from gateway.webhook_deliveries d
            where d.endpoint_id = turn.endpoint_id and d.status = 'pending' and d.due_at <= :now
                and (d.leased_until is null or d.leased_until <= :now)
                and not (d.supersedes and exists (
                    select 1 from gateway.webhook_deliveries o
                    where o.endpoint_id = d.endpoint_id and o.type = d.type and o.subject = d.subject
                        and o.status = 'pending' and o.leased_until > :now))
            order by d.seq nulls first
            limit greatest(0, :each - (
                select count(*) from gateway.webhook_deliveries o
                where o.endpoint_id = turn.endpoint_id and o.status = 'pending' and o.leased_until > :now))
        ) as one limit :limit)
    returning id
""")
_DUE = text(f"""
    select d.id as delivery_id, d.type as name, d.created_at as due_since, l.seq, l.type, l.subject,
        l.version, l.at, cast(l.document as text) as document, {COLUMNS}
    from gateway.webhook_deliveries d
    join gateway.webhook_endpoints e on e.id = d.endpoint_id
    left join gateway.event_log l on l.seq = d.seq
    where d.id = any(:ids) and (d.seq is null or l.seq is not null) order by d.seq nulls first
""")  # noqa: S608 - names of ours
_LOCK = text("""
    select id, endpoint_id, seq, type, subject, version, status, created_at, due_at, ended_at
    from gateway.webhook_deliveries where id = :id and endpoint_id = :endpoint_id for no key update
""")
_TRIED = text("""
    update gateway.webhook_deliveries set tries = tries + 1, leased_until = null
    where id = :id returning tries
""")
_NOTE = text("""
    insert into gateway.webhook_attempts (delivery_id, n, at, status, milliseconds, excerpt, error)
    select :id, coalesce(max(n), 0) + 1, :now, :status, :milliseconds, :excerpt, :error
    from gateway.webhook_attempts where delivery_id = :id
""")
_END = text("""
    update gateway.webhook_deliveries set status = :status, due_at = null, ended_at = :now where id = :id
""")
_RETRY = text("update gateway.webhook_deliveries set due_at = :at where id = :id and status = 'pending'")
_AGAIN = text("""
    update gateway.webhook_deliveries set status = 'pending', due_at = :now, ended_at = null, tries = 0
    where id = :id
""")
_ABANDON = text("""
    update gateway.webhook_deliveries
    set status = 'failed', due_at = null, leased_until = null, ended_at = :now
    where endpoint_id = :endpoint_id and status = 'pending'
""")
_PAGE = text("""
    select d.id, d.endpoint_id, d.seq, d.type, d.subject, d.version, d.status, d.created_at, d.due_at,
        d.ended_at,
        (select cast(coalesce(jsonb_agg(to_jsonb(a) order by a.n), '[]') as text)
         from gateway.webhook_attempts a where a.delivery_id = d.id) as attempts
    from gateway.webhook_deliveries d
    where endpoint_id = :endpoint_id and (cast(:status as text) is null or status = :status)
        and (cast(:after as uuid) is null or id < :after)
    order by id desc limit :limit
""")
_FORGET = text("delete from gateway.webhook_deliveries where created_at < :before")


@dataclass(frozen=True, slots=True)
class StoredDeliveries:
    """Deliveries, within one transaction."""

    connection: Connection

    async def anybody(self) -> bool:
        """Tell whether any endpoint is there to be told."""
        return bool((await self.connection.execute(_ANYBODY)).scalar_one())

    async def skip(self) -> None:
        """Let what was logged pass, as there is nobody to tell of it."""
        await self.connection.execute(_SKIP)

    async def fan_out(self, names: Mapping[str, str], now: datetime) -> bool:
        """Make deliveries of what was logged since; True when there may be more."""
        if (after := (await self.connection.execute(_SPREAD)).scalar()) is None:
            return False  # somebody else is at it
        head = (await self.connection.execute(_HEAD)).scalar_one()
        until = min(head, after + _AT_ONCE)
        if until > after:
            values = {"types": list(names), "names": list(names.values()), "after": after, "until": until}
            await self._add((await self.connection.execute(_WANTED, values)).all(), now)
            await self.connection.execute(_MOVE, {"seq": until})
        return bool(until < head)

    async def _add(self, wanted: Any, now: datetime) -> None:  # noqa: ANN401 - rows have no type of their own
        if wanted:
            values = {
                "now": now,
                "ids": [new_id() for _ in wanted],
                "endpoints": [one.endpoint_id for one in wanted],
                "seqs": [one.seq for one in wanted],
                "types": [one.name for one in wanted],
                "subjects": [one.subject for one in wanted],
                "versions": [one.version for one in wanted],
                "supersede": [is_document(one.name) for one in wanted],
            }
            await self.connection.execute(_ADD, values)

    async def add(self, delivery: Delivery) -> None:
        """Add one that no event has led to."""
        values = {
            "now": delivery.created_at,
            "ids": [delivery.id],
            "endpoints": [delivery.endpoint_id],
            "seqs": [delivery.seq],
            "types": [delivery.type],
            "subjects": [delivery.subject],
            "versions": [delivery.version],
            "supersede": [False],
        }
        await self.connection.execute(_ADD, values)

    async def lease(self, now: datetime, until: datetime, limit: int, each: int) -> list[Due]:
        """Take up to `limit` that are due, at most `each` of an endpoint at a time, in turn."""
        turn = list((await self.connection.execute(_TURN, {"now": now, "limit": limit})).scalars())
        if not turn:
            return []
        values = {"endpoints": turn, "now": now}
        await self.connection.execute(_SUPERSEDE, values)
        taken = await self.connection.execute(_LEASE, values | {"until": until, "limit": limit, "each": each})
        return [_due(row) for row in await self.connection.execute(_DUE, {"ids": list(taken.scalars())})]

    async def lock(self, endpoint_id: UUID, id_: UUID) -> Delivery | None:
        """Find one of an endpoint, without its attempts, and keep others from changing it meanwhile."""
        values = {"id": id_, "endpoint_id": endpoint_id}
        row = (await self.connection.execute(_LOCK, values)).mappings().first()
        return Delivery(**row) if row else None

    async def record(self, id_: UUID, answer: Answer, now: datetime) -> int | None:
        """Note how a try ended; returns how many there were in this round, None without such a delivery."""
        tries: int | None = (await self.connection.execute(_TRIED, {"id": id_})).scalar()
        if tries is not None:
            await self.connection.execute(_NOTE, {"id": id_, "now": now} | asdict(answer))
        return tries

    async def end(self, id_: UUID, status: Status, now: datetime) -> None:
        """End one."""
        await self.connection.execute(_END, {"id": id_, "status": status, "now": now})

    async def retry(self, id_: UUID, at: datetime) -> None:
        """Let it be tried again then."""
        await self.connection.execute(_RETRY, {"id": id_, "at": at})

    async def send_again(self, id_: UUID, now: datetime) -> None:
        """Start another round of tries at once."""
        await self.connection.execute(_AGAIN, {"id": id_, "now": now})

    async def abandon(self, endpoint_id: UUID, now: datetime) -> None:
        """End all that wait for an endpoint as failed."""
        await self.connection.execute(_ABANDON, {"endpoint_id": endpoint_id, "now": now})

    async def page(self, endpoint_id: UUID, page: Page, status: Status | None) -> list[Delivery]:
        """List an endpoint's, newest first, up to one more than asked."""
        after = page.after[0] if page.after else None
        values = {"endpoint_id": endpoint_id, "status": status, "after": after, "limit": page.limit + 1}
        return [_delivery(row) for row in await self.connection.execute(_PAGE, values)]

    async def forget(self, before: datetime) -> None:
        """Drop those made before then."""
        await self.connection.execute(_FORGET, {"before": before})


def _due(row: Row) -> Due:
    event = read_event(row) if row.seq is not None else None
    return Due(row.delivery_id, read_endpoint(row), row.name, row.due_since, event)


def _delivery(row: Row) -> Delivery:
    attempts = [
        Attempt(
            one["n"],
            datetime.fromisoformat(one["at"]),
            Answer(one["status"], one["milliseconds"], one["excerpt"], one["error"]),
        )
        for one in orjson.loads(row.attempts)
    ]
    return Delivery(**{**row, "attempts": tuple(attempts)})
